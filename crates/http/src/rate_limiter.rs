//! Keeping to what an account may send.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// Lets a bounded number of requests through at a time and in a time, and none while the platform has asked to wait.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    places: Semaphore,
    at_a_time: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    closed_until: Option<Instant>,
    /// Between two requests on average; those that fit into the places may come together.
    interval: Duration,
    /// When the next request would begin if all came evenly.
    next: Option<Instant>,
}

impl RateLimiter {
    pub(crate) fn new(at_a_time: u32) -> Self {
        Self {
            places: Semaphore::new(at_a_time as usize),
            at_a_time,
            state: Mutex::default(),
        }
    }

    /// At most that many requests in that time, evenly but for a few.
    pub(crate) fn set_rate(&self, requests: u32, time: Duration) {
        self.state().interval = time / requests.max(1);
    }

    /// Waits for a place, for as long as the platform asked, and for what the rate allows.
    pub(crate) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.places.acquire().await.ok();
        loop {
            let wait = self.state().pass(self.at_a_time);
            match wait {
                Some(until) => sleep_until(until).await,
                None => return permit,
            }
        }
    }

    /// Keeps everyone out for that long.
    pub(crate) fn close_for(&self, wait: Duration) {
        let until = Instant::now().checked_add(wait);
        let mut state = self.state();
        state.closed_until = state.closed_until.max(until);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Passes, or says until when to wait.
    fn pass(&mut self, at_once: u32) -> Option<Instant> {
        let now = Instant::now();
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Some(until);
        }
        let next = self.next.map_or(now, |next| next.max(now));
        let early = self.interval.saturating_mul(at_once.saturating_sub(1));
        let begin = next.checked_sub(early).unwrap_or(now);
        if begin > now {
            return Some(begin);
        }
        self.next = next.checked_add(self.interval);
        None
    }
}
