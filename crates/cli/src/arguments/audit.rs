//! The arguments of `audit`.

use clap::{Args, ValueEnum};
use tokenfleet::config::did_you_mean;
use tokenfleet::{Error, Result, Timestamp};

use super::list::WideArgument;
use crate::time;

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenfleet audit --since 7d
  tokenfleet audit --account iot --open
  tokenfleet audit --operation revoke --since 90d
  tokenfleet audit --columns at,user,operation,token,reason
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
    /// Show these columns of a table or of CSV, separated by commas: at, account, operation, token,
    /// name, result, user, reason or operation_id
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = parse_column)]
    pub(crate) columns: Vec<&'static str>,
    #[command(flatten)]
    pub(crate) wide: WideArgument,
}

/// The columns of a table of changes.
pub(crate) const AUDIT_COLUMNS: [&str; 9] = [
    "at",
    "account",
    "operation",
    "token",
    "name",
    "result",
    "user",
    "reason",
    "operation_id",
];

fn parse_column(text: &str) -> Result<&'static str> {
    let word = text.replace('-', "_");
    let mut columns = AUDIT_COLUMNS.into_iter();
    columns.find(|column| *column == word).ok_or_else(|| {
        Error::invalid_input("unknown column").with_advice(did_you_mean(text, &AUDIT_COLUMNS))
    })
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
