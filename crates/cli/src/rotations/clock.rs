//! The clock of this machine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet::Timestamp;
use tokenfleet::workflow::Timer;
use tokenfleet_rotation::runner::Clock;

/// The clock of this machine, which knows whether a rotation waits for it.
#[derive(Debug, Default)]
pub(super) struct SystemClock {
    is_waiting: AtomicBool,
}

impl SystemClock {
    /// Returns `true` while nothing is under way.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_waiting.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Timer for SystemClock {
    async fn wait(&self, duration: Duration) {
        self.is_waiting.store(true, Ordering::SeqCst);
        tokio::time::sleep(duration).await;
        self.is_waiting.store(false, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn wait_beside_call(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
