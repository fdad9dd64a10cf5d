//! `ledger export`: all snapshots, versions of tokens and writes, as one JSON object per line.

use std::num::NonZeroUsize;

use serde::Serialize;
use tokenfleet::{Account, Error, Registry, Timestamp, Token};
use tokenfleet_ledger::{Counts, Owner, PageRequest, Source, Verdict, Version, Write};

use crate::arguments::GlobalArguments;
use crate::exit::{Exit, Failure};
use crate::ledger::OpenedLedger;
use crate::output::{Format, Output};

/// The number of tokens, or of writes, that are read at a time.
const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// A line of the export.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Snapshot {
        account: &'a Account,
        owner: Option<&'a Owner>,
        at: Timestamp,
        verdict: &'a Verdict,
        counts: Option<Counts>,
    },
    Version {
        account: &'a Account,
        owner: Option<&'a Owner>,
        from: Timestamp,
        to: Option<Timestamp>,
        token: &'a Token,
    },
    Write(&'a Write),
}

pub(super) async fn run(
    global: &GlobalArguments,
    registry: &Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if matches!(global.output, Some(Format::Table | Format::Csv)) {
        let message = "an export is one JSON object per line";
        let error = Error::invalid_input(message).with_advice("pass --output ndjson, or nothing");
        return Err(error.into());
    }
    let opened = OpenedLedger::open(global).await?;
    // Also those that are no longer configured.
    let (mut sources, mut accounts) = (opened.ledger.accounts().await?, None);
    if is_narrowed(global) {
        let chosen = opened.accounts(global, registry).await?;
        accounts = Some(chosen.iter().map(|one| one.account.clone()).collect());
        sources = chosen.into_iter().flat_map(|one| one.sources).collect();
    }
    for source in &sources {
        print(&opened, source, output).await?;
    }
    print_writes(&opened, accounts, output).await?;
    Ok(Exit::Success)
}

/// Prints the writes to these accounts, or to all.
async fn print_writes(
    opened: &OpenedLedger,
    accounts: Option<Vec<Account>>,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut last = 0;
    loop {
        let page = opened.ledger.all_writes(last, PAGE).await?;
        let Some((number, _)) = page.last() else {
            return Ok(());
        };
        last = *number;
        let is_wanted = |write: &&Write| match &accounts {
            Some(accounts) => accounts.contains(&write.intent.account),
            None => true,
        };
        let writes = page.iter().map(|(_, write)| write);
        for write in writes.filter(is_wanted) {
            output.object(&Line::Write(write))?;
        }
    }
}

fn is_narrowed(global: &GlobalArguments) -> bool {
    let selected = [&global.accounts, &global.providers, &global.tags];
    selected.iter().any(|words| !words.is_empty())
}

async fn print(opened: &OpenedLedger, source: &Source, output: &mut Output) -> Result<(), Failure> {
    let (account, owner) = (&source.account, source.owner.as_ref());
    for snapshot in opened.ledger.snapshots(source).await? {
        output.object(&Line::Snapshot {
            account,
            owner,
            at: snapshot.at,
            verdict: &snapshot.verdict,
            counts: snapshot.counts,
        })?;
    }
    let mut page = PageRequest::new(PAGE);
    loop {
        let part = opened.ledger.versions(source, &page).await?;
        for Version {
            from, to, token, ..
        } in &part.items
        {
            output.object(&Line::Version {
                account,
                owner,
                from: *from,
                to: *to,
                token,
            })?;
        }
        page.after = part.next;
        if page.after.is_none() {
            return Ok(());
        }
    }
}
