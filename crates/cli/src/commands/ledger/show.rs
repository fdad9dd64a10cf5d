//! `ledger show`: where the ledger is, and what it knows of each account.

use serde::Serialize;
use tokenfleet::{Registry, Timestamp};
use tokenfleet_ledger::{Owner, Snapshot, Source};

use super::size;
use super::snapshots::completeness;
use crate::arguments::GlobalArguments;
use crate::exit::{Exit, Failure};
use crate::ledger::OpenedLedger;
use crate::output::{Format, Output, Results};

const COLUMNS: [&str; 8] = [
    "account",
    "provider",
    "owner",
    "snapshots",
    "first",
    "last",
    "completeness",
    "count",
];

/// The columns that a narrow table leaves out.
const LESS_IMPORTANT: [&str; 4] = ["owner", "provider", "first", "snapshots"];

/// The ledger as it is printed.
#[derive(Serialize)]
struct LedgerObject {
    /// `file` or `postgres`.
    kind: &'static str,
    path: Option<String>,
    /// The size of the file in bytes.
    bytes: Option<u64>,
    accounts: Vec<SourceObject>,
}

/// A history.
#[derive(Serialize)]
struct SourceObject {
    account: String,
    provider: String,
    place: Option<String>,
    owner: Option<Owner>,
    snapshots: usize,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// The claim of the last snapshot.
    completeness: Option<&'static str>,
    /// The number of tokens in the last snapshot, or `None` if the account cannot be listed.
    count: Option<u64>,
}

pub(super) async fn run(
    global: &GlobalArguments,
    registry: &Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = OpenedLedger::open(global).await?;
    let mut accounts = Vec::new();
    for remembered in opened.accounts(global, registry).await? {
        for source in remembered.sources {
            let snapshots = opened.ledger.snapshots(&source).await?;
            accounts.push(object(source, &snapshots));
        }
    }
    let path = opened.place.path();
    let object = LedgerObject {
        kind: if path.is_some() { "file" } else { "postgres" },
        path: path.map(|path| path.display().to_string()),
        bytes: path.map(size),
        accounts,
    };
    if output.format() == Format::Json {
        output.object(&object)?;
        return Ok(Exit::Success);
    }
    if output.format() == Format::Table {
        let place = match (&object.path, object.bytes) {
            (Some(path), Some(bytes)) => format!("{path}, {}", megabytes(bytes)),
            _ => "a Postgres database".to_owned(),
        };
        output.sentences(2, [place])?;
        if !object.accounts.is_empty() {
            output.text(b"\n")?;
        }
    }
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    for account in &object.accounts {
        results.add(output, account, row(account))?;
    }
    results.finish(output)?;
    Ok(Exit::Success)
}

fn object(source: Source, snapshots: &[Snapshot]) -> SourceObject {
    let last = snapshots.last();
    SourceObject {
        account: source.account.name().to_owned(),
        provider: source.account.provider().to_owned(),
        place: source.account.place().map(str::to_owned),
        owner: source.owner,
        snapshots: snapshots.len(),
        first: snapshots.first().map(|first| first.at),
        last: last.map(|last| last.at),
        completeness: last.map(|last| completeness(&last.verdict)),
        count: last.and_then(|last| last.counts).map(|counts| counts.seen),
    }
}

/// Describes a size, such as `1.2 MB`.
pub(in crate::commands) fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn row(account: &SourceObject) -> Vec<String> {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let count = account.count.map(|count| count.to_string());
    vec![
        account.account.clone(),
        account.provider.clone(),
        account
            .owner
            .as_ref()
            .map(|owner| owner.id.clone())
            .unwrap_or_default(),
        account.snapshots.to_string(),
        time(account.first).unwrap_or_default(),
        time(account.last).unwrap_or_default(),
        account.completeness.unwrap_or_default().to_owned(),
        count.unwrap_or_default(),
    ]
}
