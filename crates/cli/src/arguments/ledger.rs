//! The arguments of `snapshot`, `diff`, `history` and `ledger`.

use std::time::Duration;

use clap::{Args, Subcommand};
use tokenfleet::Timestamp;
use tokenfleet::config::parse_duration;

use super::list::PageArguments;
use crate::time;

pub(super) const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  tokenfleet snapshot
  tokenfleet snapshot --tag production --quiet
  tokenfleet snapshot && tokenfleet diff --since 1d --exit-code";

pub(super) const DIFF_EXAMPLES: &str = "\
Examples:
  tokenfleet diff
  tokenfleet diff --since yesterday --exit-code
  tokenfleet diff --since 2030-01-01 --until 2030-02-01 --account 'prod-*' --output csv
  tokenfleet diff --since 7d --where 'name ^= ci- and expiry is never'

`tokenfleet help list` describes the expressions for --where.";

pub(super) const HISTORY_EXAMPLES: &str = "\
Examples:
  tokenfleet history 575ec8687ae143cd83dc4a97
  tokenfleet history 17 --account infra --output json";

pub(super) const LEDGER_EXAMPLES: &str = "\
Examples:
  tokenfleet ledger show
  tokenfleet ledger snapshots --account iot
  tokenfleet ledger check
  tokenfleet ledger prune --older-than 400d
  tokenfleet ledger export > ledger.ndjson";

#[derive(Debug, Args)]
pub(crate) struct SnapshotArguments {
    #[command(flatten)]
    pub(crate) pages: PageArguments,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The earlier state: the one at this time, within this period, or yesterday (24 hours ago),
    /// e.g. 2030-01-31, 2d, or the time of a snapshot [default: the last snapshot but one]
    #[arg(long, value_name = "TIME", value_parser = time::parse_state)]
    pub(crate) since: Option<Timestamp>,
    /// The later state [default: the last snapshot]
    #[arg(long, value_name = "TIME", value_parser = time::parse_state)]
    pub(crate) until: Option<Timestamp>,
    /// Only tokens that match this expression before or after the change
    #[arg(long = "where", value_name = "EXPRESSION")]
    pub(crate) expression: Option<String>,
    /// Also show tokens that were only used
    #[arg(long)]
    pub(crate) used: bool,
    /// Exit with 8 if anything changed
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// Token id
    pub(crate) id: String,
}

#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct LedgerArguments {
    #[command(subcommand)]
    pub(crate) action: LedgerAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerAction {
    /// Show where the ledger is, and what it knows of each account
    Show,
    /// List the snapshots, the oldest first
    Snapshots(SnapshotsArguments),
    /// Examine the whole ledger
    ///
    /// Exits with 8 if something is damaged.
    Check,
    /// Forget what was superseded long ago
    ///
    /// The state at the end of the period and at any later time stays as it was. A token that is
    /// there is never forgotten.
    Prune(PruneArguments),
    /// Print all snapshots, versions of tokens and writes as one JSON object per line
    Export,
    /// Give the space of what was forgotten back to the file system
    ///
    /// Only a ledger in a file needs this: a Postgres server does it by itself.
    Vacuum,
}

#[derive(Debug, Args)]
pub(crate) struct SnapshotsArguments {
    /// Show only snapshots since this time or within this period, e.g. 2030-01-31 or 7d
    #[arg(long, value_name = "TIME", value_parser = time::parse_state)]
    pub(crate) since: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct PruneArguments {
    /// Forget what was superseded longer ago than this, e.g. 400d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) older_than: Duration,
}
