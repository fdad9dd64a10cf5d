//! The arguments of `show`, `verify` and `capabilities`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  tokenfleet verify --account iot --secret-env CI_TOKEN
  tokenfleet verify --account iot --secret-file leaked.txt";

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// Token id, or the name that exactly one token has
    pub(crate) id: String,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("secret").args(["secret_env", "secret_file"]).required(true))]
pub(crate) struct VerifyArguments {
    /// Read the secret from this environment variable
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// Read the secret from this file, or from standard input if it is -
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CapabilitiesArguments {
    /// Account to show [default: all]
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// List the scopes that the platform publishes, for `tokenfleet create --scope`. It may accept
    /// others
    #[arg(long)]
    pub(crate) scopes: bool,
}
