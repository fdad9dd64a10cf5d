//! `diff`: what changed between two snapshots.

use tokenfleet::{Filter, Registry, Timestamp};
use tokenfleet_ledger::Span;

use crate::arguments::{DiffArguments, GlobalArguments};
use crate::exit::{Exit, Failure};
use crate::ledger::{Comparison, OpenedLedger, count_unknown_tokens};
use crate::output::{Changes, Compared, ComparedAccount, Output};

pub(crate) async fn run(
    global: &GlobalArguments,
    arguments: &DiffArguments,
    registry: &Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    if let (Some(since), Some(until)) = (arguments.since, arguments.until) {
        Span::new(since, until)?;
    }
    let filter = match &arguments.expression {
        None => None,
        Some(text) => Some(
            Filter::parse_at(text, now).map_err(|error| error.with_message_prefix("--where"))?,
        ),
    };
    let opened = OpenedLedger::open(global).await?;
    let accounts = opened.accounts(global, registry).await?;
    let mut comparison = Comparison::new(&*opened.ledger, &opened.configuration).await?;
    comparison.since = arguments.since;
    comparison.until = arguments.until;
    comparison.filter = filter;
    comparison.shows_use = arguments.used;
    let mut changes = Changes::new(output.format());
    let mut compared = Vec::new();
    for account in &accounts {
        let print = &mut |change: Compared<'_>| changes.add(output, &change);
        compared.extend(comparison.compare(account, print).await?);
    }
    count_unknown_tokens(&*opened.ledger, &mut compared).await?;
    let printed = changes.finish(output, &compared);
    let printed = printed.and_then(|()| output.flush());
    exit(&compared, arguments.exit_code).after_writing(printed)
}

fn exit(compared: &[ComparedAccount], tells_changes: bool) -> Exit {
    if compared.iter().all(ComparedAccount::is_unlistable) {
        return Exit::Unsupported;
    }
    let has_changes = compared.iter().any(|account| {
        let counts = account.counts.unwrap_or_default();
        counts.appeared + counts.vanished + counts.changed > 0
    });
    let is_incomplete = compared.iter().any(ComparedAccount::is_incomplete);
    let found = (tells_changes && has_changes).then_some(Exit::AnswerIsNo);
    let incomplete = is_incomplete.then_some(Exit::Incomplete);
    Exit::combine(found.into_iter().chain(incomplete))
}
