//! The durable side of a runner.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Result, Timestamp};

use crate::machine::{Change, Rotation};

/// The right to carry a rotation out, until somebody else claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The rotation, as it was when it was claimed.
    pub rotation: Rotation,
    /// The epoch of the claim, which is higher than that of every claim before, of whatever
    /// rotation: a sink refuses a write with a lower one than the last.
    pub epoch: u64,
    /// The time of the claim by the clock of the store, which all its workers share. `None` if the
    /// store has no clock of its own: then each worker goes by that of its machine.
    pub claimed_at: Option<Timestamp>,
}

impl Claim {
    /// Creates a claim of a store that has no clock.
    #[must_use]
    pub fn new(rotation: Rotation, epoch: u64) -> Self {
        Self {
            rotation,
            epoch,
            claimed_at: None,
        }
    }

    /// Sets the time of the claim by the clock of the store.
    #[must_use]
    pub fn with_claimed_at(mut self, claimed_at: Timestamp) -> Self {
        self.claimed_at = Some(claimed_at);
        self
    }
}

/// The durable side of a runner: what it must not forget, and who may change it.
///
/// Each method is one transaction, and durable when it returns.
#[async_trait]
pub trait RotationStore: Debug + Send + Sync {
    /// Returns the id of the ledger, a short one that no other ledger has. It is in the stamps, and
    /// what bears another one is not overwritten without adoption.
    fn ledger(&self) -> &str;

    /// Claims a rotation: raises the epoch, counts a start, and returns both. `None` if there is no
    /// such rotation, or a claim of somebody else has not run out. A store may close a rotation
    /// that is done, and then there is none.
    async fn claim(&self, rotation: OperationId) -> Result<Option<Claim>>;

    /// Returns `true` if no one else can claim the rotation for at least this long. A store with
    /// leases extends this one.
    async fn extend(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool>;

    /// Extends a claim like [`extend`](Self::extend) while a call is under way. A store that begins
    /// nothing any more, because its program is to end, lets the call end by this.
    async fn extend_call(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        self.extend(rotation, epoch, by).await
    }

    /// Returns `true` if a listing that is under way is to end now, because its program is to end:
    /// it changes nothing, and may be of any length. It is asked every five seconds.
    fn ends_listings(&self) -> bool {
        false
    }

    /// Gives a claim back: the worker ended as it should, so its start does not count, and nothing
    /// is to be done before `due`; `None` if nothing is to be done at all. Changes nothing if the
    /// epoch is not current.
    async fn release(
        &self,
        rotation: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()>;

    /// Records a change, as [`Rotation::apply`] does. Returns `false`, and changes nothing, if the
    /// epoch is not current.
    async fn record(&self, rotation: OperationId, epoch: u64, change: &Change) -> Result<bool>;

    /// Returns `true` if an operation of this ledger, as a stamp names it, is open: somebody else's
    /// rotation is under way where its stamp is.
    async fn is_open(&self, operation: &str) -> Result<bool>;
}
