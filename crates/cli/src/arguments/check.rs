//! The arguments of `inventory`, `check` and `expiring`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokenfleet::Timestamp;
use tokenfleet::config::parse_duration;

use super::list::PageArguments;
use super::metrics::MetricsArguments;
use crate::time;

pub(super) const CHECK_HELP: &str = "\
A check is a table of the configuration. The keys up to `where` are rules, and
any of them finds a token; the others say which accounts it concerns:
  [checks.hygiene]
  never_expires = true
  expires_within = \"30d\"
  expired = true                       expired, but not revoked
  expired_within = \"7d\"                also if it is no longer listed (*)
  appeared_within = \"7d\"               was not there before, and not by us (*)
  vanished_within = \"7d\"               ended before its expiry, not by us (*)
  unused_for = \"90d\"
  older_than = \"365d\"
  broad_scopes = [\"all.*\"]
  name_not_matching = \"team-*\"
  where = \"owner is none\"              any filter, see `tokenfleet help list`
  accounts = \"prod-*\"                  only these accounts
  tags = [\"prod\"]                      only accounts with one of these tags
  provider = \"foreman\"                 only accounts of this provider
  description = \"see the wiki\"
(*) by the snapshots of the ledger: run `tokenfleet snapshot` before.

A waiver accepts what a check finds, up to a last day:
  [waivers.legacy]
  account = \"iot\"
  id = \"575ec8687ae143cd83dc4a97\"      or name = \"ci-*\"
  created = \"2024-01-31T08:00:00Z\"     optional, where ids are given again
  check = \"hygiene\"                    or all checks
  reason = \"moved in May\"
  owner = \"alice\"
  until = \"2030-05-31\"

To switch a check on where much is found, write a baseline and refer to it:
  [baseline]
  file = \"tokenfleet-baseline.toml\"

Examples:
  tokenfleet check
  tokenfleet check hygiene --account prod --junit report.xml
  tokenfleet check --write-baseline tokenfleet-baseline.toml \\
      --waiver-owner alice --waiver-reason 'before the check existed'";

pub(super) const EXPIRING_EXAMPLES: &str = "\
Examples:
  tokenfleet expiring --within 30d
  tokenfleet expiring --within 2w --include-expired --output csv
  tokenfleet snapshot && tokenfleet expiring --since 7d
  tokenfleet expiring --where 'name ~ \"prod-*\"'";

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Checks to carry out [default: all configured checks]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// File of waivers, in addition to those of the configuration; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Vec<PathBuf>,
    /// Also list the findings that are waived
    #[arg(long)]
    pub(crate) show_waived: bool,
    /// Write a waiver for each finding to a new file, and exit as if they were waived
    #[arg(
        long,
        value_name = "FILE",
        requires_all = ["waiver_owner", "waiver_reason"]
    )]
    pub(crate) write_baseline: Option<PathBuf>,
    /// Owner of the waivers of --write-baseline
    #[arg(long, value_name = "NAME", requires = "write_baseline")]
    pub(crate) waiver_owner: Option<String>,
    /// Why the findings of --write-baseline are accepted
    #[arg(long, value_name = "TEXT", requires = "write_baseline")]
    pub(crate) waiver_reason: Option<String>,
    /// Last day of the waivers of --write-baseline [default: in 90 days]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time::parse,
        requires = "write_baseline"
    )]
    pub(crate) waiver_until: Option<Timestamp>,
    /// Also write the result as JUnit XML, for CI
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) metrics: MetricsArguments,
    #[command(flatten)]
    pub(crate) pages: PageArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ExpiringArguments {
    /// Find tokens that expire within this period
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "30d")]
    pub(crate) within: Duration,
    /// Also find tokens that are expired but not revoked
    #[arg(long)]
    pub(crate) include_expired: bool,
    /// Also find tokens that expired since this time or within this period, such as the last run,
    /// and by the snapshots of the ledger those that are no longer listed, e.g. 2030-01-31 or 7d
    #[arg(long, value_name = "TIME", value_parser = time::parse_state)]
    pub(crate) since: Option<Timestamp>,
    /// Only tokens matching this expression, see `tokenfleet help list`
    #[arg(long = "where", value_name = "EXPRESSION")]
    pub(crate) expression: Option<String>,
    #[command(flatten)]
    pub(crate) pages: PageArguments,
}
