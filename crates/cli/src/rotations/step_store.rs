//! The store of one run of a rotation, which sees each step before it is carried out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet::journal::OperationId;
use tokenfleet::{Account, Error, ErrorKind, Fate, Result, Timestamp};
use tokenfleet_ledger::Ledger;
use tokenfleet_rotation::machine::Change;
use tokenfleet_rotation::runner::{Claim, LedgerRotationStore, RotationStore};

use super::resolving;
use super::stop::Stop;
use crate::journals::Journals;

/// The time for which a call that is under way goes on after a request to stop: a call of a
/// platform or a sink takes no longer, and a listing, which may, is ended at once.
const LONGEST_LAST_CALL: Duration = Duration::from_secs(5 * 60);

/// The store of one run: it tells the journals when a secret is delivered, and ends the run when
/// the program is asked to stop.
///
/// A call that is under way then goes on, so that it need not be found out what became of it.
///
/// A run that has begun an attempt ends only when that is delivered or has failed, because the
/// secret is in its memory alone.
#[derive(Debug)]
pub(super) struct StepStore {
    store: Arc<LedgerRotationStore>,
    ledger: Arc<dyn Ledger>,
    journals: Arc<Journals>,
    account: Account,
    stop: Stop,
    /// `true` while a new secret may be in memory that is not delivered.
    is_attempting: AtomicBool,
    /// The epoch and the time of the claim, once there is one.
    claim: OnceLock<(u64, Option<Timestamp>)>,
}

impl StepStore {
    pub(super) fn new(
        store: Arc<LedgerRotationStore>,
        ledger: Arc<dyn Ledger>,
        journals: Arc<Journals>,
        account: Account,
        stop: Stop,
    ) -> Self {
        Self {
            store,
            ledger,
            journals,
            account,
            stop,
            is_attempting: AtomicBool::new(false),
            claim: OnceLock::new(),
        }
    }

    /// Returns `true` while a new secret may be in memory that is not delivered.
    pub(super) fn is_attempting(&self) -> bool {
        self.is_attempting.load(Ordering::SeqCst)
    }

    /// Gives the claim of a run back that was dropped while it waited.
    pub(super) async fn release_now(&self, rotation: OperationId) -> Result<()> {
        let Some((epoch, claimed_at)) = self.claim.get() else {
            return Ok(());
        };
        // The clock of this machine may be ahead of that of the ledger.
        let due = claimed_at.unwrap_or_else(Timestamp::now);
        self.store.release(rotation, *epoch, Some(due)).await
    }

    /// Records what became of the writes of a rotation of which nothing is left to do.
    async fn resolve(&self, rotation: OperationId, epoch: u64) -> Result<()> {
        // A worker that was superseded has nothing to say.
        if !(self.store.extend(rotation, epoch, Duration::ZERO).await?) {
            return Ok(());
        }
        match self.store.rotation(rotation).await? {
            Some(stored) => {
                resolving::resolve(&*self.ledger, &*self.journals, &stored.record).await
            }
            None => Ok(()),
        }
    }

    fn check_stop(&self, is_needed: bool) -> Result<()> {
        if self.stop.is_requested() && !is_needed {
            let message = "the program was asked to stop";
            return Err(Error::new(ErrorKind::Other, Fate::NotSent, message));
        }
        Ok(())
    }
}

#[async_trait]
impl RotationStore for StepStore {
    fn ledger(&self) -> &str {
        self.store.ledger()
    }

    async fn claim(&self, rotation: OperationId) -> Result<Option<Claim>> {
        self.check_stop(false)?;
        let claim = self.store.claim(rotation).await?;
        if let Some(claim) = &claim {
            let _ = self.claim.set((claim.epoch, claim.claimed_at));
        }
        Ok(claim)
    }

    async fn extend(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        self.check_stop(self.is_attempting())?;
        self.store.extend(rotation, epoch, by).await
    }

    async fn extend_call(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        if !self.is_attempting() && self.stop.is_requested_for(LONGEST_LAST_CALL) {
            return self.check_stop(false).map(|()| true);
        }
        self.store.extend_call(rotation, epoch, by).await
    }

    fn ends_listings(&self) -> bool {
        self.stop.is_requested() && !self.is_attempting()
    }

    async fn release(
        &self,
        rotation: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()> {
        self.store.release(rotation, epoch, due).await
    }

    async fn record(&self, rotation: OperationId, epoch: u64, change: &Change) -> Result<bool> {
        if let Change::Attempting { .. } = change {
            // The secret of an attempt before it is lost.
            self.check_stop(false)?;
        }
        if let Change::Done = change {
            // First: a crash in between must not leave an open write of a rotation that is closed.
            self.resolve(rotation, epoch).await?;
        }
        let is_recorded = self.store.record(rotation, epoch, change).await?;
        match change {
            Change::Attempting { .. } => self.is_attempting.store(is_recorded, Ordering::SeqCst),
            Change::Delivered(successor) if is_recorded => {
                self.is_attempting.store(false, Ordering::SeqCst);
                self.journals
                    .delivered(&self.account, &successor.token)
                    .await;
            }
            Change::NotApplied { .. }
            | Change::Withdrawn { .. }
            | Change::Reissue
            | Change::Parked(_) => {
                self.is_attempting.store(false, Ordering::SeqCst);
            }
            _ => {}
        }
        Ok(is_recorded)
    }

    async fn is_open(&self, operation: &str) -> Result<bool> {
        self.store.is_open(operation).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Instant;

    use tokenfleet::{CreateToken, TokenId};
    use tokenfleet_ledger::MemoryLedger;
    use tokenfleet_rotation::machine::{Overlap, PlannedSink, Rotation, RotationPlan, Strategy};
    use tokenfleet_rotation::runner::RotationRecord;
    use tokenfleet_rotation::sink::Readable;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_call_that_is_under_way_goes_on_after_a_request_to_stop_and_none_is_begun() {
        let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::new());
        let tasks: Arc<dyn Ledger> = Arc::clone(&ledger);
        let rotations = Arc::new(LedgerRotationStore::open(tasks).await.unwrap());
        let account = Account::new("losant", "iot");
        let strategy = Strategy::Overlap(Overlap::default());
        let plan = RotationPlan::new(strategy, [PlannedSink::new(Readable::Secret)]).unwrap();
        let subject = Some(TokenId::new("1"));
        let rotation = Rotation::new(OperationId::random(), subject, Timestamp::now());
        let (request, id) = (CreateToken::new("ci"), rotation.id);
        let record = RotationRecord::new(account.clone(), ["file:/a"], plan, request, rotation);
        rotations.open_rotation(&record, "iot", None).await.unwrap();
        let epoch = rotations.claim(id).await.unwrap().unwrap().epoch;

        let now = Instant::now();
        for (first, begins, goes_on) in [
            (None, true, true),
            (Some(now), false, true),
            (now.checked_sub(MINUTE * 4), false, true),
            (now.checked_sub(MINUTE * 6), false, false),
        ] {
            let store = StepStore::new(
                Arc::clone(&rotations),
                Arc::clone(&ledger),
                Arc::new(Journals::new(None, Ok(None))),
                account.clone(),
                Stop::requested_at(first),
            );
            let begun = store.extend(id, epoch, MINUTE).await;
            assert_eq!(begun.is_ok(), begins, "{begun:?}");
            let extended = store.extend_call(id, epoch, MINUTE).await;
            assert_eq!(extended.is_ok(), goes_on, "{extended:?}");
            assert_eq!(store.ends_listings(), first.is_some());
            // Whoever has the only copy of a secret delivers it.
            store.is_attempting.store(true, Ordering::SeqCst);
            assert!(!store.ends_listings());
            assert!(store.extend(id, epoch, MINUTE).await.unwrap());
            assert!(store.extend_call(id, epoch, MINUTE).await.unwrap());
        }
    }
}
