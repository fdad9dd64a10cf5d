//! The arguments of `report`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use tokenfleet::Timestamp;
use tokenfleet::config::parse_duration;

use crate::time;

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenfleet report --html tokens.html
  tokenfleet report --markdown - --unused-for 180d
  tokenfleet report --html tokens.html --changes-since 7d
  tokenfleet report --html tokens.html --csv tokens.csv --broad-scope 'all.*' --broad-scope admin";

/// The scopes that allow everything, as the built-in platforms name them.
const BROAD_SCOPES: [&str; 5] = [
    "all.User",
    "all.Organization",
    "all.Application",
    "all.Instance",
    "all.Device",
];

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("format").args(["html", "markdown"]).required(true).multiple(true))]
pub(crate) struct ReportArguments {
    /// Write a page for the browser to this file, or to standard output if it is -
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write Markdown to this file, or to standard output if it is -
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Also write every token to this file, as comma-separated values
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Count a token as expiring soon if it expires within this period
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "30d")]
    pub(crate) expires_within: Duration,
    /// Count a token as unused if it was not used for this period
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "90d")]
    pub(crate) unused_for: Duration,
    /// Count a scope that matches this glob as broad; repeatable
    #[arg(long = "broad-scope", value_name = "GLOB", default_values = BROAD_SCOPES)]
    pub(crate) broad_scopes: Vec<String>,
    /// Also show what changed since this time or within this period, by the snapshots of the
    /// ledger, e.g. 7d
    #[arg(long, value_name = "TIME", value_parser = time::parse_state)]
    pub(crate) changes_since: Option<Timestamp>,
    /// Maximum number of tokens that the page shows one by one, the most urgent ones first
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub(crate) max_rows: usize,
}
