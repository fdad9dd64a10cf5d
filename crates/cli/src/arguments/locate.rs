//! The arguments of `locate`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::PlaceArguments;

pub(super) const LOCATE_EXAMPLES: &str = "\
Exit codes:
  0  its token is known (with --revoke: it was revoked)
  1  it was revoked, and an account still accepts it
  4  no account accepts it
  6  no account accepts it, but some were not or could not be asked
  7  it cannot be told: whether it is alive, whose token it is, or whether it is dead now

Examples:
  pass show found | tokenfleet locate
  tokenfleet locate --secret-file leaked.txt
  tokenfleet locate --secret-file leaked.txt --account packages
  tokenfleet locate --secret-file leaked.txt --revoke
  tokenfleet locate --secret-file leaked.txt --revoke --accept-replacement --to file:new-key";

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("secret").args(["secret_env", "secret_file"]))]
#[command(group = ArgGroup::new("place").args(["to", "show_secret"]).multiple(true).requires("revoke"))]
pub(crate) struct LocateArguments {
    /// Read the secret from this environment variable
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// Read the secret from this file, or from standard input if it is - [default: -]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Ask every account, also those whose tokens cannot look like this, and go on after the token
    /// is found
    #[arg(long)]
    pub(crate) try_all: bool,
    /// Revoke the token; asks for confirmation on a terminal, and needs --yes elsewhere
    #[arg(long)]
    pub(crate) revoke: bool,
    /// Do not ask for confirmation
    #[arg(long, requires = "revoke")]
    pub(crate) yes: bool,
    /// Accept that the platform revokes a secret by issuing a new one, which goes to the place of
    /// --to
    #[arg(long, requires = "revoke")]
    pub(crate) accept_replacement: bool,
    /// Accept that revoking one token may also revoke others, where the platform does that; none of
    /// the built-in ones does
    #[arg(long, requires = "revoke")]
    pub(crate) accept_cascade: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}
