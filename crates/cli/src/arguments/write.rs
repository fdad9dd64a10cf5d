//! The arguments of the commands that change tokens.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use tokenfleet::Timestamp;
use tokenfleet::config::parse_duration;
use tokenfleet::workflow::Marker;

use super::{PlaceArguments, SecretArguments};
use crate::time;

pub(super) const CREATE_EXAMPLES: &str = "\
Examples:
  tokenfleet create --account iot --name ci --scope all.User.read --expires-in 90d
  tokenfleet create --account infra --name ci --exactly-once
  tokenfleet create --account iot --name ci --to file:/etc/app/losant-token
  tokenfleet create --account iot --name ci --to env-file:.env#LOSANT_TOKEN
  TOKEN=$(tokenfleet create --account iot --name ci --secret-only)
  tokenfleet create --account iot --name app --secret-only |
    install -m 600 -o app /dev/stdin /etc/app/losant-token";

pub(super) const RECONCILE_EXAMPLES: &str = "\
Examples:
  tokenfleet reconcile --account iot --marker tf-0123456789abcdef
  tokenfleet reconcile --account iot --marker tf-0123456789abcdef --name ci --revoke";

pub(super) const REVOKE_EXAMPLES: &str = "\
Examples:
  tokenfleet revoke --account iot 575ec7417ae143cd83dc4a95
  tokenfleet revoke --account studio --secret-file leaked.txt
  tokenfleet revoke --plan revocations.txt --suspend
  tokenfleet revoke --plan revocations.txt
  tokenfleet revoke --plan revocations.txt --by-workers";

#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    #[command(flatten)]
    pub(crate) options: CreateOptions,
    #[command(flatten)]
    pub(crate) secret: SecretArguments,
}

/// The options that describe a new token.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("expiry").args(["expires_in", "expires_at", "never_expires"]))]
pub(crate) struct CreateOptions {
    /// Name of the token
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Description of the token
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Expire the token after this period, e.g. 30d [default: default_expires_in of the account, or
    /// the platform decides]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) expires_in: Option<Duration>,
    /// Expire the token at this time, e.g. 2030-01-31T12:00:00Z or 2030-01-31
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    pub(crate) expires_at: Option<Timestamp>,
    /// Create a token that never expires
    #[arg(long)]
    pub(crate) never_expires: bool,
    /// Scope of the token, as the platform names it; `tokenfleet capabilities --scopes` lists them
    /// where they are published. Repeatable [default: default_scopes of the account, or the
    /// platform decides]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// Argument that only this platform has; `tokenfleet capabilities --output json` lists them.
    /// Repeatable, also for the values of a list
    #[arg(long = "argument", value_name = "NAME=VALUE", value_parser = parse_argument)]
    pub(crate) arguments: Vec<(String, String)>,
    /// Create exactly one token: if the response is lost, find the token by a marker, revoke it and
    /// retry. The marker is appended to the description, or to the name if tokens have no
    /// description, and is printed to standard error before anything is sent. Needs a platform that
    /// lists tokens and revokes a single one by its id
    #[arg(long)]
    pub(crate) exactly_once: bool,
    /// Look again after this period if no token with the marker is found, because the platform may
    /// still apply the request [default: 30s]
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_duration,
        requires = "exactly_once"
    )]
    pub(crate) look_again_after: Option<Duration>,
}

/// Splits `NAME=VALUE` at the first equals sign.
fn parse_argument(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as readonly=true"),
    }
}

#[derive(Debug, Args)]
pub(crate) struct ReconcileArguments {
    /// Marker that `tokenfleet create --exactly-once` printed
    #[arg(long)]
    pub(crate) marker: Marker,
    /// Name that was passed to `tokenfleet create`; finds the token faster
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Revoke the tokens that are found; asks for confirmation on a terminal, and needs --yes
    /// elsewhere
    #[arg(long)]
    pub(crate) revoke: bool,
    /// Do not ask for confirmation
    #[arg(long, requires = "revoke")]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    /// Token id
    pub(crate) id: String,
    /// New name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// New description
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Suspend the token until it is resumed
    #[arg(long)]
    pub(crate) suspend: bool,
    /// Resume a suspended token
    #[arg(long, conflicts_with = "suspend")]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RenewArguments {
    /// Token id, for platforms that renew by id; none of the built-in ones does
    pub(crate) id: Option<String>,
    /// Read the secret to renew from this environment variable
    #[arg(long, value_name = "NAME", conflicts_with_all = ["id", "secret_file"])]
    pub(crate) secret_env: Option<String>,
    /// Read the secret to renew from this file, or from standard input if it is -
    #[arg(long, value_name = "FILE", conflicts_with = "id")]
    pub(crate) secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) secret: SecretArguments,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("tokens")
    .args(["ids", "secret_env", "secret_file", "plan"])
    .required(true))]
pub(crate) struct RevokeArguments {
    /// Token ids
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Read the secret to revoke from this environment variable
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// Read the secret to revoke from this file, or from standard input if it is -
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Carry out this plan, written by `tokenfleet plan`; the plan names its accounts
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Hand the plan to the workers that share the ledger, and print their verdicts as they come
    ///
    /// They go on when this command is stopped. `tokenfleet operations show ID --watch` watches
    /// again, and `tokenfleet operations abandon ID` stops what is not begun.
    #[arg(
        long,
        requires = "plan",
        conflicts_with_all = ["ids", "secret_env", "secret_file", "accept_replacement", "to"]
    )]
    pub(crate) by_workers: bool,
    /// Revoke this many tokens of one account of each platform first; if one of them is not
    /// revoked, the others wait for `tokenfleet operations resume ID`
    #[arg(long, value_name = "N", default_value_t = 5, requires = "by_workers")]
    pub(crate) canary: usize,
    /// End when the plan is handed over
    #[arg(long, requires = "by_workers")]
    pub(crate) no_wait: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Accept that the platform revokes a secret by issuing a new one, which is printed or goes to
    /// the place that --to names
    #[arg(long)]
    pub(crate) accept_replacement: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Accept that revoking one token may also revoke others, where the platform does that; none of
    /// the built-in ones does
    #[arg(long)]
    pub(crate) accept_cascade: bool,
    /// Suspend tokens that cannot be revoked, where the platform supports it; a suspended token can
    /// be resumed
    #[arg(long, conflicts_with_all = ["secret_env", "secret_file"])]
    pub(crate) or_suspend: bool,
    /// Suspend the tokens of the plan and revoke none, as a first step that
    /// `tokenfleet update ID --resume` undoes
    #[arg(long, conflicts_with_all = ["ids", "secret_env", "secret_file", "or_suspend"])]
    pub(crate) suspend: bool,
    /// Maximum number of tokens to revoke concurrently [default: 4 with --plan, 1 with ids]
    #[arg(
        long,
        value_name = "N",
        value_parser = at_least_one,
        conflicts_with_all = ["secret_env", "secret_file"]
    )]
    pub(crate) max_concurrency: Option<usize>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a whole number of at least 1".to_owned())
}
