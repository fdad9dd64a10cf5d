//! The clock of a runner.

use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::Timestamp;
use tokenfleet_core::workflow::Timer;

/// The clock of a runner: it says what time it is, and waits.
///
/// A runner waits by [`wait`](Timer::wait) only while nothing is under way.
#[async_trait]
pub trait Clock: Timer {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns the time since a point in the past that stays the same, by a clock that nobody sets
    /// and that runs on while the machine sleeps. What is left of a claim is counted by it.
    ///
    /// The default is the time since the start of the machine (`CLOCK_BOOTTIME` on Linux).
    fn elapsed(&self) -> Duration {
        since_boot()
    }

    /// Waits beside a call that is under way, until the claim is to be extended or has run out.
    async fn wait_beside_call(&self, duration: Duration) {
        self.wait(duration).await;
    }
}

/// Returns the time since the start of the machine.
#[cfg(unix)]
fn since_boot() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    #[cfg(any(target_os = "android", target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Boottime;
    // On Apple's systems it runs on while the machine sleeps.
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    const CLOCK: ClockId = ClockId::Monotonic;

    // It is never negative.
    clock_gettime(CLOCK).try_into().unwrap_or_default()
}

/// Returns the time since the first call, which includes the sleep of the machine on Windows.
#[cfg(not(unix))]
fn since_boot() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;

    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed()
}
