//! The ledger in memory, for the tests of applications.

mod tasks;
mod writes;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Account, Result, Timestamp, Token, TokenId};

use crate::bounds::{check_beginning, check_tokens};
use crate::times::{incomplete, listed_after_all, not_later, nothing_known, overtaken, truncated};
use crate::{
    Change, Counts, Ledger, OpenOperation, Page, PageRequest, Pruned, Snapshot, SnapshotRecorder,
    Source, Span, UnknownToken, Verdict, Version, Write,
};
use tasks::HeldTasks;
use writes::Writes;

/// A ledger that ends with the process. Clones are the same ledger.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    histories: Arc<Mutex<BTreeMap<Source, History>>>,
    tasks: HeldTasks,
    writes: Writes,
}

/// The history of one source.
#[derive(Debug, Default)]
struct History {
    snapshots: Vec<Snapshot>,
    versions: BTreeMap<TokenId, Vec<Version>>,
}

impl MemoryLedger {
    /// Creates an empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn histories(&self) -> MutexGuard<'_, BTreeMap<Source, History>> {
        // A panic of another thread cannot have left half a snapshot: nothing in between panics.
        self.histories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the history of a source, which may be empty.
    fn read<T>(&self, source: &Source, read: impl FnOnce(&History) -> T) -> T {
        match self.histories().get(source) {
            Some(history) => read(history),
            None => read(&History::default()),
        }
    }
}

impl History {
    fn latest(&self) -> Option<Timestamp> {
        self.snapshots.last().map(|snapshot| snapshot.at)
    }

    /// Returns the time of the snapshot that tells the state at a time.
    fn known_at(&self, source: &Source, at: Timestamp) -> Result<Timestamp> {
        let mut until = self.snapshots.iter().rev().filter(|kept| kept.at <= at);
        let is_listable = until.clone().next().is_none();
        let listed = until.find(|kept| kept.verdict != Verdict::NotListable);
        listed
            .map(|snapshot| snapshot.at)
            .ok_or_else(|| nothing_known(source, at, is_listable))
    }

    fn write(&mut self, snapshot: &mut Snapshot, staged: BTreeMap<TokenId, Token>) {
        let at = snapshot.at;
        let mut counts = Counts {
            seen: staged.len() as u64,
            ..Counts::default()
        };
        if snapshot.verdict.absence_is_proof() {
            for (id, versions) in &mut self.versions {
                if let Some(open) = versions.last_mut().filter(|last| last.to.is_none())
                    && !staged.contains_key(id)
                {
                    open.to = Some(at);
                    counts.vanished += 1;
                }
            }
        }
        for (id, token) in staged {
            let versions = self.versions.entry(id).or_default();
            match versions.last_mut().filter(|last| last.to.is_none()) {
                Some(open) if open.token == token => continue,
                Some(open) => {
                    open.to = Some(at);
                    counts.changed += 1;
                }
                None => counts.appeared += 1,
            }
            versions.push(Version {
                from: at,
                to: None,
                token,
            });
        }
        if snapshot.verdict != Verdict::NotListable {
            snapshot.counts = Some(counts);
        }
        self.snapshots.push(snapshot.clone());
    }
}

/// Returns the version of a token that held at a time.
fn version_at(versions: &[Version], at: Timestamp) -> Option<&Token> {
    let held = |version: &&Version| version.from <= at && version.to.is_none_or(|to| to > at);
    versions.iter().find(held).map(|version| &version.token)
}

/// Returns a page of what `read` makes of the versions of each token.
fn page_of<T>(
    history: &History,
    page: &PageRequest,
    read: impl Fn(&[Version]) -> Option<T>,
) -> Page<T> {
    let after = |id: &&TokenId| page.after.as_ref().is_none_or(|after| *id > after);
    let ids = history.versions.keys().filter(after);
    let ids: Vec<_> = ids.take(page.limit.get()).collect();
    let last = ids.last().filter(|_| ids.len() == page.limit.get());
    let next = last.map(|id| (*id).clone());
    let items = ids.iter().filter_map(|id| read(history.versions.get(id)?));
    Page::new(items.collect(), next)
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn begin(&self, source: &Source, at: Timestamp) -> Result<Box<dyn SnapshotRecorder>> {
        check_beginning(source, at)?;
        let at = truncated(at);
        let latest = self.read(source, History::latest);
        if let Some(latest) = latest.filter(|latest| *latest >= at) {
            return Err(not_later(source, latest));
        }
        Ok(Box::new(MemoryRecorder {
            ledger: self.clone(),
            source: source.clone(),
            at,
            latest,
            staged: BTreeMap::new(),
            has_failed: false,
        }))
    }

    async fn accounts(&self) -> Result<Vec<Source>> {
        Ok(self.histories().keys().cloned().collect())
    }

    async fn snapshots(&self, source: &Source) -> Result<Vec<Snapshot>> {
        Ok(self.read(source, |history| history.snapshots.clone()))
    }

    async fn state(
        &self,
        source: &Source,
        at: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<Token>> {
        self.read(source, |history| {
            let at = history.known_at(source, at)?;
            Ok(page_of(history, page, |versions| {
                version_at(versions, at).cloned()
            }))
        })
    }

    async fn diff(&self, source: &Source, span: Span, page: &PageRequest) -> Result<Page<Change>> {
        self.read(source, |history| {
            let from = history.known_at(source, span.earlier())?;
            let to = history.known_at(source, span.later())?;
            Ok(page_of(history, page, |versions| {
                let [before, after] = [from, to].map(|at| version_at(versions, at).cloned());
                Change::between(before, after)
            }))
        })
    }

    async fn history(&self, source: &Source, id: &TokenId) -> Result<Vec<Version>> {
        Ok(self.read(source, |history| {
            history.versions.get(id).cloned().unwrap_or_default()
        }))
    }

    async fn versions(&self, source: &Source, page: &PageRequest) -> Result<Page<Version>> {
        Ok(self.read(source, |history| {
            let tokens = page_of(history, page, |versions| Some(versions.to_vec()));
            Page::new(tokens.items.concat(), tokens.next)
        }))
    }

    async fn open_operations(&self) -> Result<Vec<OpenOperation>> {
        Ok(self.writes.open_operations())
    }

    async fn writes(&self, operation: OperationId) -> Result<Vec<Write>> {
        Ok(self.writes.of_operation(operation))
    }

    async fn writes_to(&self, account: &Account, tokens: &[TokenId]) -> Result<Vec<Write>> {
        Ok(self.writes.to(account, tokens))
    }

    async fn all_writes(&self, after: u64, limit: NonZeroUsize) -> Result<Vec<(u64, Write)>> {
        Ok(self.writes.after(after, limit))
    }

    async fn unknown_tokens(
        &self,
        at: Timestamp,
        unlistable: &[Account],
    ) -> Result<Vec<UnknownToken>> {
        Ok(self.writes.unknown_tokens(at, unlistable))
    }

    async fn prune(&self, before: Timestamp) -> Result<Pruned> {
        let mut pruned = Pruned {
            writes: self.writes.prune(before, &self.tasks.open_ids()),
            tasks: self.tasks.prune(before, &self.writes.operations()),
            ..Pruned::default()
        };
        for history in self.histories().values_mut() {
            // The snapshot that tells the state at `before` stays, and all from it on.
            let mut until = history.snapshots.iter().filter(|kept| kept.at <= before);
            let latest = until.clone().next_back();
            let listed = until.rfind(|kept| kept.counts.is_some());
            let Some(base) = listed.or(latest).map(|snapshot| snapshot.at) else {
                continue;
            };
            let all = history.snapshots.len();
            history.snapshots.retain(|snapshot| snapshot.at >= base);
            pruned.snapshots += (all - history.snapshots.len()) as u64;
            for versions in history.versions.values_mut() {
                let all = versions.len();
                versions.retain(|version| version.to.is_none_or(|to| to > base));
                pruned.versions += (all - versions.len()) as u64;
            }
            history.versions.retain(|_, versions| !versions.is_empty());
        }
        Ok(pruned)
    }

    async fn check(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// A snapshot of a ledger in memory that is being taken.
#[derive(Debug)]
struct MemoryRecorder {
    ledger: MemoryLedger,
    source: Source,
    at: Timestamp,
    /// The time of the latest snapshot when this one was begun.
    latest: Option<Timestamp>,
    staged: BTreeMap<TokenId, Token>,
    /// `true` if a token was not taken.
    has_failed: bool,
}

#[async_trait]
impl SnapshotRecorder for MemoryRecorder {
    async fn record(&mut self, tokens: &[Token]) -> Result<()> {
        check_tokens(&self.source, tokens).inspect_err(|_| self.has_failed = true)?;
        let tokens = tokens.iter().map(|token| (token.id.clone(), token.clone()));
        self.staged.extend(tokens);
        Ok(())
    }

    async fn close(self: Box<Self>, verdict: Verdict) -> Result<Snapshot> {
        let verdict = verdict.masked();
        if self.has_failed {
            return Err(incomplete(&self.source));
        }
        if verdict == Verdict::NotListable && !self.staged.is_empty() {
            return Err(listed_after_all(&self.source));
        }
        let mut snapshot = Snapshot {
            at: self.at,
            verdict,
            counts: None,
        };
        let mut histories = self.ledger.histories();
        let history = histories.get(&self.source);
        if history.and_then(History::latest) != self.latest {
            return Err(overtaken(&self.source));
        }
        let history = histories.entry(self.source.clone()).or_default();
        history.write(&mut snapshot, self.staged);
        Ok(snapshot)
    }
}
