//! `snapshot`: the tokens of every account, recorded in the ledger.

use std::sync::Arc;

use serde::Serialize;
use tokenfleet::{
    Account, AccountConfiguration, AccountReport, Completeness, Error, ErrorKind, Fate, Fleet,
    FleetProgress, InventoryEvent, Query, Result, Timestamp, Token, TokenProvider, Verdict,
};
use tokenfleet_ledger::{Counts, Ledger, Snapshot, SnapshotRecorder, Source};
use tokenfleet_rotation::strays::KnownMarkers;
use tokio::sync::Semaphore;

use super::inventory;
use super::strays::{self, StrayObject, StraySearch};
use crate::accounts::Accounts;
use crate::arguments::SnapshotArguments;
use crate::exit::{Exit, Failure};
use crate::numbers::grouped;
use crate::output::{Format, Output, Results, print_warning, without_annotations};
use crate::progress::with_progress;
use crate::rotations::{Rotations, StampedPlaces};

/// The number of accounts that are recorded at a time: each has a connection to the ledger.
const MAX_ACCOUNTS: usize = 16;

/// The number of pages that are read at a time in all accounts together.
const MAX_PAGES: u32 = 64;

/// The number of tokens that are recorded at a time.
const BATCH: usize = 1_000;

/// The columns of snapshots, which `ledger snapshots` has too.
pub(super) const COLUMNS: [&str; 10] = [
    "at",
    "account",
    "provider",
    "completeness",
    "count",
    "appeared",
    "vanished",
    "changed",
    "owner",
    "reason",
];

/// The result of one account.
struct Taken {
    report: AccountReport,
    owner: Option<String>,
    /// The snapshot, unless nothing was recorded.
    snapshot: Option<Snapshot>,
    /// The search for strays, unless nothing was recorded.
    search: Option<StraySearch>,
    /// The strays, or `None` if they were not looked for.
    strays: Option<Vec<StrayObject>>,
}

/// One account as it is printed.
#[derive(Serialize)]
struct SnapshotObject<'a> {
    account: &'a str,
    provider: &'a str,
    owner: Option<&'a str>,
    completeness: &'static str,
    reason: Option<String>,
    /// The time of the snapshot, or `None` if nothing was recorded.
    at: Option<Timestamp>,
    /// The number of tokens that were seen, or `None` if nobody can know.
    count: Option<u64>,
    appeared: Option<u64>,
    vanished: Option<u64>,
    changed: Option<u64>,
    strays: Option<&'a [StrayObject]>,
}

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &SnapshotArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ledger = accounts.ledger_of_snapshots().await?;
    let known = known_markers(&ledger).await;
    let mut taken = take_all(accounts, &ledger, known.as_ref(), arguments).await;
    if known.is_some() {
        find_strays(accounts, &ledger, &mut taken).await;
    }
    let printed = print(&taken, output).and_then(|()| output.flush());
    let reports: Vec<_> = taken.into_iter().map(|taken| taken.report).collect();
    inventory::exit_code(&reports, requested_format, output).after_writing(printed)
}

/// Returns the markers that the ledger knows. A snapshot is worth taking without them.
async fn known_markers(ledger: &Arc<dyn Ledger>) -> Option<Arc<KnownMarkers>> {
    match strays::known_markers(ledger).await {
        Ok(known) => Some(Arc::new(known)),
        Err(error) => {
            print_warning(&format!("no token is checked for its marker: {error}"));
            None
        }
    }
}

/// Decides which of the tokens that looked like strays are.
async fn find_strays(accounts: &Accounts, ledger: &Arc<dyn Ledger>, taken: &mut [Taken]) {
    let Some(known) = known_markers(ledger).await else {
        return;
    };
    let unchecked =
        |error: Error| print_warning(&format!("no token is checked for its marker: {error}"));
    let rotations = match Rotations::open_existing(accounts).await {
        Ok(rotations) => rotations,
        Err(error) => return unchecked(error),
    };
    let mut places = match StampedPlaces::collect(&rotations).await {
        Ok(places) => places,
        Err(error) => return unchecked(error),
    };
    for taken in taken {
        let Some(search) = taken.search.take() else {
            continue;
        };
        match search.again(Arc::clone(&known), &mut places).await {
            Ok(strays) => taken.strays = Some(strays),
            Err(error) => unchecked(error),
        }
    }
}

/// Records all selected accounts, several at a time. A failure of one does not affect the others.
async fn take_all(
    accounts: &Accounts,
    ledger: &Arc<dyn Ledger>,
    known: Option<&Arc<KnownMarkers>>,
    arguments: &SnapshotArguments,
) -> Vec<Taken> {
    let selected = accounts.selected();
    let count = selected.len();
    let at_a_time = u32::try_from(count.clamp(1, MAX_ACCOUNTS)).unwrap_or(1);
    let mut query = arguments.pages.apply(Query::new());
    query.max_concurrency = query.max_concurrency.min((MAX_PAGES / at_a_time).max(1));
    let permits = Arc::new(Semaphore::new(MAX_ACCOUNTS));
    let mut tasks = Vec::with_capacity(count);
    let mut all_progress = Vec::with_capacity(count);
    for configured in selected {
        let progress = FleetProgress::default();
        all_progress.push(progress.clone());
        let fleet = accounts.open_fleet(vec![configured]);
        let fleet = fleet.with_progress(progress);
        let account = fleet.accounts().next();
        let account = account.unwrap_or(configured.account()).clone();
        let taking = Taking {
            account: account.clone(),
            configured: configured.clone(),
            ledger: Arc::clone(ledger),
            known: known.cloned(),
            query: query.clone(),
        };
        let permits = Arc::clone(&permits);
        let task = tokio::spawn(async move {
            let _permit = permits.acquire_owned().await;
            taking.take(fleet).await
        });
        tasks.push((account, task));
    }
    let reading = || {
        let read = all_progress.iter().map(FleetProgress::tokens_read).sum();
        let finished = all_progress.iter().map(FleetProgress::accounts_finished);
        let (finished, count) = (finished.sum(), count as u64);
        format!(
            "{} tokens, {} of {} accounts",
            grouped(read),
            grouped(finished),
            grouped(count)
        )
    };
    with_progress(reading, async {
        let mut all = Vec::with_capacity(count);
        for (account, task) in tasks {
            all.push(task.await.unwrap_or_else(|_| {
                let message = "the snapshot was not finished";
                failed(
                    &account,
                    Error::new(ErrorKind::Other, Fate::NotSent, message),
                )
            }));
        }
        all
    })
    .await
}

/// The parts that the snapshot of one account needs.
struct Taking {
    account: Account,
    configured: AccountConfiguration,
    ledger: Arc<dyn Ledger>,
    known: Option<Arc<KnownMarkers>>,
    query: Query,
}

/// The recorder and the search that get the tokens of an account as they arrive.
struct Destination<'a> {
    recorder: &'a mut Box<dyn SnapshotRecorder>,
    search: Option<&'a mut StraySearch>,
}

impl Taking {
    async fn take(self, fleet: Fleet) -> Taken {
        let Some(provider) = fleet.providers().next().cloned() else {
            return match read(&fleet, self.query, None).await {
                Ok(report) => unrecorded(report),
                Err(error) => failed(&self.account, error),
            };
        };
        let source = match source_of(&*provider).await {
            Ok(source) => source,
            Err(error) => return failed(&self.account, error),
        };
        let owner = source.owner.as_ref().map(|owner| owner.id.clone());
        let taken = match self.record(&fleet, &source).await {
            Ok(taken) => taken,
            Err(error) => failed(&self.account, error),
        };
        Taken { owner, ..taken }
    }

    async fn record(&self, fleet: &Fleet, source: &Source) -> Result<Taken> {
        // Begun before anything is listed, so that the ledger knows when another snapshot was
        // written meanwhile.
        let mut recorder = self.ledger.begin(source, Timestamp::now()).await?;
        let mut search = self.known.as_ref().map(|known| StraySearch {
            account: self.account.clone(),
            ledger: Arc::clone(&self.ledger),
            known: Arc::clone(known),
            found: Vec::new(),
        });
        let destination = Destination {
            recorder: &mut recorder,
            search: search.as_mut(),
        };
        let mut report = read(fleet, self.query.clone(), Some(destination)).await?;
        if let Verdict::NotListable = report.verdict {
            // Nothing was sent, so nobody else would notice a credential that cannot be read.
            self.configured.check_credentials().await?;
        }
        let verdict = match &report.verdict {
            Verdict::Complete => listed(Completeness::Complete),
            Verdict::CompleteAsShown(unlisted) => {
                listed(Completeness::CompleteAsShown(unlisted.clone()))
            }
            Verdict::Partial(reason) => listed(Completeness::Partial(reason.clone())),
            Verdict::NotListable => tokenfleet_ledger::Verdict::NotListable,
            // An account of which nothing was seen has no state to record.
            Verdict::Failed(_) if report.tokens == 0 => return Ok(unrecorded(report)),
            _ => {
                let reason = report.verdict.reason().unwrap_or_default();
                tokenfleet_ledger::Verdict::Interrupted(reason)
            }
        };
        let snapshot = match recorder.close(verdict).await {
            Ok(snapshot) => Some(snapshot),
            Err(error) => {
                report.verdict = Verdict::Failed(error.with_account(&self.account));
                None
            }
        };
        let is_listed = !matches!(report.verdict, Verdict::NotListable);
        Ok(Taken {
            report,
            owner: None,
            search: search.filter(|_| is_listed && snapshot.is_some()),
            snapshot,
            strays: None,
        })
    }
}

fn listed(completeness: Completeness) -> tokenfleet_ledger::Verdict {
    tokenfleet_ledger::Verdict::Listed(completeness)
}

/// Returns the source of an account, with the owner of its tokens where the platform tells it.
async fn source_of(provider: &dyn TokenProvider) -> Result<Source> {
    let source = Source::from(provider.account().clone());
    match provider.whoami().await {
        Ok(identity) => Ok(source.with_owner(&identity)),
        // It never says: all listings of the account are one history.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(source)
        }
        // It may say another time, and the tokens belong into that history.
        Err(error) => Err(error),
    }
}

/// Lists one account and records its tokens as they arrive.
async fn read(
    fleet: &Fleet,
    query: Query,
    mut destination: Option<Destination<'_>>,
) -> Result<AccountReport> {
    let mut inventory = fleet.inventory(query);
    let mut batch = Vec::new();
    while let Some(event) = inventory.next().await {
        match event {
            InventoryEvent::Token(_, token) => {
                batch.push(*token);
                if batch.len() >= BATCH {
                    record(destination.as_mut(), &mut batch).await?;
                }
            }
            InventoryEvent::Finished(report) => {
                record(destination.as_mut(), &mut batch).await?;
                return Ok(report);
            }
            _ => {}
        }
    }
    let message = "the listing ended without a report";
    Err(Error::new(ErrorKind::Other, Fate::NotSent, message))
}

async fn record(destination: Option<&mut Destination<'_>>, batch: &mut Vec<Token>) -> Result<()> {
    if let Some(destination) = destination
        && !batch.is_empty()
    {
        for token in batch.iter_mut() {
            // What people say of a token is not what its platform holds.
            if let std::borrow::Cow::Owned(bare) = without_annotations(token) {
                *token = bare;
            }
        }
        destination.recorder.record(batch).await?;
        if let Some(search) = &mut destination.search {
            search.look_through(batch).await?;
        }
    }
    batch.clear();
    Ok(())
}

fn unrecorded(report: AccountReport) -> Taken {
    Taken {
        report,
        owner: None,
        snapshot: None,
        search: None,
        strays: None,
    }
}

fn failed(account: &Account, error: Error) -> Taken {
    unrecorded(AccountReport::failed(account.clone(), error))
}

impl Taken {
    fn counts(&self) -> Option<Counts> {
        self.snapshot.as_ref().and_then(|snapshot| snapshot.counts)
    }

    fn object(&self) -> SnapshotObject<'_> {
        let report = &self.report;
        let counts = self.counts();
        SnapshotObject {
            account: report.account.name(),
            provider: report.account.provider(),
            owner: self.owner.as_deref(),
            completeness: report.verdict.as_str(),
            reason: report.verdict.reason(),
            at: self.snapshot.as_ref().map(|snapshot| snapshot.at),
            count: counts.map(|counts| counts.seen),
            appeared: counts.map(|counts| counts.appeared),
            vanished: counts.map(|counts| counts.vanished),
            changed: counts.map(|counts| counts.changed),
            strays: self.strays.as_deref(),
        }
    }

    /// Returns the changes for people, such as `+3 -1 ~2`.
    fn changes(&self) -> Option<String> {
        let counts = self.counts()?;
        let [appeared, vanished, changed] =
            [counts.appeared, counts.vanished, counts.changed].map(grouped);
        Some(format!("+{appeared} -{vanished} ~{changed}"))
    }
}

fn print(taken: &[Taken], output: &mut Output) -> std::io::Result<()> {
    if output.format() == Format::Table {
        let reports: Vec<_> = taken.iter().map(|taken| taken.report.clone()).collect();
        let changes: Vec<_> = taken.iter().map(Taken::changes).collect();
        output.account_lines(&reports, &changes)?;
        let strays = taken.iter().flat_map(|taken| {
            let strays = taken.strays.as_deref().unwrap_or_default();
            strays::sentences(taken.report.account.name(), strays)
        });
        return output.sentences(2, strays);
    }
    let described = taken.iter().map(|taken| {
        let object = taken.object();
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let row = [
            object.at.map(|at| at.to_string()),
            Some(object.account.to_owned()),
            Some(object.provider.to_owned()),
            Some(object.completeness.to_owned()),
            number(object.count),
            number(object.appeared),
            number(object.vanished),
            number(object.changed),
            object.owner.map(str::to_owned),
            object.reason.clone(),
            object.strays.map(|strays| strays.len().to_string()),
        ];
        (object, row.map(Option::unwrap_or_default).to_vec())
    });
    let columns = [&COLUMNS[..], &["strays"]].concat();
    output.accounts(Results::with_columns(&columns), described.collect())
}
