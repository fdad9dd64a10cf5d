//! Requests to stop, which all rotations of this process see.

use std::future::pending;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::signal::StopRequest;

/// The number of requests to stop so far: after one, nothing is begun any more, and after another
/// one, nothing is finished either.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<Requests>);

/// The requests to stop so far.
#[derive(Debug, Clone, Copy, Default)]
struct Requests {
    count: u8,
    /// The time of the first one.
    first: Option<Instant>,
}

impl Stop {
    /// Starts listening for Ctrl-C, `SIGTERM` and the like, which no longer end the program by
    /// themselves then.
    pub(crate) async fn listen() -> Self {
        let (sender, receiver) = watch::channel(Requests::default());
        // Before anything is begun, so that no signal comes too early.
        let mut request = StopRequest::listen().await;
        tokio::spawn(async move {
            for _ in 0..2 {
                request.made().await;
                request = StopRequest::listen().await;
                sender.send_modify(|requests| {
                    requests.count += 1;
                    requests.first.get_or_insert_with(Instant::now);
                });
            }
            // The last value stays readable.
            pending::<()>().await;
        });
        Self(receiver)
    }

    #[cfg(test)]
    pub(crate) fn requested_at(first: Option<Instant>) -> Self {
        let count = u8::from(first.is_some());
        Self(watch::channel(Requests { count, first }).1)
    }

    /// Returns `true` once the program was asked to stop.
    pub(crate) fn is_requested(&self) -> bool {
        self.0.borrow().count > 0
    }

    /// Returns `true` once the program was asked to stop this long ago.
    pub(crate) fn is_requested_for(&self, time: Duration) -> bool {
        let first = self.0.borrow().first;
        first.is_some_and(|first| first.elapsed() >= time)
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
        if receiver.wait_for(|made| made.count >= count).await.is_err() {
            pending::<()>().await;
        }
    }
}
