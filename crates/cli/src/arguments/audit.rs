//! The arguments of `audit`.

use clap::{Args, ValueEnum};
use tokenfleet::Timestamp;

use crate::time;

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenfleet audit --since 7d
  tokenfleet audit --account iot --open
  tokenfleet audit --operation revoke --since 90d
  tokenfleet revoke 17 --account infra --reason 'INC-42: leaked in a build log'";

#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// Show only changes since this time or within this period, e.g. 2030-01-31 or 7d
    #[arg(long, value_name = "TIME", value_parser = time::parse_start)]
    pub(crate) since: Option<Timestamp>,
    /// Show only changes of this kind
    #[arg(long, value_name = "OPERATION")]
    pub(crate) operation: Option<AuditedOperation>,
    /// Show only changes without a recorded outcome
    #[arg(long)]
    pub(crate) open: bool,
}

/// A change that the log records.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum AuditedOperation {
    Create,
    Update,
    Suspend,
    Resume,
    Rotate,
    Renew,
    Revoke,
}

impl AuditedOperation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Rotate => "rotate",
            Self::Renew => "renew",
            Self::Revoke => "revoke",
        }
    }
}
