//! The arguments of `operations`.

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use tokenfleet::config::parse_duration;
use tokenfleet::journal::OperationId;

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenfleet operations
  tokenfleet operations --exit-code --output json
  tokenfleet operations show 575ec7417ae143cd83dc4a957ab1f00d
  tokenfleet operations show 575ec7417ae143cd83dc4a957ab1f00d --watch
  tokenfleet operations resume --all";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct OperationsArguments {
    #[command(subcommand)]
    pub(crate) action: Option<OperationsAction>,
    /// Exit with 8 if a write is open or a rotation is parked
    #[arg(long)]
    pub(crate) exit_code: bool,
}

impl OperationsArguments {
    /// Returns `true` if the operation is watched until it is over.
    pub(crate) fn watches(&self) -> bool {
        matches!(
            self.action,
            Some(OperationsAction::Show { watch: true, .. })
        )
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum OperationsAction {
    /// List the rotations and the writes that are open
    List {
        /// Exit with 8 if a write is open or a rotation is parked
        #[arg(long)]
        exit_code: bool,
        /// List the rotations that are done or were given up, the oldest first
        #[arg(long, conflicts_with = "exit_code")]
        done: bool,
    },
    /// Show all that is known of an operation: how far a rotation is, and the writes
    Show {
        /// Id of the operation
        id: OperationId,
        /// Print the verdicts of a revocation by workers as they come, until it is over; the exit
        /// codes are those of `revoke --plan`
        #[arg(long)]
        watch: bool,
    },
    /// Find out what became of what is open, and finish it
    ///
    /// A token whose secret nobody has is revoked. One whose secret had arrived may be in use, and
    /// is revoked only if its operation is named. What is not certain stays open (7). Asks for
    /// confirmation on a terminal, and needs
    /// --yes elsewhere. What another process of this machine is still doing is left alone; look for
    /// those of other machines that share the ledger yourself.
    ///
    /// A revocation by workers that is named goes on although its canary wave failed.
    ///
    /// A rotation that is named goes on, also one that is parked: resume it when you have seen to
    /// its reason. Its writes are finished with it, and --all leaves it to the worker. The exit
    /// codes are those of `rotate`.
    Resume(ResumeArguments),
    /// Give up what is open of an operation, after you have looked at it yourself
    ///
    /// Nothing is sent, and no token is revoked. The operation is not open any more. A token that
    /// it may have issued is counted as unknown until it must be dead.
    ///
    /// Of a revocation by workers, the tokens that are not begun are left alone.
    ///
    /// After a rotation, the sinks keep what they hold. What is left to be revoked by hand is
    /// shown.
    Abandon(AbandonArguments),
}

#[derive(Debug, Args)]
pub(crate) struct AbandonArguments {
    /// Id of the operation
    pub(crate) id: OperationId,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").args(["ids", "all"]).required(true))]
pub(crate) struct ResumeArguments {
    /// Ids of operations
    ///
    /// A token without a marker is revoked only for an operation that is named here: it looks like
    /// the one that was to be created, and nothing proves it. So is one whose secret had arrived.
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<OperationId>,
    /// Resume everything that is open in the selected accounts
    #[arg(long)]
    pub(crate) all: bool,
    /// Let the named rotations replace what somebody else has put into their places
    #[arg(long, conflicts_with = "all")]
    pub(crate) adopt: bool,
    /// Let the named rotations go on although a place was written by a later state of the ledger,
    /// which was restored from a backup since
    ///
    /// Make sure that nobody uses the ledger that wrote the place.
    #[arg(long, conflicts_with = "all")]
    pub(crate) after_restore: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Time since the last sign of a write after which the platform is asked about it: a request
    /// may be applied after its response was given up
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = parse_duration
    )]
    pub(crate) look_again_after: Duration,
}
