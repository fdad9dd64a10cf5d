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
    pub(crate) async fn acquire(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.slots.acquire().await.ok();
        loop {
            let wait_until = self.state().try_start(self.max_concurrent);
            match wait_until {
                Some(moment) => sleep_until(moment).await,
                None => return permit,
            }
        }
    }

    /// Holds all requests back for `wait`.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = Instant::now().checked_add(wait);
        let mut state = self.state();
        state.paused_until = state.paused_until.max(until);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Starts a request now, or returns the moment until which it must wait.
    fn try_start(&mut self, burst: u32) -> Option<Instant> {
        let now = Instant::now();
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Some(until);
        }
        let next = self.next.map_or(now, |next| next.max(now));
        let head_start = self.interval.saturating_mul(burst.saturating_sub(1));
        let earliest = next.checked_sub(head_start).unwrap_or(now);
        if earliest > now {
            return Some(earliest);
        }
        self.next = next.checked_add(self.interval);
        None
    }
}
