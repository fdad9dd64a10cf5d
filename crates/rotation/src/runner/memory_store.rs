//! A store in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Result, Timestamp};

use super::{Claim, RotationStore};
use crate::machine::{Change, Rotation, RotationState};

/// A store in memory, for tests and for programs that see to durability themselves.
///
/// Whoever claims a rotation last has it: there are no leases.
#[derive(Debug)]
pub struct MemoryRotationStore {
    ledger: String,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    rotations: HashMap<OperationId, Claim>,
    /// The epoch of the last claim, of whatever rotation: sinks compare those of several.
    epoch: u64,
}

/// As [`MemoryRotationStore::new`] does.
impl Default for MemoryRotationStore {
    fn default() -> Self {
        let mut ledger = OperationId::random().to_string();
        ledger.truncate(16);
        Self {
            ledger,
            held: Mutex::default(),
        }
    }
}

impl MemoryRotationStore {
    /// Creates an empty store with a random id.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the id of the ledger, for a program that keeps one.
    #[must_use]
    pub fn with_ledger(mut self, ledger: impl Into<String>) -> Self {
        self.ledger = ledger.into();
        self
    }

    /// Adds a rotation.
    pub fn open(&self, rotation: Rotation) {
        let id = rotation.id;
        self.held().rotations.insert(id, Claim::new(rotation, 0));
    }

    /// Returns a rotation.
    #[must_use]
    pub fn rotation(&self, id: OperationId) -> Option<Rotation> {
        let held = self.held();
        held.rotations.get(&id).map(|claim| claim.rotation.clone())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RotationStore for MemoryRotationStore {
    fn ledger(&self) -> &str {
        &self.ledger
    }

    async fn claim(&self, rotation: OperationId) -> Result<Option<Claim>> {
        let mut held = self.held();
        let epoch = held.epoch + 1;
        let Some(claim) = held.rotations.get_mut(&rotation) else {
            return Ok(None);
        };
        claim.epoch = epoch;
        claim.rotation.starts += 1;
        let claim = claim.clone();
        held.epoch = epoch;
        Ok(Some(claim))
    }

    async fn extend(&self, rotation: OperationId, epoch: u64, _: Duration) -> Result<bool> {
        let held = self.held();
        Ok(held
            .rotations
            .get(&rotation)
            .is_some_and(|claim| claim.epoch == epoch))
    }

    async fn release(&self, rotation: OperationId, epoch: u64, _: Option<Timestamp>) -> Result<()> {
        let mut held = self.held();
        if let Some(claim) = held.rotations.get_mut(&rotation)
            && claim.epoch == epoch
        {
            claim.rotation.starts = 0;
        }
        Ok(())
    }

    async fn record(&self, rotation: OperationId, epoch: u64, change: &Change) -> Result<bool> {
        let mut held = self.held();
        let current = held
            .rotations
            .get_mut(&rotation)
            .filter(|claim| claim.epoch == epoch);
        Ok(current.map(|claim| claim.rotation.apply(change)).is_some())
    }

    async fn is_open(&self, operation: &str) -> Result<bool> {
        let rotation = operation.parse().ok().and_then(|id| self.rotation(id));
        Ok(rotation.is_some_and(|rotation| rotation.state != RotationState::Done))
    }
}
