//! The store of one run of a rotation, which sees each step before it is carried out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

/// The store of one run: it tells the journals when a secret is delivered, and ends the run when
/// the program is asked to stop.
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
    /// The epoch of the claim, or 0 before there is one.
    epoch: AtomicU64,
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
            epoch: AtomicU64::new(0),
        }
    }

    /// Returns `true` while a new secret may be in memory that is not delivered.
    pub(super) fn is_attempting(&self) -> bool {
        self.is_attempting.load(Ordering::SeqCst)
    }

    /// Gives the claim of a run back that was dropped while it waited.
    pub(super) async fn release_now(&self, rotation: OperationId) -> Result<()> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        (self.store)
            .release(rotation, epoch, Some(Timestamp::now()))
            .await
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
            self.epoch.store(claim.epoch, Ordering::SeqCst);
        }
        Ok(claim)
    }

    async fn extend(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        self.check_stop(self.is_attempting())?;
        self.store.extend(rotation, epoch, by).await
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
            Change::NotApplied { .. } | Change::Reissue | Change::Parked(_) => {
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
