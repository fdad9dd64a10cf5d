//! The commands, and the help that each shows of itself.

use clap::Subcommand;

use super::annotate::AnnotateArguments;
use super::audit::AuditArguments;
use super::check::{CheckArguments, ExpiringArguments};
use super::configuration::{InitArguments, TrustArguments};
use super::exec::ExecArguments;
use super::install::{CompletionsArguments, ManArguments};
use super::ledger::{DiffArguments, HistoryArguments, LedgerArguments, SnapshotArguments};
use super::list::{ExplainArguments, InventoryArguments, ListCommandArguments, PlanArguments};
use super::locate::LocateArguments;
use super::operations::{OperationsAction, OperationsArguments};
use super::read::{CapabilitiesArguments, ShowArguments, VerifyArguments};
use super::report::ReportArguments;
use super::rotation::{RotateArguments, WorkerArguments};
#[cfg(feature = "simulate")]
use super::simulate;
#[cfg(feature = "simulate")]
use super::simulate::SimulateArguments;
use super::write::{
    CreateArguments, ReconcileArguments, RenewArguments, RevokeArguments, UpdateArguments,
};
use super::{
    annotate, audit, check, configuration, exec, install, ledger, list, locate, operations, read,
    report, rotation, write,
};

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
