//! The ends of runs, and how long a failure waits.

use std::time::Duration;

use tokenfleet::Timestamp;

/// The shortest time between two listings for a policy, and the first wait after a failure.
pub(crate) const SHORTEST_WAIT: Duration = Duration::from_secs(60);

/// The longest time between two listings for a policy, and the longest wait after a failure.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// The end of a run.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) failure: Option<String>,
    /// The time of the next run. One that failed is run again after a while, and not later than
    /// then, if there is such a time.
    pub(crate) next: Option<Timestamp>,
    pub(crate) took: Duration,
}

impl Ended {
    pub(crate) fn well(next: Timestamp) -> Self {
        Self {
            failure: None,
            next: Some(next),
            took: Duration::ZERO,
        }
    }

    pub(crate) fn failed(failure: impl Into<String>) -> Self {
        Self {
            failure: Some(failure.into()),
            next: None,
            took: Duration::ZERO,
        }
    }

    /// Lets what failed be run again at a time, if it would not be before.
    pub(crate) fn no_later_than(mut self, next: Timestamp) -> Self {
        self.next = Some(next);
        self
    }
}

/// Returns the wait after a failure that came after so many others.
pub(super) fn backoff(failures: u32) -> Duration {
    let factor = 2_u32.checked_pow(failures).unwrap_or(u32::MAX);
    SHORTEST_WAIT.saturating_mul(factor).min(LONGEST_WAIT)
}
