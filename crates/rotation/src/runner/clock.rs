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

/// The clock of a store, from a claim on: workers on machines whose clocks differ share it, so that
/// none waits for a time that was written by another clock.
#[derive(Clone, Copy)]
pub(super) struct StoreClock<'a> {
    clock: &'a dyn Clock,
    /// The time just before the claim, by the clock that nobody sets.
    asked_at: Duration,
    claimed_at: Option<Timestamp>,
}

impl<'a> StoreClock<'a> {
    /// Creates the clock of a claim that is about to be made.
    pub(super) fn before_claim(clock: &'a dyn Clock) -> Self {
        Self {
            clock,
            asked_at: clock.elapsed(),
            claimed_at: None,
        }
    }

    /// Returns the time since the claim was asked for.
    pub(super) fn passed(&self) -> Duration {
        self.clock.elapsed().saturating_sub(self.asked_at)
    }

    /// Sets the clock by the time of the claim, if the store has told it.
    pub(super) fn set(&mut self, claimed_at: Option<Timestamp>) {
        self.claimed_at = claimed_at;
    }

    /// Returns the current time, by the clock of this machine if the store has none.
    pub(super) fn now(&self) -> Timestamp {
        match self.claimed_at {
            Some(claimed_at) => claimed_at.saturating_add(self.passed()),
            None => self.clock.now(),
        }
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
