//! Keeping to what an account may send.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// Lets a bounded number of requests through at a time, and none while the platform has asked to wait.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    closed_until: Mutex<Option<Instant>>,
}

impl Gate {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places: Semaphore::new(places),
            closed_until: Mutex::new(None),
        }
    }

    /// Waits for a place, and for as long as the platform asked.
    pub(crate) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.places.acquire().await.ok();
        loop {
            let until = *self
                .closed_until
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return permit,
            }
        }
    }

    /// Keeps everyone out for that long.
    pub(crate) fn close_for(&self, wait: Duration) {
        let until = Instant::now().checked_add(wait);
        let mut closed = self
            .closed_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *closed = (*closed).max(until);
    }
}
