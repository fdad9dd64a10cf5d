//! The claim of a task, and the work that goes on only while it lasts.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokenfleet::journal::OperationId;
use tokenfleet::{Error, ErrorKind, Fate, Result, Timestamp};
use tokenfleet_ledger::{Task, TaskClaim, Tasks};
use tokenfleet_rotation::runner::Clock;
use tokio::time::sleep;

use crate::rotations::SystemClock;
use crate::waits::scaled;

/// The time for which a claim lasts that is not extended: a queue waits no longer for a worker that
/// was killed. To revoke or to read once more does no harm, so it is shorter than that of a
/// rotation.
pub(crate) const LEASE: Duration = Duration::from_secs(20);

/// The number of parts of a lease: it is extended after each, and one must be left of it whenever
/// the work goes on.
const PARTS: u32 = 4;

/// The number of times that a task is claimed in a row, because the answer came too late.
const MAX_CLAIMS: u32 = 3;

/// The number of claims in a row that may end without anything done, because they ran out.
const MAX_STARTS: u32 = 10;

/// The claim of a task of which nothing is lost if it is begun anew.
pub(crate) struct Claim {
    tasks: Arc<dyn Tasks>,
    id: OperationId,
    epoch: u64,
    /// The number of claims since something was done, this one included.
    starts: u32,
    lease: Duration,
    /// The time of the claim by the clock of the database, and by the one that nobody sets.
    claimed_at: Timestamp,
    asked_at: Duration,
}

/// The reason why the work is not polled any further for now.
enum Turn<T> {
    Done(T),
    Extended(Result<Option<Duration>>),
    RanOut,
    Near,
}

impl Claim {
    /// Claims a task; `None` if somebody else is at work on its queue, or it is closed.
    pub(crate) async fn take(
        tasks: Arc<dyn Tasks>,
        id: OperationId,
    ) -> Result<Option<(Self, Task)>> {
        Self::take_for(tasks, id, scaled(LEASE)).await
    }

    /// Claims a task for another time than that of all claims.
    pub(crate) async fn take_for(
        tasks: Arc<dyn Tasks>,
        id: OperationId,
        lease: Duration,
    ) -> Result<Option<(Self, Task)>> {
        for _ in 0..MAX_CLAIMS {
            let asked_at = elapsed();
            let Some(claim) = tasks.claim_task(id, lease).await? else {
                return Ok(None);
            };
            // Whoever was stopped meanwhile does not know when the claim was made.
            if elapsed().saturating_sub(asked_at) < lease / PARTS {
                let claimed = Self::of(tasks, &claim, lease, asked_at);
                return Ok(Some((claimed, claim.task)));
            }
            let due = claim.task.due;
            tasks.release_claim(id, claim.epoch, due).await?;
        }
        Ok(None)
    }

    fn of(tasks: Arc<dyn Tasks>, claim: &TaskClaim, lease: Duration, asked_at: Duration) -> Self {
        let until = claim.task.claimed_until;
        let claimed_at = until.and_then(|until| until.checked_sub(lease));
        Self {
            tasks,
            id: claim.task.id,
            epoch: claim.epoch,
            starts: claim.task.starts,
            lease,
            claimed_at: claimed_at.unwrap_or(claim.task.opened_at),
            asked_at,
        }
    }

    /// Returns the time by the clock of the database, whatever the one of this machine shows.
    pub(crate) fn now(&self) -> Timestamp {
        let passed = elapsed().saturating_sub(self.asked_at);
        self.claimed_at.saturating_add(passed)
    }

    /// Records how far the task is; `false` if somebody else has taken over.
    pub(crate) async fn record(&self, state: &str, closes: bool) -> Result<bool> {
        (self.tasks)
            .record_task(self.id, self.epoch, state, closes)
            .await
    }

    /// Gives the queue back, and says when there is something to do again.
    pub(crate) async fn release(&self, due: Option<Timestamp>) -> Result<()> {
        self.tasks.release_claim(self.id, self.epoch, due).await
    }

    /// Does something under the claim and gives the queue back, also if that fails: nobody waits
    /// for a claim to run out then. It says when there is something to do again, and after a
    /// failure that is `otherwise`.
    pub(crate) async fn then_release<T>(
        &self,
        otherwise: Option<Timestamp>,
        work: impl Future<Output = Result<(Option<Timestamp>, T)>>,
    ) -> Result<T> {
        let worked = work.await;
        let due = worked.as_ref().map_or(otherwise, |(due, _)| *due);
        let released = self.release(due).await;
        let (_, done) = worked?;
        released.map(|()| done)
    }

    /// Returns the error about a task that is not begun again for now, because too many claims of
    /// it ran out before anything was done.
    pub(crate) fn exhausted(&self) -> Option<Error> {
        let message = format!(
            "{MAX_STARTS} claims in a row ran out before anything was done: workers were lost, or \
             they are too slow"
        );
        let error = Error::new(ErrorKind::Other, Fate::MaybeApplied, message);
        let error = error.with_advice("look why, before another one is");
        (self.starts > MAX_STARTS).then_some(error)
    }

    /// Creates the error about work that this claim was too short for. `what` names it.
    pub(crate) fn ran_out(&self, what: &str) -> Error {
        let message = format!(
            "{what}: the claim ran out before the work was done ({} of {MAX_STARTS} in a row)",
            self.starts
        );
        Error::new(ErrorKind::Other, Fate::MaybeApplied, message).with_advice(
            "it is begun anew; if it stays so, look whether the ledger answers and the machine has \
             time for it",
        )
    }

    /// Works while the claim lasts, and extends it meanwhile. `None` if it ran out, or somebody
    /// else has taken over: the work was dropped then, and whoever claims the task next begins it
    /// anew. The claim is not given back, because that would say that something was done.
    ///
    /// The work is polled only while the claim lasts, so a process that was stopped and comes back
    /// sends nothing more. It is dropped before anything else is asked of the ledger, because it
    /// may be in the middle of a transaction.
    pub(crate) async fn hold<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let margin = self.lease / PARTS;
        let mut until = self.asked_at + self.lease;
        let mut work = pin!(Some(work));
        let mut heartbeat = pin!(self.heartbeat());
        let mut end = pin!(sleep(Duration::ZERO));
        loop {
            let last = until.saturating_sub(margin);
            end.set(sleep(last.saturating_sub(elapsed())));
            let turn = poll_fn(|context| {
                if elapsed() >= last {
                    return Poll::Ready(Turn::RanOut);
                }
                if let Some(work) = work.as_mut().as_pin_mut()
                    && let Poll::Ready(done) = work.poll(context)
                {
                    return Poll::Ready(Turn::Done(done));
                }
                if let Poll::Ready(extended) = heartbeat.as_mut().poll(context) {
                    return Poll::Ready(Turn::Extended(extended));
                }
                end.as_mut().poll(context).map(|()| Turn::Near)
            });
            match turn.await {
                Turn::Done(done) => return Some(done),
                Turn::RanOut => {
                    work.set(None);
                    // Nobody, this worker included, can have the queue before.
                    sleep(until.saturating_sub(elapsed())).await;
                    return None;
                }
                Turn::Extended(Ok(None)) => return None,
                Turn::Extended(extended) => {
                    // One that did not reach the ledger ends nothing: the claim lasts a while.
                    until = extended.ok().flatten().unwrap_or(until).max(until);
                    heartbeat.set(self.heartbeat());
                }
                Turn::Near => {}
            }
        }
    }

    /// Extends the claim after a while, and returns its new end.
    async fn heartbeat(&self) -> Result<Option<Duration>> {
        sleep(self.lease / PARTS).await;
        let asked_at = elapsed();
        let extended = (self.tasks).extend_claim(self.id, self.epoch, self.lease);
        Ok(extended.await?.then_some(asked_at + self.lease))
    }
}

/// Returns the time by a clock that nobody sets and that runs on while the machine sleeps.
fn elapsed() -> Duration {
    SystemClock::new().elapsed()
}

#[cfg(test)]
mod tests;
