//! The clock of this machine.

use std::time::Duration;

use async_trait::async_trait;
use tokenfleet::Timestamp;
use tokenfleet::workflow::Timer;
use tokenfleet_rotation::runner::Clock;
use tokio::sync::watch;

/// The clock of this machine, which knows whether a rotation waits for it.
#[derive(Debug)]
pub(crate) struct SystemClock {
    is_waiting: watch::Sender<bool>,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self {
            is_waiting: watch::Sender::new(false),
        }
    }

    /// Returns a receiver of `true` while nothing is under way, because the rotation waits.
    pub(super) fn waits(&self) -> watch::Receiver<bool> {
        self.is_waiting.subscribe()
    }
}

#[async_trait]
impl Timer for SystemClock {
    async fn wait(&self, duration: Duration) {
        self.is_waiting.send_replace(true);
        tokio::time::sleep(duration).await;
        self.is_waiting.send_replace(false);
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
