//! Requests to stop, which all rotations of this process see.

use std::future::pending;

use tokio::sync::watch;

use crate::signal::StopRequest;

/// The number of requests to stop so far: after one, nothing is begun any more, and after another
/// one, nothing is finished either.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<u8>);

impl Stop {
    /// Starts listening for Ctrl-C, `SIGTERM` and the like, which no longer end the program by
    /// themselves then.
    pub(crate) async fn listen() -> Self {
        let (sender, receiver) = watch::channel(0);
        // Before anything is begun, so that no signal comes too early.
        let mut request = StopRequest::listen().await;
        tokio::spawn(async move {
            for count in 1..=2 {
                request.made().await;
                request = StopRequest::listen().await;
                let _ = sender.send(count);
            }
            // The last value stays readable.
            pending::<()>().await;
        });
        Self(receiver)
    }

    /// Returns `true` once the program was asked to stop.
    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Completes when the program is asked to stop.
    pub(crate) async fn requested(&self) {
        self.reached(1).await;
    }

    /// Completes when the program is asked to stop a second time.
    pub(crate) async fn insisted(&self) {
        self.reached(2).await;
    }

    async fn reached(&self, count: u8) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|made| *made >= count).await.is_err() {
            pending::<()>().await;
        }
    }
}
