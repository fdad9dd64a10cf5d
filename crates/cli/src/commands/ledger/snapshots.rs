//! `ledger snapshots`: the snapshots of the accounts.

use serde::Serialize;
use tokenfleet::{Registry, Timestamp};
use tokenfleet_ledger::{Owner, Snapshot, Source, Verdict};

use crate::arguments::{GlobalArguments, SnapshotsArguments};
use crate::commands::snapshot::COLUMNS;
use crate::exit::{Exit, Failure};
use crate::ledger::OpenedLedger;
use crate::output::{Output, Results};

/// The columns that a narrow table leaves out.
const LESS_IMPORTANT: [&str; 4] = ["owner", "reason", "provider", "account"];

/// A snapshot as it is printed.
#[derive(Serialize)]
struct SnapshotObject<'a> {
    at: Timestamp,
    account: &'a str,
    provider: &'a str,
    owner: Option<&'a Owner>,
    completeness: &'static str,
    reason: Option<String>,
    count: Option<u64>,
    appeared: Option<u64>,
    vanished: Option<u64>,
    changed: Option<u64>,
}

pub(super) async fn run(
    global: &GlobalArguments,
    arguments: &SnapshotsArguments,
    registry: &Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = OpenedLedger::open(global).await?;
    let mut all = Vec::new();
    for account in opened.accounts(global, registry).await? {
        for source in account.sources {
            let snapshots = opened.ledger.snapshots(&source).await?;
            let is_wanted = |kept: &Snapshot| arguments.since.is_none_or(|since| kept.at >= since);
            let snapshots = snapshots.into_iter().filter(is_wanted);
            all.extend(snapshots.map(|snapshot| (source.clone(), snapshot)));
        }
    }
    all.sort_by_key(|(_, snapshot)| snapshot.at);
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    for (source, snapshot) in &all {
        let object = object(source, snapshot);
        let row = row(&object);
        results.add(output, &object, row)?;
    }
    results.finish(output)?;
    Ok(Exit::Success)
}

/// Returns the word for the claim of a snapshot, which scripts rely on.
pub(super) fn completeness(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Listed(claim) => claim.as_str(),
        Verdict::NotListable => "not_listable",
        // Interrupted.
        _ => "partial",
    }
}

fn reason(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Listed(claim) => claim.reason(),
        Verdict::Interrupted(reason) => Some(reason.clone()),
        Verdict::NotListable => Some("the platform cannot list tokens".to_owned()),
        _ => None,
    }
}

fn object<'a>(source: &'a Source, snapshot: &'a Snapshot) -> SnapshotObject<'a> {
    let counts = snapshot.counts;
    SnapshotObject {
        at: snapshot.at,
        account: source.account.name(),
        provider: source.account.provider(),
        owner: source.owner.as_ref(),
        completeness: completeness(&snapshot.verdict),
        reason: reason(&snapshot.verdict),
        count: counts.map(|counts| counts.seen),
        appeared: counts.map(|counts| counts.appeared),
        vanished: counts.map(|counts| counts.vanished),
        changed: counts.map(|counts| counts.changed),
    }
}

fn row(object: &SnapshotObject<'_>) -> Vec<String> {
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let row = [
        Some(object.at.to_string()),
        Some(object.account.to_owned()),
        Some(object.provider.to_owned()),
        Some(object.completeness.to_owned()),
        number(object.count),
        number(object.appeared),
        number(object.vanished),
        number(object.changed),
        object.owner.map(|owner| owner.id.clone()),
        object.reason.clone(),
    ];
    row.map(Option::unwrap_or_default).to_vec()
}
