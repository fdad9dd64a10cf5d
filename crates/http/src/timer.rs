//! The timer over tokio's clock.

use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::workflow::Timer;

/// A [`Timer`] over tokio's clock. It needs a tokio runtime with time enabled.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioTimer;

#[async_trait]
impl Timer for TokioTimer {
    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
