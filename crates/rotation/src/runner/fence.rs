//! The fence around a call: it goes on only while the claim of its worker lasts.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Error, ErrorKind, Fate, Result};

use super::{Clock, Runner};
use crate::waits::scaled;

/// The time for which a claim lasts that is not extended: a queue waits no longer for a worker that
/// was killed in a call of the provider.
pub(crate) const CLAIM: Duration = Duration::from_secs(25);

/// The time between two extensions of a claim.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(5);

/// The time that must be left of a claim whenever a call goes on.
pub(super) const MARGIN: Duration = Duration::from_secs(5);

/// The claim of a worker, around the calls that it makes.
#[derive(Clone, Copy)]
pub(super) struct Fence<'a> {
    pub(super) runner: &'a Runner<'a>,
    pub(super) rotation: OperationId,
    pub(super) epoch: u64,
}

/// The reason why a call is not polled any further for now.
enum Turn<T> {
    Answered(Result<T>),
    Extended(Result<Option<Duration>>),
    /// The claim is about to run out.
    RanOut,
    TooLong,
    /// One of the two limits is close.
    Near,
}

impl Fence<'_> {
    /// Extends the claim for at least this long and returns its end by the clock that nobody sets,
    /// or `None` if another worker has taken over.
    pub(super) async fn extend(self, by: Duration) -> Result<Option<Duration>> {
        let Runner { store, clock, .. } = self.runner;
        let extend = || store.extend(self.rotation, self.epoch, by);
        Self::until_in_time(*clock, by, extend).await
    }

    /// Extends the claim by `extend` and returns its end.
    async fn until_in_time<F>(
        clock: &dyn Clock,
        by: Duration,
        extend: impl Fn() -> F,
    ) -> Result<Option<Duration>>
    where
        F: Future<Output = Result<bool>>,
    {
        loop {
            let asked_at = clock.elapsed();
            if !extend().await? {
                return Ok(None);
            }
            // One that was slow may have run out in part by now, so it is made again.
            if clock.elapsed().saturating_sub(asked_at) < scaled(MARGIN) {
                return Ok(Some(asked_at.saturating_add(by)));
            }
        }
    }

    /// Makes a call under a claim that is extended for `by` first and by heartbeats then. Returns
    /// `None` if another worker has taken over.
    ///
    /// The call is polled only while the claim lasts, so a process that was stopped and comes back
    /// sends nothing more, not even a repetition. One that takes longer than `longest` is given up.
    ///
    /// # Errors
    ///
    /// Errors of the store, an error of unknown fate if the claim ran out during the call, and an
    /// error if it was a listing and the program is to end.
    pub(super) async fn call<T>(
        self,
        by: Duration,
        longest: Duration,
        call: impl Future<Output = Result<T>>,
    ) -> Result<Option<Result<T>>> {
        let clock = self.runner.clock;
        let Some(mut until) = self.extend(by).await? else {
            return Ok(None);
        };
        let limit = clock.elapsed().saturating_add(longest);
        let mut call = pin!(Some(call));
        let mut heartbeat = pin!(Some(self.heartbeat()));
        let mut end = pin!(clock.wait_beside_call(Duration::ZERO));
        loop {
            let last = until.saturating_sub(scaled(MARGIN));
            end.set(clock.wait_beside_call(last.min(limit).saturating_sub(clock.elapsed())));
            let turn = poll_fn(|context| {
                let now = clock.elapsed();
                if now >= last {
                    return Poll::Ready(Turn::RanOut);
                }
                if now >= limit {
                    return Poll::Ready(Turn::TooLong);
                }
                if let Some(call) = call.as_mut().as_pin_mut()
                    && let Poll::Ready(answer) = call.poll(context)
                {
                    return Poll::Ready(Turn::Answered(answer));
                }
                if let Some(heartbeat) = heartbeat.as_mut().as_pin_mut()
                    && let Poll::Ready(extended) = heartbeat.poll(context)
                {
                    return Poll::Ready(Turn::Extended(extended));
                }
                end.as_mut().poll(context).map(|()| Turn::Near)
            });
            match turn.await {
                Turn::Answered(answer) => return Ok(Some(answer)),
                Turn::TooLong => return Ok(Some(Err(too_long()))),
                Turn::RanOut => {
                    // Both may be in the middle of a transaction, for the end of which the ledger
                    // would wait: nobody could have the queue, and this worker neither.
                    call.set(None);
                    heartbeat.set(None);
                    // Nothing is wrong if somebody else is at work by now.
                    return match self.extend(scaled(CLAIM)).await {
                        Ok(None) => Ok(None),
                        _ => Err(ran_out()),
                    };
                }
                Turn::Extended(Ok(None)) => return Ok(None),
                Turn::Extended(_) if longest == Duration::MAX && self.is_to_end() => {
                    return Err(ended());
                }
                Turn::Extended(extended) => {
                    if let Ok(Some(extended)) = extended {
                        until = until.max(extended);
                    }
                    heartbeat.set(Some(self.heartbeat()));
                }
                Turn::Near => {}
            }
        }
    }

    /// Returns `true` if a listing is to end now.
    fn is_to_end(self) -> bool {
        self.runner.store.ends_listings()
    }

    async fn heartbeat(self) -> Result<Option<Duration>> {
        (self.runner.clock)
            .wait_beside_call(scaled(HEARTBEAT))
            .await;
        let Runner { store, clock, .. } = self.runner;
        let by = scaled(CLAIM);
        let extend = || store.extend_call(self.rotation, self.epoch, by);
        Self::until_in_time(*clock, by, extend).await
    }
}

fn ran_out() -> Error {
    let message = "the claim of the rotation ran out during a call, which was given up";
    Error::new(ErrorKind::Unavailable, Fate::MaybeApplied, message).with_advice(
        "the ledger could not be reached, or this machine was stopped: the next worker carries the \
         rotation on",
    )
}

fn ended() -> Error {
    let message = "the program was asked to stop, and the listing was given up";
    Error::new(ErrorKind::Other, Fate::NotSent, message)
}

fn too_long() -> Error {
    let message = "the call took too long and was given up";
    Error::new(ErrorKind::Timeout, Fate::MaybeApplied, message)
}
