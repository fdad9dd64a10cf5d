//! How many retries the calls of one account may make together.

use std::sync::atomic::{AtomicU32, Ordering};

/// Spent by retries, given back by successes: when a platform is down for everybody, every call soon sends one request
/// and not as many as its policy allows.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    size: u32,
    left: AtomicU32,
}

impl RetryBudget {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            size,
            left: AtomicU32::new(size),
        }
    }

    /// Takes one retry, if one is left.
    pub(crate) fn spend(&self) -> bool {
        let fewer = |left: u32| left.checked_sub(1);
        self.change(fewer)
    }

    /// Gives one back, for a call that succeeded.
    pub(crate) fn give_back(&self) {
        self.change(|left| (left < self.size).then(|| left + 1));
    }

    fn change(&self, to: impl FnMut(u32) -> Option<u32>) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, to)
            .is_ok()
    }
}
