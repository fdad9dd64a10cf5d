//! The command line.

mod list;
mod read;
#[cfg(feature = "simulate")]
mod simulate;
mod write;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

pub(crate) use self::list::{ExplainArguments, ListArguments, PageArguments, PlanArguments};
pub(crate) use self::read::{CapabilitiesArguments, ShowArguments, VerifyArguments};
#[cfg(feature = "simulate")]
pub(crate) use self::simulate::SimulateArguments;
pub(crate) use self::write::{
    CreateArguments, ReconcileArguments, RenewArguments, RevokeArguments, RotateArguments,
    UpdateArguments,
};
use crate::output::Format;

/// Inventory, create, rotate and revoke API tokens on Losant, Foreman, Cloudsmith and Mindbody.
#[derive(Debug, Parser)]
#[command(name = "tokenfleet", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  success                       4  not found
  1  operation failed              5  not supported by the platform
  2  usage or configuration error  6  incomplete result
  3  refused by the platform       7  outcome unknown: the write may have been applied
                                   8  the answer is no: the secret is dead

Examples:
  tokenfleet inventory
  tokenfleet list --account iot --where 'expiry is never'
  tokenfleet create --account iot --name ci --expires-in 90d
  tokenfleet help revoke";

const GLOBAL: &str = "Global options";

/// The options that are valid before and after the command.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// Configuration file [default: tokenfleet.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub(crate) config: Option<PathBuf>,
    /// Configured account to work on; repeatable for commands that take several
    #[arg(long = "account", global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(crate) accounts: Vec<String>,
    /// Use simulated platforms instead of a configuration, with the accounts losant, foreman,
    /// cloudsmith and mindbody
    #[cfg(feature = "simulate")]
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) simulate: bool,
    /// Output format [default: table on a terminal, json otherwise]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = GLOBAL)]
    pub(crate) output: Option<Format>,
    /// Log requests to standard error: -v retries and rate limits, -vv every request, -vvv every
    /// wait; credentials are never logged
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the tokens of every account, or of those named by --account
    ///
    /// Ends with a line for each account: complete, partial, failed, or cannot be listed.
    Inventory(PageArguments),
    /// List the matching tokens of the selected accounts
    ///
    /// --account may be omitted if only one account is configured.
    #[command(after_help = list::LIST_HELP)]
    List(Box<ListArguments>),
    /// Explain how `tokenfleet list` would find the tokens, without sending anything
    ///
    /// Shows for each account which pages are read and how many concurrently, what the platform
    /// filters and sorts, what is filtered and sorted locally with the same result, and whether the
    /// result is complete if tokens change meanwhile. With --tokens it also shows the number of
    /// requests.
    #[command(after_help = list::EXPLAIN_HELP)]
    Explain(Box<ExplainArguments>),
    /// Show one token
    Show(ShowArguments),
    /// Create a token and print its secret
    ///
    /// The secret is shown only once: store it immediately. Options that the platform does not
    /// support are rejected before anything is sent; `tokenfleet capabilities` shows what it
    /// supports.
    ///
    /// If the outcome is unknown (exit code 7), look for the token before you create another one.
    /// With --exactly-once this is done for you: either the token is printed, or no token is left
    /// behind.
    #[command(after_help = write::CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// Find (and revoke) what an interrupted `tokenfleet create --exactly-once` left behind
    ///
    /// Prints the tokens that bear the marker. Nobody has their secrets, so revoke those that are
    /// not revoked yet; --revoke does it now, with the output and the exit codes of
    /// `tokenfleet revoke`.
    ///
    /// Exits with 0 if a token was found, 4 if none has been created so far, and 7 if the platform
    /// cannot tell.
    #[command(after_help = write::RECONCILE_EXAMPLES)]
    Reconcile(ReconcileArguments),
    /// Rename, describe, suspend or resume a token
    Update(UpdateArguments),
    /// Replace the secret of a token and print the new one
    ///
    /// The old secret stops working immediately. Asks for confirmation on a terminal, and needs
    /// --yes elsewhere.
    ///
    /// Among the built-in platforms, only Cloudsmith rotates in place. On the others, create a
    /// second token, hand it over, then revoke the first one.
    Rotate(RotateArguments),
    /// Extend the expiry of a token
    ///
    /// Among the built-in platforms, only Mindbody can do this.
    Renew(RenewArguments),
    /// Write a revocation plan for review
    ///
    /// The plan is text on standard output, with a line for each token that `tokenfleet list` would
    /// show with the same options. Review it, delete the lines of the tokens you want to keep, and
    /// carry it out with `tokenfleet revoke --plan`. Text after a # is a comment.
    ///
    /// If the listing is incomplete, no plan is written (exit code 6), because a missing token
    /// would go unnoticed.
    #[command(after_help = list::PLAN_HELP)]
    Plan(Box<PlanArguments>),
    /// Revoke tokens
    ///
    /// Takes ids, one secret, or a reviewed plan; the platform decides whether ids or secrets work.
    /// Asks for confirmation on a terminal, and needs --yes elsewhere.
    ///
    /// Prints a result for each token: whether it was alive, and whether its record is deleted,
    /// marked or replaced. A plan can be carried out again after a failure: tokens that are dead
    /// stay dead, but a replaced token keeps its id and would be replaced again.
    ///
    /// If only some of the tokens were revoked, the exit code is 1, or 7 if the outcome of one of
    /// them is unknown.
    #[command(after_help = write::REVOKE_EXAMPLES)]
    Revoke(RevokeArguments),
    /// Check whether a secret still works
    ///
    /// Exits with 0 if it is alive, 8 if it is dead, and 7 if the platform cannot tell.
    #[command(after_help = read::VERIFY_EXAMPLES)]
    Verify(VerifyArguments),
    /// Show the identity of each account
    ///
    /// An account whose platform cannot say whom it acts as is shown with the reason. That is no
    /// failure, unless none of the accounts can say (exit code 5).
    Whoami,
    /// Show what each account supports
    Capabilities(CapabilitiesArguments),
    /// Serve simulated platforms on loopback ports
    ///
    /// Prints one line of JSON for each server, with its URL and its credentials, and serves until
    /// a pipe on standard input closes or the program is stopped. A terminal or /dev/null as
    /// standard input does not end it.
    #[cfg(feature = "simulate")]
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(SimulateArguments),
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
    fn global_options_are_accepted_before_and_after_the_command() {
        for words in [
            ["tokenfleet", "-v", "--account", "a", "inventory"],
            ["tokenfleet", "inventory", "-v", "--account", "a"],
        ] {
            let arguments = Arguments::try_parse_from(words).unwrap();
            assert_eq!(arguments.global.verbose, 1);
            assert_eq!(arguments.global.accounts, ["a"]);
        }
    }

    #[cfg(feature = "simulate")]
    #[test]
    fn simulated_platforms_are_accepted_before_and_after_the_command() {
        for words in [
            ["tokenfleet", "--simulate", "inventory"],
            ["tokenfleet", "inventory", "--simulate"],
        ] {
            assert!(Arguments::try_parse_from(words).unwrap().global.simulate);
        }
    }
}
