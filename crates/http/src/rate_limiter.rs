//! The rate limiter of an account.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// A limiter of concurrent requests and of requests per time, which also holds requests back while
/// the platform asks to wait.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    slots: Semaphore,
    max_concurrent: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    paused_until: Option<Instant>,
    /// The end of the pause that the platform asked for, which may be later than ours.
    platform_ready_at: Option<Instant>,
    /// The average time between two requests. As many as there are slots may come in a burst.
    interval: Duration,
    /// The moment when the next request would begin if all were spaced evenly.
    next: Option<Instant>,
}

impl RateLimiter {
    /// Creates a limiter of concurrent requests without a rate.
    pub(crate) fn new(max_concurrent: u32) -> Self {
        Self {
            slots: Semaphore::new(max_concurrent as usize),
            max_concurrent,
            state: Mutex::default(),
        }
    }

    /// Sets the rate: at most `requests` per `period`, apart from a burst.
    pub(crate) fn set_rate(&self, requests: u32, period: Duration) {
        self.state().interval = period / requests.max(1);
    }

    /// Waits for a free slot, for the end of a pause, and for the rate; the request may be sent
    /// while the permit is held.
    ///
    /// # Errors
    ///
    /// The time until the platform is ready again, if that is after the deadline of the request.
    pub(crate) async fn acquire(
        &self,
        deadline: Option<Instant>,
    ) -> Result<Option<SemaphorePermit<'_>>, Duration> {
        let permit = self.slots.acquire().await.ok();
        loop {
            let wait_until = self.state().try_start(self.max_concurrent, deadline)?;
            match wait_until {
                Some(moment) => sleep_until(moment).await,
                None => return Ok(permit),
            }
        }
    }

    /// Holds all requests back for `wait`, as the platform asks, but no longer than `max`: then a
    /// request finds out whether the platform still means it.
    pub(crate) fn pause(&self, wait: Duration, max: Duration) {
        let now = Instant::now();
        let mut state = self.state();
        state.paused_until = state.paused_until.max(now.checked_add(wait.min(max)));
        state.platform_ready_at = state.platform_ready_at.max(now.checked_add(wait));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Starts a request now, or returns the moment until which it must wait; the time until the
    /// platform is ready, if that is too late.
    fn try_start(
        &mut self,
        burst: u32,
        deadline: Option<Instant>,
    ) -> Result<Option<Instant>, Duration> {
        let now = Instant::now();
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            let ready_at = self.platform_ready_at.unwrap_or(until);
            return match deadline {
                Some(deadline) if ready_at > deadline => Err(ready_at - now),
                _ => Ok(Some(until)),
            };
        }
        // The next request finds out what the platform asks for now.
        self.platform_ready_at = None;
        let next = self.next.map_or(now, |next| next.max(now));
        let head_start = self.interval.saturating_mul(burst.saturating_sub(1));
        let earliest = next.checked_sub(head_start).unwrap_or(now);
        if earliest > now {
            return Ok(Some(earliest));
        }
        self.next = next.checked_add(self.interval);
        Ok(None)
    }
}
