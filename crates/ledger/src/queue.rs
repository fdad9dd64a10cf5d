//! The queue of a task, which one worker has at a time.

use std::time::Duration;

use tokenfleet_core::Timestamp;
use tokenfleet_core::journal::OperationId;

use crate::times::truncated;

/// The last claim of a queue.
#[derive(Debug)]
pub(crate) struct QueueClaim {
    pub(crate) epoch: u64,
    pub(crate) task: OperationId,
    /// `None` once it was released.
    pub(crate) until: Option<Timestamp>,
}

impl QueueClaim {
    /// Returns `true` if it is still the one that this epoch was given to. It may have run out.
    pub(crate) fn is_of(&self, task: OperationId, epoch: u64) -> bool {
        self.until.is_some() && self.task == task && self.epoch == epoch
    }
}

/// Returns `true` if a claim with this end keeps others away.
pub(crate) fn keeps_others_away(until: Option<Timestamp>, now: Timestamp) -> bool {
    until.is_some_and(|until| until > now)
}

/// Returns the end of a lease in whole milliseconds: not before the lease is over, and at once if it
/// has no duration.
pub(crate) fn end_of_lease(now: Timestamp, lease: Duration) -> Timestamp {
    const ROUNDING: Duration = Duration::from_millis(1);

    if lease.is_zero() {
        return truncated(now);
    }
    truncated(now.saturating_add(lease.saturating_add(ROUNDING)))
}
