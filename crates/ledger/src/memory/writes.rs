//! The writes of a ledger in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokenfleet_core::journal::{Intent, Journal, OperationId, Outcome, Resolution};
use tokenfleet_core::{Account, Result, Timestamp, TokenId};

use super::MemoryLedger;
use crate::{OpenOperation, UnknownToken, Write};

/// The writes by their numbers, which rise in the order in which they were begun.
#[derive(Debug, Clone, Default)]
pub(super) struct Writes(Arc<Mutex<Numbered>>);

#[derive(Debug, Default)]
struct Numbered {
    last: u64,
    writes: BTreeMap<u64, Write>,
}

impl Writes {
    fn all(&self) -> MutexGuard<'_, Numbered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, intent: &str, change: impl FnOnce(&mut Write)) {
        let mut all = self.all();
        let mut writes = all.writes.values_mut();
        if let Some(write) = writes.find(|write| write.intent.id == intent) {
            change(write);
        }
    }

    fn begin(&self, intent: &Intent) {
        let mut all = self.all();
        if !(all.writes.values()).any(|write| write.intent.id == intent.id) {
            all.last += 1;
            let number = all.last;
            all.writes.insert(number, Write::new(intent.clone()));
        }
    }

    fn those(&self, is_chosen: impl Fn(&Write) -> bool) -> Vec<Write> {
        let all = self.all();
        let chosen = all.writes.values().filter(|write| is_chosen(write));
        chosen.cloned().collect()
    }

    pub(super) fn open_operations(&self) -> Vec<OpenOperation> {
        let open = self.those(Write::is_open);
        let is_open = |id| open.iter().any(|write| write.intent.operation_id == id);
        OpenOperation::group(self.those(|write| is_open(write.intent.operation_id)))
    }

    pub(super) fn of_operation(&self, operation: OperationId) -> Vec<Write> {
        self.those(|write| write.intent.operation_id == operation)
    }

    pub(super) fn to(&self, account: &Account, tokens: &[TokenId]) -> Vec<Write> {
        self.those(|write| {
            let touched = write.tokens();
            write.intent.account == *account && tokens.iter().any(|id| touched.contains(id))
        })
    }

    pub(super) fn unknown_tokens(
        &self,
        at: Timestamp,
        unlistable: &[Account],
    ) -> Vec<UnknownToken> {
        let all = self.all();
        let unknown = (all.writes.values())
            .filter_map(|write| Some((write.clone(), UnknownToken::of(write, at, unlistable)?)));
        UnknownToken::still_unknown(unknown.collect(), |write, id| {
            let account = &write.intent.account;
            let writes = all.writes.values();
            let writes = writes.filter(|other| other.intent.account == *account);
            write.is_followed_by_revocation_of(id, writes)
        })
    }

    /// Returns the operations of which there are writes.
    pub(super) fn operations(&self) -> BTreeSet<OperationId> {
        let all = self.all();
        let writes = all.writes.values();
        writes.map(|write| write.intent.operation_id).collect()
    }

    /// Returns writes after a number, each with its number.
    pub(super) fn after(&self, number: u64, limit: NonZeroUsize) -> Vec<(u64, Write)> {
        let all = self.all();
        let after = (all.writes).range((Bound::Excluded(number), Bound::Unbounded));
        let page = after.take(limit.get());
        page.map(|(number, write)| (*number, write.clone()))
            .collect()
    }

    /// Forgets the writes that ended before a time and belong to none of the open tasks, and
    /// returns how many they were.
    pub(super) fn prune(&self, before: Timestamp, open_tasks: &BTreeSet<OperationId>) -> u64 {
        let open = self.those(Write::is_open);
        let is_open = |id| {
            open_tasks.contains(&id) || open.iter().any(|write| write.intent.operation_id == id)
        };
        let mut all = self.all();
        let count = all.writes.len();
        all.writes.retain(|_, write| {
            let may_be_alive =
                write.may_have_issued() && write.dead_by().is_none_or(|dead_by| dead_by > before);
            write.last_heard() > before || may_be_alive || is_open(write.intent.operation_id)
        });
        (count - all.writes.len()) as u64
    }
}

#[async_trait]
impl Journal for MemoryLedger {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        self.writes.begin(intent);
        Ok(())
    }

    async fn record_outcome(&self, intent: &Intent, outcome: &Outcome) {
        self.writes.begin(intent);
        self.writes
            .change(&intent.id, |write| write.outcome = Some(outcome.clone()));
    }

    async fn record_resolution(&self, intent: &str, resolution: &Resolution) {
        self.writes
            .change(intent, |write| write.resolution = Some(resolution.clone()));
    }
}
