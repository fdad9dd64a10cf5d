//! The command line.

mod annotate;
mod audit;
mod check;
mod command;
mod configuration;
mod exec;
mod global;
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

use clap::Parser;

pub(crate) use self::annotate::AnnotateArguments;
pub(crate) use self::audit::{AUDIT_COLUMNS, AuditArguments};
pub(crate) use self::check::{CheckArguments, ExpiringArguments};
pub(crate) use self::command::Command;
pub(crate) use self::configuration::{InitArguments, TrustArguments};
pub(crate) use self::exec::ExecArguments;
pub(crate) use self::global::GlobalArguments;
pub(crate) use self::install::Shell;
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

#[cfg(test)]
mod tests;
