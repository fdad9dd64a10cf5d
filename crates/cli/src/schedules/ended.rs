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
    /// The time of the next run, if this one did not fail.
    pub(crate) next: Timestamp,
    pub(crate) took: Duration,
}

impl Ended {
    pub(crate) fn well(next: Timestamp) -> Self {
        Self {
            failure: None,
            next,
            took: Duration::ZERO,
        }
    }

    /// Returns a failure, after which it is not the next time that counts.
    pub(crate) fn failed(failure: impl Into<String>) -> Self {
        Self {
            failure: Some(failure.into()),
            ..Self::well(Timestamp::now())
        }
    }
}

/// Returns the wait after a failure that came after so many others.
pub(super) fn backoff(failures: u32) -> Duration {
    let factor = 2_u32.checked_pow(failures).unwrap_or(u32::MAX);
    SHORTEST_WAIT.saturating_mul(factor).min(LONGEST_WAIT)
}
