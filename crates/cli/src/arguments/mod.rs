//! The command line.

mod annotate;
mod audit;
mod check;
mod configuration;
mod exec;
mod install;
mod ledger;
mod list;
mod locate;
mod metrics;
mod operations;
mod place;
mod read;
mod report;
mod rotation;
#[cfg(feature = "simulate")]
mod simulate;
mod write;

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};

pub(crate) use self::annotate::AnnotateArguments;
pub(crate) use self::audit::{AUDIT_COLUMNS, AuditArguments};
pub(crate) use self::check::{CheckArguments, ExpiringArguments};
pub(crate) use self::configuration::{InitArguments, TrustArguments};
pub(crate) use self::exec::ExecArguments;
pub(crate) use self::install::{CompletionsArguments, ManArguments, Shell};
pub(crate) use self::ledger::{
    DiffArguments, HistoryArguments, LedgerAction, LedgerArguments, PruneArguments,
    SnapshotArguments, SnapshotsArguments,
};
pub(crate) use self::list::{
    ExplainArguments, InventoryArguments, ListArguments, ListCommandArguments, PlanArguments,
};
pub(crate) use self::locate::LocateArguments;
pub(crate) use self::metrics::MetricsArguments;
pub(crate) use self::operations::{
    AbandonArguments, OperationsAction, OperationsArguments, ResumeArguments,
};
pub(crate) use self::place::{Place, PlaceArguments, SecretArguments};
pub(crate) use self::read::{CapabilitiesArguments, ShowArguments, VerifyArguments};
pub(crate) use self::report::ReportArguments;
pub(crate) use self::rotation::{RotateArguments, WorkerArguments};
#[cfg(feature = "simulate")]
pub(crate) use self::simulate::SimulateArguments;
pub(crate) use self::write::{
    CreateArguments, CreateOptions, ReconcileArguments, RenewArguments, RevokeArguments,
    UpdateArguments,
};
use crate::output::{Color, Format};

/// Inventory, create, rotate and revoke API tokens on Losant, Foreman, Cloudsmith and Mindbody.
#[derive(Debug, Parser)]
#[command(name = "tokenfleet", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  success                       4  not found
  1  operation failed              5  not supported by the platform
  2  usage or configuration error  6  incomplete result
  3  refused by the platform       7  outcome unknown: the write may have been applied
                                   8  the answer is no: the secret is dead,
                                      or something was found

Examples:
  tokenfleet inventory
  tokenfleet list --where 'expiry is never' --tag production
  tokenfleet create --account iot --name ci --scope all.Device.read --expires-in 90d
  tokenfleet help revoke";

const GLOBAL: &str = "Global options";

/// The options that are valid before and after the command.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// Configuration file [default: the first of $TOKENFLEET_CONFIG, ./tokenfleet.toml and
    /// ~/.config/tokenfleet/tokenfleet.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub(crate) config: Option<PathBuf>,
    /// Only accounts with this name, or matching this pattern, where * stands for any characters;
    /// '!NAME' leaves them out; repeatable [default: those in $TOKENFLEET_ACCOUNT, separated by
    /// commas, or all]
    #[arg(long = "account", global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(crate) accounts: Vec<String>,
    /// Only accounts of this provider; repeatable
    #[arg(long = "provider", global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(crate) providers: Vec<String>,
    /// Only accounts with this tag in their configuration; repeatable. An account must meet
    /// --account, --provider and --tag, where they are used
    #[arg(long = "tag", global = true, value_name = "TAG", help_heading = GLOBAL)]
    pub(crate) tags: Vec<String>,
    /// Use simulated platforms instead of a configuration, with the accounts losant, foreman,
    /// cloudsmith and mindbody
    #[cfg(feature = "simulate")]
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) simulate: bool,
    /// Reason for the changes, for the audit log
    #[arg(
        long,
        global = true,
        value_name = "TEXT",
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = GLOBAL
    )]
    pub(crate) reason: Option<String>,
    /// Refuse every change, whatever the command is
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) read_only: bool,
    /// Output format [default: table on a terminal, json otherwise]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = GLOBAL)]
    pub(crate) output: Option<Format>,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = GLOBAL
    )]
    pub(crate) color: Color,
    /// Log requests to standard error: -v retries and rate limits, -vv every request, -vvv every
    /// wait; credentials are never logged
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    pub(crate) verbose: u8,
    /// Print only tokens and problems: in listings no line for accounts that did not fail and lack
    /// no tokens, in doctor only what is not ok; no totals, notes or progress in any command
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List every token of the selected accounts
    ///
    /// Ends with a line for each account, which says whether its list is complete, and with a
    /// total. On a terminal, the lines of more than 20 accounts are left out where the list is
    /// complete.
    Inventory(InventoryArguments),
    /// List the matching tokens of the selected accounts
    ///
    /// Ends with a line for each account, as `tokenfleet inventory` does. An account whose tokens
    /// --limit or --offset leaves out, or may leave out, is not called complete.
    #[command(after_help = list::LIST_HELP)]
    List(Box<ListCommandArguments>),
    /// Explain how `tokenfleet list` would find the tokens, without sending anything
    ///
    /// Shows for each account which pages are read and how many concurrently, what the platform
    /// filters and sorts, what is filtered and sorted locally with the same result, and whether the
    /// result is complete if tokens change meanwhile. With --tokens it also shows the number of
    /// requests.
    #[command(after_help = list::EXPLAIN_HELP)]
    Explain(Box<ExplainArguments>),
    /// Write a report of all accounts for people who do not use tokenfleet
    ///
    /// The page needs no other file and no network. It shows the numbers, when tokens expire, which
    /// accounts could not be read completely, and the most urgent tokens, sortable and filterable.
    #[command(after_help = report::EXAMPLES)]
    Report(ReportArguments),
    /// Judge the tokens of every account by the checks of the configuration
    ///
    /// Exits with 8 if a token is found that no waiver covers, and with 6 if something could not be
    /// judged: an account that cannot be listed, or a field that its platform does not report.
    #[command(after_help = check::CHECK_HELP)]
    Check(Box<CheckArguments>),
    /// Find the tokens of every account that expire soon
    ///
    /// Exits with 8 if there are any, and with 6 if an account or the expiry of a token is unknown.
    /// Tokens that never expire are counted, but not found.
    #[command(after_help = check::EXPIRING_EXAMPLES)]
    Expiring(ExpiringArguments),
    /// Show one token
    ///
    /// Takes an id, or a name if exactly one token has it.
    Show(ShowArguments),
    /// Create a token, and print or store its secret
    ///
    /// The platform shows the secret only once: --to stores it at once, and a pipe gets it printed.
    /// A terminal does not, unless you pass --show-secret. A file named by --to is created before
    /// anything is sent, is never overwritten, and is readable by you alone.
    ///
    /// Options that the platform does not support are rejected before anything is sent;
    /// `tokenfleet capabilities` shows what it supports.
    ///
    /// If the outcome is unknown (exit code 7), look for the token before you create another one.
    /// With --exactly-once this is done for you: either the token is printed, or no token is left
    /// behind.
    #[command(after_help = write::CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// Create a token and run a command that gets its secret in an environment variable
    ///
    /// The command is looked up before anything is sent; if it cannot be started after all, the
    /// token is revoked. Signals are passed on to the command, and its exit code becomes that of
    /// this program (128 and the number of the signal if one ended it).
    #[command(after_help = exec::EXAMPLES)]
    Exec(ExecArguments),
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
    /// Replace a token or its secret, and print the new secret or deliver it to places
    ///
    /// With --to, this is one rotation: a new token is created where two can work side by side,
    /// every place is written and read back, and only then is the old token revoked, after the
    /// overlap. The ledger remembers how far it is, and no secret. It ends with 0 once every place
    /// holds the new secret, and says when the old one stops working and which command sees to
    /// that. If that is not so yet, it ends with 7 and says how to go on, and with 8 if a person is
    /// needed first. Whatever happens to this program, no secret is lost and no token is forgotten.
    ///
    /// With --policy, each token that is due by the policy is rotated like that.
    ///
    /// Without either, the secret is replaced in place and printed, and the old one stops working
    /// immediately. Among the built-in platforms, only Cloudsmith can do that.
    ///
    /// Asks for confirmation on a terminal, and needs --yes elsewhere. A policy was confirmed when
    /// it was written.
    #[command(after_help = rotation::ROTATE_EXAMPLES)]
    Rotate(Box<RotateArguments>),
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
    /// An account is not in the plan if its list is incomplete or failed, because a missing token
    /// would go unnoticed, or if its platform cannot revoke tokens by id. The plan says so at its
    /// beginning, and the exit code is 6. If no account is left, no plan is written.
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
    ///
    /// A plan that was interrupted goes on where it was: what the ledger knows as revoked is not
    /// asked for again.
    #[command(after_help = write::REVOKE_EXAMPLES)]
    Revoke(RevokeArguments),
    /// Check whether a secret still works
    ///
    /// Exits with 0 if it is alive, 8 if it is dead, and 7 if the platform cannot tell.
    #[command(after_help = read::VERIFY_EXAMPLES)]
    Verify(VerifyArguments),
    /// Find the account and the token that a found secret belongs to, and revoke it
    ///
    /// Takes the secret from a pipe, a file or a variable. Says which platforms' secrets look like
    /// it, which accounts accept it, and whose token it is where that can be known. It is sent
    /// only to platforms whose tokens look like it, and to no others once one accepts it. Where
    /// anything may be a secret, as at Cloudsmith and Mindbody, it may be somebody else's: an
    /// account there is asked only if it is configured with this very secret, or if --account
    /// names it. --try-all asks every account.
    ///
    /// At Foreman a refused secret counts as a failed login: one for each login that is asked, and
    /// one more when --revoke proves that it is dead. Foreman does not say whose token it is, so
    /// the secret is used twice to see which token's last use moves. If that tells no single token,
    /// the report holds a revocation plan to review.
    ///
    /// --revoke revokes the token by its id or its secret, then asks whether it is dead, and says
    /// what remains.
    #[command(after_help = locate::LOCATE_EXAMPLES)]
    Locate(LocateArguments),
    /// Show the identity of each account
    ///
    /// An account whose platform cannot say whom it acts as is shown with the reason. That is no
    /// failure, unless none of the accounts can say (exit code 5).
    Whoami,
    /// Show what each account supports
    Capabilities(CapabilitiesArguments),
    /// Print the script that completes commands, options and configured names in a shell
    #[command(after_help = install::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArguments),
    /// Print the JSON schema of the configuration file, for editors
    ///
    /// An editor that knows the schema completes keys and marks mistakes. Many take it from a first
    /// line such as `#:schema /usr/share/tokenfleet/tokenfleet.schema.json`.
    Schema,
    /// Print the manual page
    #[command(after_help = install::MAN_EXAMPLES)]
    Man(ManArguments),
    /// Show the configured accounts, without sending anything
    ///
    /// Shows the name, the provider, the address, the tags and the sources of the credentials of
    /// each account, never a credential.
    Accounts,
    /// Write a commented configuration to start from
    ///
    /// Asks for what it needs on a terminal. Elsewhere the options say it; without --provider the
    /// file is a template for every provider, commented out.
    ///
    /// Nothing is sent, and no credential is asked for: the file says where the credential is.
    #[command(after_help = configuration::INIT_EXAMPLES)]
    Init(InitArguments),
    /// Check the configuration, the credentials and the platforms
    ///
    /// Prints a line for each check, with what to do if something is wrong: configuration and
    /// permissions, credentials, connection and certificate, clock, rate limits, the directory for
    /// state, the ledger and the operations that wait, sinks and policies. Each account is asked
    /// once, with the cheapest request that needs its credential, and listed once for each of its
    /// policies; nothing is changed.
    ///
    /// Exits with 0 if nothing failed, and 8 otherwise. A warning is no failure.
    Doctor,
    /// Trust the configuration in the working directory
    ///
    /// A configuration that is found in the working directory may be somebody else's: a directory
    /// that was cloned or unpacked can hold one that sends your credentials elsewhere. It must be
    /// trusted once, and again when its content changes, before it may decide where a credential is
    /// sent or run a command. A configuration named by --config or $TOKENFLEET_CONFIG needs no
    /// trust.
    #[command(after_help = configuration::TRUST_EXAMPLES)]
    Trust(TrustArguments),
    /// Say who owns a token, what it is for, and until when
    ///
    /// Annotations are kept in a file beside the configuration, `annotations.toml` unless the table
    /// [annotations] names another `file`. No platform sees them. They are shown with the tokens,
    /// and filters name them: `tokenfleet list --where 'annotation.team = platform'`.
    ///
    /// The argument is the id of a token; --name annotates all tokens of a name instead. Anybody who
    /// may create tokens chooses their names, so annotate by id what others rely on. Without
    /// --account the annotation applies in all accounts. The token need not exist yet.
    #[command(after_help = annotate::EXAMPLES)]
    Annotate(AnnotateArguments),
    /// Show the audit log: who changed what, when and why
    ///
    /// The program records every change before it sends it and again when it knows the outcome. A
    /// change that is `open` has no recorded outcome: the program was stopped before the response
    /// arrived, or it is still running. Look at the platform before you repeat such a change.
    ///
    /// The log is a file of JSON lines in the state directory. The table [audit] of the
    /// configuration chooses another `file`, requires a --reason (`require_reason = true`), or
    /// turns the log off (`enabled = false`). It holds no secrets.
    #[command(after_help = audit::EXAMPLES)]
    Audit(AuditArguments),
    /// Record the tokens of the selected accounts in the ledger
    ///
    /// Reads every account as `tokenfleet inventory` does and records what changed. Ends with a
    /// line for each account that has the numbers of tokens that appeared, vanished and changed
    /// since the last snapshot, such as `+3 -1 ~2`.
    ///
    /// A token has vanished only if a complete list lacks it. A list that failed in the middle
    /// records what it saw. Nothing is changed on a platform, so --read-only has no effect.
    ///
    /// Tokens with a marker that the ledger cannot account for are reported with the command that
    /// revokes them: those that arrived after their rotation was done, those of a rotation that was
    /// given up, and those whose marker is unknown to this ledger or is one of another.
    #[command(after_help = ledger::SNAPSHOT_EXAMPLES)]
    Snapshot(SnapshotArguments),
    /// Show what changed between two snapshots: tokens that appeared, vanished or changed
    ///
    /// Compares two states of the ledger and sends nothing. A change is by `us`, with the operation
    /// and its reason, if a write that the ledger has recorded explains all of it; by `others` if the
    /// ledger holds every write of ours in that time, and none touched the token; and `unknown`
    /// otherwise. A token that came and went in between is not shown.
    ///
    /// Exits with 6 if an account has no snapshots of the whole period, or one that is not
    /// complete.
    #[command(after_help = ledger::DIFF_EXAMPLES)]
    Diff(Box<DiffArguments>),
    /// Show what became of a token: when it appeared, changed and vanished
    ///
    /// Reads the ledger and sends nothing. A time is that of the snapshot that saw the change. The
    /// first snapshot has `found` the token, or a later one saw that it `appeared`. What this
    /// program did and no snapshot shows is `written`, with the time at which it was sent.
    #[command(after_help = ledger::HISTORY_EXAMPLES)]
    History(HistoryArguments),
    /// Show, check, prune or export the ledger: what the program remembers
    ///
    /// The ledger is a file in the state directory. The table [ledger] of the configuration chooses
    /// another `path`, or names the `url` of a Postgres database that several machines share, or
    /// turns the ledger off (`enabled = false`). It holds no secrets.
    #[command(after_help = ledger::LEDGER_EXAMPLES)]
    Ledger(LedgerArguments),
    /// List, show and finish rotations, and changes whose outcome is unknown
    ///
    /// A rotation is open until the old secret is revoked: `tokenfleet worker` carries it on, and a
    /// parked one waits for `operations resume`.
    ///
    /// Every change is recorded in the ledger before it is sent. It is open until its outcome is
    /// recorded: a killed program and a lost response leave it open, and so does a secret that did
    /// not get to its place. `operations resume` asks the platform what became of it, revokes
    /// tokens whose secrets nobody has, and repeats revocations.
    ///
    /// Where nothing can be listed, a token that may exist is counted until it is dead.
    #[command(after_help = operations::EXAMPLES)]
    Operations(OperationsArguments),
    /// Carry on the rotations that are due, begin those of the policies, and run what is scheduled
    ///
    /// Without --once, it sleeps until something is due and ends with 0 when it is asked to stop,
    /// after the step at hand. It writes a line of JSON to standard error for each step. Several
    /// workers may share a ledger: one works on a queue at a time. A queue is an account, unless
    /// the key `queue` of the account says otherwise.
    ///
    /// A table [schedules.NAME] names a command that is run for each account, such as
    /// run = "snapshot", and when: every = "1d", or at = "02:00" in UTC. The command prints as
    /// always; without --once, JSON lines.
    ///
    /// With --once, it exits with 8 if a person is needed, a token cannot be rotated or a scheduled
    /// check found something, with 7 if a new secret is not in its places yet or it was asked to
    /// stop before it had finished, and with 6 if an account could not be listed completely.
    #[command(after_help = rotation::WORKER_EXAMPLES)]
    Worker(WorkerArguments),
    /// Serve simulated platforms on loopback ports
    ///
    /// Prints one line of JSON for each server, with its URL and its credentials, and serves until
    /// a pipe on standard input closes or the program is stopped. A terminal or /dev/null as
    /// standard input does not end it.
    #[cfg(feature = "simulate")]
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(SimulateArguments),
}

impl Command {
    /// Returns `true` for a command whose purpose is to change something on a platform.
    pub(crate) fn is_write(&self) -> bool {
        match self {
            Self::Create(_)
            | Self::Update(_)
            | Self::Worker(_)
            | Self::Renew(_)
            | Self::Revoke(_)
            | Self::Exec(_) => true,
            Self::Rotate(arguments) => !arguments.dry_run,
            Self::Locate(arguments) => arguments.revoke,
            Self::Reconcile(arguments) => arguments.revoke,
            Self::Operations(arguments) => {
                use OperationsAction::{Abandon, Resume};

                matches!(arguments.action, Some(Resume(_) | Abandon(_)))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
