//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand, value_parser};
use tokenfleet::config::parse_duration;
use tokenfleet::query::SortBy;
use tokenfleet::workflow::Marker;
use tokenfleet::{Query, Result, Timestamp, TokenState};

use crate::output::Format;

/// Know, make, replace and kill the API tokens of your accounts at Losant, Foreman, Cloudsmith and Mindbody.
#[derive(Debug, Parser)]
#[command(name = "tokenfleet", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all well, 1 failed, 2 usage or configuration, \
3 refused by the platform, 4 not found, 5 unsupported, 6 incomplete result, 7 outcome unknown";

const EXPRESSIONS: &str = "\
Expressions for --where:
  name = ci, name ~ \"ci-*\", name ^= ci-     exactly, a pattern, a beginning; case counts
  state = active, state in (active, expired)
  owner = alice, owner is none              by the owner's id or name
  created < 2026-01-01, expiry >= now+30d   also last-used; < is before, >= at or after
  expiry is never, last-used is not-reported
  and, or, not, ( )                         and binds tighter than or

Examples:
  tokenfleet list --where 'state = active and (last-used < now-90d or last-used is never)'
  tokenfleet list --where 'expiry is never and not name ^= \"deploy \"' --sort created
  tokenfleet list --query stale --limit 10
  tokenfleet explain --where 'name ^= ci-' --sort created --tokens 5000";

const EVERYWHERE: &str = "Global options";

/// More than a simulator can hold in the memory of an ordinary machine.
const MOST_TOKENS: u64 = 10_000_000;

/// Valid before and after the command.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// The configuration [default: tokenfleet.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = EVERYWHERE)]
    pub(crate) config: Option<PathBuf>,
    /// A configured account; can be repeated where several make sense
    #[arg(long = "account", global = true, value_name = "NAME", help_heading = EVERYWHERE)]
    pub(crate) accounts: Vec<String>,
    /// Use simulated platforms instead of a configuration: accounts losant, foreman, cloudsmith and mindbody
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) simulate: bool,
    /// The form of the output [default: table on a terminal, json elsewhere]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = EVERYWHERE)]
    pub(crate) output: Option<Format>,
    /// Say on standard error what becomes of requests: -v repeats and waits that the platform asked for, -vv each request, -vvv
    /// also each wait for a limit. Never a credential
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = EVERYWHERE)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the tokens of every configured account
    Inventory(PageArguments),
    /// Show the tokens of the chosen accounts that match
    List(Box<ListArguments>),
    /// Tell how list would find the tokens of the chosen accounts, without sending anything
    ///
    /// For each account: which pages are read and how many at a time, what the platform filters and orders and what is done
    /// here, with the same result, and whether that is complete whatever changes meanwhile. What is filtered or sorted here
    /// reads every token of the account; --tokens tells how many requests that takes.
    Explain(Box<ExplainArguments>),
    /// Show one token
    Show(TokenArguments),
    /// Make a token and print its secret, which is shown once
    ///
    /// What a platform does not take is refused before anything is sent: "tokenfleet capabilities" tells what it takes.
    /// Store the secret at once. When the outcome is unknown (exit code 7) look for the token before making another, or use
    /// --exactly-once: then either the token is printed, or none that was made is left alive.
    Create(CreateArguments),
    /// Find the token of a create --exactly-once that was broken off
    ///
    /// Prints the tokens that bear the marker: nobody has the secret of one that is alive, so revoke it. The exit code is 0 when
    /// there is one, 4 when nothing was made until now, 7 when that cannot be told. With --revoke it kills what it finds, prints
    /// and ends as "tokenfleet revoke" does.
    Reconcile(ReconcileArguments),
    /// Rename, describe, suspend or resume a token
    Update(UpdateArguments),
    /// Give a token a new secret and print it; the old one dies at once
    Rotate(OptionalTokenArguments),
    /// Prolong a token's life
    Renew(RenewArguments),
    /// Write down which tokens revoke --plan would kill
    ///
    /// The plan is a text on standard output, a line for each token that list would show with the same options. Have it reviewed,
    /// strike out what shall live, and carry it out with "tokenfleet revoke --plan". What follows a # is for people. A listing
    /// that is not complete makes no plan (exit code 6): a token that is missing would live on unseen.
    Plan(Box<PlanArguments>),
    /// Kill tokens
    ///
    /// By their ids, one by its secret, whichever the platform wants, or all that a plan names. It asks before, at a terminal; elsewhere it needs
    /// --yes. Each token gets a verdict of its own: whether it was alive, and whether its record is deleted, marked or
    /// replaced. Revoking twice does no harm, so a plan that was carried out in part is carried out again; but what is replaced
    /// keeps its id, and would be replaced once more. When only some of the tokens could be revoked the exit code is 1, or 7 when
    /// one of them may be dead or not.
    Revoke(RevokeArguments),
    /// Tell whether a secret is alive: exits with 0 when it is, 3 when it is dead, 7 when that cannot be told
    Verify(SecretArguments),
    /// Show what the accounts' platforms can do
    Capabilities(CapabilitiesArguments),
    /// Serve simulated platforms on loopback ports
    Simulate(SimulateArguments),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("names").args(["name", "glob", "prefix"]))]
#[command(group = ArgGroup::new("expiries").args(["never_expires", "expires_before", "expires_within"]))]
#[command(after_help = EXPRESSIONS)]
pub(crate) struct ListArguments {
    /// That match an expression, see below
    #[arg(long = "where", value_name = "EXPRESSION")]
    pub(crate) expression: Option<String>,
    /// That a query of the configuration finds, [queries.NAME]; what else is given narrows it, and replaces its order,
    /// limit and offset
    #[arg(long, value_name = "NAME")]
    pub(crate) query: Option<String>,
    /// Of exactly this name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Whose name matches, where * stands for any characters
    #[arg(long, value_name = "PATTERN")]
    pub(crate) glob: Option<String>,
    /// Whose name begins so
    #[arg(long, value_name = "TEXT")]
    pub(crate) prefix: Option<String>,
    /// In this state: active, suspended, revoked, expired or unknown; repeated: in one of these
    #[arg(long = "state", value_name = "STATE")]
    pub(crate) states: Vec<TokenState>,
    /// That never expire
    #[arg(long)]
    pub(crate) never_expires: bool,
    /// That expire, or expired, before this time, such as 2030-01-31
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) expires_before: Option<Timestamp>,
    /// That will expire within this time, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) expires_within: Option<Duration>,
    /// Order by id, name, state, created, updated, expiry or last-used, descending with :desc; repeated, or with commas:
    /// then by. Tokens without such a value come last, descending first; elsewhere with :absent-first or :absent-last
    #[arg(long = "sort", value_name = "KEY[:desc][:absent-last]", value_parser = SortBy::parse_all)]
    pub(crate) sort: Vec<Vec<SortBy>>,
    /// At most so many, over all chosen accounts
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Without the first so many
    #[arg(long, value_name = "N")]
    pub(crate) offset: Option<u64>,
    #[command(flatten)]
    pub(crate) pages: PageArguments,
}

/// How pages are asked for.
#[derive(Debug, Args)]
pub(crate) struct PageArguments {
    /// Ask the platforms for so many tokens a page
    #[arg(long, value_name = "N")]
    pub(crate) page_size: Option<u32>,
    /// Ask an account for at most so many pages at a time where that loses nothing, and all together for 64 [default: 16]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub(crate) pages_at_a_time: Option<u32>,
}

impl PageArguments {
    /// The query, read in such pages.
    pub(crate) fn of(&self, mut query: Query) -> Query {
        query.page_size = self.page_size.or(query.page_size);
        query.max_concurrency = self.pages_at_a_time.unwrap_or(query.max_concurrency);
        query
    }
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    pub(crate) list: ListArguments,
    /// Say how many requests an account of so many tokens takes, all of which match
    #[arg(long, value_name = "N")]
    pub(crate) tokens: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) list: ListArguments,
    /// The token that the account acts with: it dies last, when all others are dead
    #[arg(long, value_name = "ID")]
    pub(crate) acting: Option<String>,
    /// Make the plan although tokens may be missing from it
    #[arg(long)]
    pub(crate) allow_incomplete: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// The token's id
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct OptionalTokenArguments {
    /// The token's id; may be left out when the account has one token
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("expiry").args(["expires_in", "expires_at", "never_expires"]))]
pub(crate) struct CreateArguments {
    /// The name that people will know it by
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A longer text
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Stop working after this time, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) expires_in: Option<Duration>,
    /// Stop working at this time, such as 2030-01-31T12:00:00Z or 2030-01-31
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) expires_at: Option<Timestamp>,
    /// Never stop working
    #[arg(long)]
    pub(crate) never_expires: bool,
    /// What it may do, in the platform's words; can be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// Where the answer is lost find what was made, by a marker at the end of its description (at Foreman: of its name), revoke
    /// it and try again. The marker is told on standard error before anything is sent. On Losant and Foreman
    #[arg(long)]
    pub(crate) exactly_once: bool,
    /// Where nothing is found look once more after this time: a request may be carried out after its answer was given up
    /// [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "exactly_once")]
    pub(crate) look_again_after: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct ReconcileArguments {
    /// The marker, as create told it
    #[arg(long)]
    pub(crate) marker: Marker,
    /// The name that create was given: with it the token is found sooner
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Kill what is found. It asks before, at a terminal; elsewhere it needs --yes
    #[arg(long)]
    pub(crate) revoke: bool,
    /// Do not ask
    #[arg(long, requires = "revoke")]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    /// The token's id
    pub(crate) id: String,
    /// A new name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A new description
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Switch it off until it is resumed
    #[arg(long)]
    pub(crate) suspend: bool,
    /// Switch it on again
    #[arg(long, conflicts_with = "suspend")]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RenewArguments {
    /// The token's id, for platforms that renew by id; none of the four does
    pub(crate) id: Option<String>,
    /// The environment variable that holds the secret to renew
    #[arg(long, value_name = "NAME", conflicts_with_all = ["id", "secret_file"])]
    pub(crate) secret_env: Option<String>,
    /// The file that holds the secret to renew
    #[arg(long, value_name = "FILE", conflicts_with = "id")]
    pub(crate) secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("tokens").args(["ids", "secret_env", "secret_file", "plan"]).required(true))]
pub(crate) struct RevokeArguments {
    /// The tokens' ids
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// The environment variable that holds the secret to kill
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// The file that holds the secret to kill
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The plan to carry out, written by tokenfleet plan; it names its account
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Accept a new secret where the old one can only be killed by replacing it; it is printed
    #[arg(long)]
    pub(crate) accept_replacement: bool,
    /// Suspend a token that may not be revoked, where the platform can; it is not dead
    #[arg(long, conflicts_with_all = ["secret_env", "secret_file"])]
    pub(crate) or_suspend: bool,
    /// Revoke so many at a time [default: 4 of a plan, 1 of ids]
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with_all = ["secret_env", "secret_file"])]
    pub(crate) at_a_time: Option<usize>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("secret").args(["secret_env", "secret_file"]).required(true))]
pub(crate) struct SecretArguments {
    /// The environment variable that holds the secret
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// The file that holds the secret
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CapabilitiesArguments {
    /// The account; all when it is left out
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArguments {
    /// losant, foreman, cloudsmith, mindbody or all
    pub(crate) provider: String,
    /// Where to listen, such as 127.0.0.1:8080; several servers take this port and the following ones, port 0 lets the
    /// system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Listen on an address that others can reach, who can then read and change every simulated token
    #[arg(long)]
    pub(crate) expose_to_network: bool,
    /// How many tokens exist at the start, up to 10 million; Cloudsmith has one at most [default: 20]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=MOST_TOKENS))]
    pub(crate) tokens: Option<u64>,
    /// Where their variety comes from [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many milliseconds every answer takes longer; a fault, which the control interface can remove
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency: u64,
    /// A switch of the simulator, such as user_id=7; can be repeated
    #[arg(long = "option", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "write a whole number from 1".to_owned())
}

fn time(text: &str) -> Result<Timestamp> {
    // Platforms differ in how they read fractions of a second.
    Timestamp::parse_at(text, Timestamp::now().truncated_to_seconds())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an address and a port, such as 127.0.0.1:8080".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_and_after_the_command() {
        for words in [
            ["tokenfleet", "--simulate", "--account", "a", "inventory"],
            ["tokenfleet", "inventory", "--simulate", "--account", "a"],
        ] {
            let arguments = Arguments::try_parse_from(words).unwrap();
            assert!(arguments.global.simulate);
            assert_eq!(arguments.global.accounts, ["a"]);
        }
    }
}
