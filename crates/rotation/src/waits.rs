//! The waits of a rotation, which tests of whole processes shorten.

use std::time::Duration;

/// Returns a wait as it is kept, which is the wait itself in every release.
#[cfg(not(feature = "scaled-waits"))]
pub(crate) fn scaled(wait: Duration) -> Duration {
    wait
}

/// Returns a wait divided by `TOKENFLEET_WAITS_DIVIDED_BY`, a whole number, if that is set.
#[cfg(feature = "scaled-waits")]
pub(crate) fn scaled(wait: Duration) -> Duration {
    use std::sync::LazyLock;

    static DIVISOR: LazyLock<u32> = LazyLock::new(|| {
        let text = std::env::var("TOKENFLEET_WAITS_DIVIDED_BY").ok();
        let divisor = text.and_then(|text| text.parse().ok());
        divisor.filter(|divisor| *divisor > 0).unwrap_or(1)
    });
    wait / *DIVISOR
}
