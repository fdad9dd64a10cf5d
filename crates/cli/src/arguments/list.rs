//! The arguments of the commands that select tokens by a query: `list`, `explain` and `plan`.

use std::time::Duration;

use clap::{ArgGroup, Args, value_parser};
use tokenfleet::config::parse_duration;
use tokenfleet::query::SortBy;
use tokenfleet::{Query, Result, Timestamp, TokenState};

use super::metrics::MetricsArguments;
use crate::output::{Column, Output};
use crate::time;

pub(super) const LIST_HELP: &str = "\
Expressions for --where:
  name = ci, name ~ \"ci-*\", name ^= ci-     exact, pattern, prefix; case-sensitive
  state = active, state in (active, expired)
  owner = alice, owner is none              by the owner's id or name
  created_at < 2026-01-01                   also updated_at, expiry, last_used; >, <=, >=; now-30d
  expiry < 30d                              within 30 days, or expired already
  id = 17, scopes = all.User.read, description ~ \"*nightly*\", description is none
  attribute.kind = session                  as `tokenfleet show` names the attribute; also is none
  provider = foreman, account ~ \"prod-*\"  the tokens of some of the accounts
  expiry is never, last_used is not_reported
  created, last-used, not-reported          these spellings work too
  and, or, not, ( )                         and binds tighter than or

Examples:
  tokenfleet list --where 'state = active and (last_used < now-90d or last_used is never)'
  tokenfleet list --where 'expiry is never and not name ^= \"deploy \"' --sort created
  tokenfleet list --account 'prod-*' --provider losant --query stale --limit 10
  tokenfleet list --columns id,name,expiry,attributes.region
  tokenfleet explain --where 'name ^= ci-' --sort created --tokens 5000";

pub(super) const EXPLAIN_HELP: &str = "\
Example:
  tokenfleet explain --where 'name ^= ci-' --sort created --tokens 5000

`tokenfleet help list` describes the expressions for --where.";

pub(super) const PLAN_HELP: &str = "\
Examples:
  tokenfleet plan --tag staging --where 'last_used < now-90d' > revocations.txt
  tokenfleet revoke --plan revocations.txt --suspend
  tokenfleet revoke --plan revocations.txt

`tokenfleet help list` describes the expressions for --where.";

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("names").args(["name", "glob", "prefix"]))]
#[command(group = ArgGroup::new("expiries")
    .args(["never_expires", "expires_before", "expires_within"]))]
pub(crate) struct ListArguments {
    /// Only tokens that match this expression
    #[arg(long = "where", value_name = "EXPRESSION")]
    pub(crate) expression: Option<String>,
    /// Only tokens that match the query [queries.NAME] of the configuration; other options narrow
    /// it, or replace its sort order, limit and offset
    #[arg(long, value_name = "NAME")]
    pub(crate) query: Option<String>,
    /// Only tokens with exactly this name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Only tokens whose name matches this pattern, where * stands for any characters
    #[arg(long, value_name = "PATTERN")]
    pub(crate) glob: Option<String>,
    /// Only tokens whose name starts with this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) prefix: Option<String>,
    /// Only tokens in this state: active, suspended, revoked, expired or unknown; repeat it to
    /// accept several
    #[arg(long = "state", value_name = "STATE")]
    pub(crate) states: Vec<TokenState>,
    /// Only tokens that never expire
    #[arg(long)]
    pub(crate) never_expires: bool,
    /// Only tokens that expire, or expired, before this time, e.g. 2030-01-31
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    pub(crate) expires_before: Option<Timestamp>,
    /// Only tokens that will expire within this period, e.g. 30d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) expires_within: Option<Duration>,
    /// Sort by id, name, state, created_at, updated_at, expiry or last_used; :desc reverses the
    /// order. Separate several keys with commas, or repeat the option. Tokens without a value come
    /// last (first with :desc), unless :absent-first or :absent-last says otherwise
    #[arg(
        long = "sort",
        value_name = "KEY[:desc][:absent-last]",
        value_parser = SortBy::parse_all
    )]
    pub(crate) sort: Vec<Vec<SortBy>>,
    /// Show at most N tokens in total, over all selected accounts [default: all]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) limit: Option<u64>,
    /// Skip the first N tokens
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) offset: Option<u64>,
    #[command(flatten)]
    pub(crate) pages: PageArguments,
}

/// The arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct ListCommandArguments {
    #[command(flatten)]
    pub(crate) list: ListArguments,
    #[command(flatten)]
    pub(crate) columns: ColumnArguments,
}

/// The arguments of `inventory`.
#[derive(Debug, Args)]
pub(crate) struct InventoryArguments {
    #[command(flatten)]
    pub(crate) metrics: MetricsArguments,
    #[command(flatten)]
    pub(crate) pages: PageArguments,
    #[command(flatten)]
    pub(crate) columns: ColumnArguments,
}

/// The options that say what a table or CSV shows of each token.
#[derive(Debug, Args)]
pub(crate) struct ColumnArguments {
    /// Show these columns of a table or of CSV, separated by commas: account, provider, id, name,
    /// description, state, created_at, updated_at, expiry, last_used, owner, creator, scopes,
    /// unreadable, not_reported, attributes, attributes.NAME, annotation, annotation_owner,
    /// annotation_team, annotation_purpose or annotation_until
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = Column::parse)]
    pub(crate) columns: Vec<Column>,
    #[command(flatten)]
    pub(crate) wide: WideArgument,
}

/// The option of a table that is to be shown whole.
#[derive(Debug, Args)]
pub(crate) struct WideArgument {
    /// Show every column of a table and nothing cut, however wide the terminal is
    #[arg(long = "wide")]
    pub(crate) is_wide: bool,
}

/// The options for reading pages.
#[derive(Debug, Args)]
pub(crate) struct PageArguments {
    /// Number of tokens to request per page [default: chosen for each platform]
    #[arg(
        long,
        value_name = "N",
        value_parser = value_parser!(u32).range(1..),
        allow_negative_numbers = true
    )]
    pub(crate) page_size: Option<u32>,
    /// Read up to N pages of each account at the same time, if the result stays complete; all
    /// accounts of one host together read at most 64 [default: 16]
    #[arg(
        long,
        value_name = "N",
        value_parser = value_parser!(u32).range(1..),
        allow_negative_numbers = true
    )]
    pub(crate) max_concurrency: Option<u32>,
}

impl ColumnArguments {
    /// Applies the options to the output.
    pub(crate) fn apply(&self, output: &mut Output) -> Result<()> {
        output.choose_columns(&self.columns, self.wide.is_wide)
    }
}

impl PageArguments {
    /// Applies the options to a query.
    pub(crate) fn apply(&self, mut query: Query) -> Query {
        query.page_size = self.page_size.or(query.page_size);
        query.max_concurrency = self.max_concurrency.unwrap_or(query.max_concurrency);
        query
    }
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    pub(crate) list: ListArguments,
    /// Also show how many requests an account with N tokens takes if all of them match
    #[arg(long, value_name = "N")]
    pub(crate) tokens: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) list: ListArguments,
    /// Id of the token that the account itself authenticates with; it is revoked last. Repeatable,
    /// for several accounts
    #[arg(long = "own-token", value_name = "ID")]
    pub(crate) own_tokens: Vec<String>,
    /// Include accounts even if tokens may be missing from their lists
    #[arg(long)]
    pub(crate) allow_incomplete: bool,
}
