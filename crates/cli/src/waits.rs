//! The waits of tasks, which tests of whole processes shorten.

use std::time::Duration;

/// Returns a wait as it is kept, which is the wait itself in every release.
#[cfg(not(feature = "scaled-waits"))]
pub(crate) fn scaled(wait: Duration) -> Duration {
    wait
}

/// Returns a wait divided by `TOKENFLEET_WAITS_DIVIDED_BY`, a whole number, if that is set.
#[cfg(feature = "scaled-waits")]
pub(crate) fn scaled(wait: Duration) -> Duration {
    let text = std::env::var("TOKENFLEET_WAITS_DIVIDED_BY").ok();
    let divisor = text.and_then(|text| text.parse().ok());
    wait / divisor.filter(|divisor| *divisor > 0).unwrap_or(1)
}
