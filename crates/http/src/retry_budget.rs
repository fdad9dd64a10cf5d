//! The retry budget that all requests of an account share.

use std::sync::atomic::{AtomicU32, Ordering};

/// A number of retries that retries withdraw from and successes deposit to.
///
/// When a platform is down for everybody, each request soon sends one attempt instead of as many as
/// its policy allows.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    size: u32,
    left: AtomicU32,
}

impl RetryBudget {
    /// Creates a full budget of `size` retries.
    pub(crate) fn new(size: u32) -> Self {
        Self {
            size,
            left: AtomicU32::new(size),
        }
    }

    /// Takes one retry, and returns `false` if none is left.
    pub(crate) fn withdraw(&self) -> bool {
        self.update(|left| left.checked_sub(1))
    }

    /// Gives one retry back for a request that succeeded, up to the size of the budget.
    pub(crate) fn deposit(&self) {
        self.update(|left| (left < self.size).then(|| left + 1));
    }

    fn update(&self, change: impl FnMut(u32) -> Option<u32>) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change)
            .is_ok()
    }
}
