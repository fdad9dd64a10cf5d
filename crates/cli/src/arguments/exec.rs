//! The arguments of `exec`.

use std::ffi::OsString;

use clap::Args;

use super::CreateOptions;
use super::place::parse_variable;

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenfleet exec --account iot --name deploy --scope all.Device.read --expires-in 1h \\
      --env LOSANT_TOKEN --revoke-after -- ./deploy.sh
  tokenfleet exec --account infra --name sync --expires-in 1d --env TOKEN -- sh -c 'curl …'";

#[derive(Debug, Args)]
pub(crate) struct ExecArguments {
    /// Environment variable in which the command gets the new secret
    #[arg(long, value_name = "NAME", value_parser = parse_variable)]
    pub(crate) env: String,
    /// Revoke the token when the command has ended
    #[arg(long)]
    pub(crate) revoke_after: bool,
    #[command(flatten)]
    pub(crate) options: CreateOptions,
    /// Command to run, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}
