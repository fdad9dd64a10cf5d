//! The claim of a task, and the work that goes on only while it lasts.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokenfleet::journal::OperationId;
use tokenfleet::{Result, Timestamp};
use tokenfleet_ledger::{Task, Tasks};
use tokenfleet_rotation::runner::Clock;
use tokio::time::sleep;

use super::waits::scaled;
use crate::rotations::SystemClock;

/// The time for which a claim lasts that is not extended: an account waits no longer for a worker
/// that was killed. Revoking once more does no harm, so it is shorter than that of a rotation.
const LEASE: Duration = Duration::from_secs(20);

/// The time between two extensions of a claim.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The time that must be left of a claim whenever the work goes on.
const MARGIN: Duration = Duration::from_secs(5);

/// The claim of a task.
pub(super) struct Claim {
    tasks: Arc<dyn Tasks>,
    id: OperationId,
    epoch: u64,
    /// The time of the claim by the clock of the database, and by the one that nobody sets.
    claimed_at: Timestamp,
    asked_at: Duration,
    /// The end of the claim, by a clock that nobody sets.
    until: Duration,
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
    pub(super) async fn take(
        tasks: Arc<dyn Tasks>,
        id: OperationId,
    ) -> Result<Option<(Self, Task)>> {
        let asked_at = elapsed();
        let Some(claim) = tasks.claim_task(id, scaled(LEASE)).await? else {
            return Ok(None);
        };
        let claimed = Self {
            tasks,
            id,
            epoch: claim.epoch,
            claimed_at: database_time(&claim.task),
            asked_at,
            until: asked_at + scaled(LEASE),
        };
        Ok(Some((claimed, claim.task)))
    }

    /// Returns the time by the clock of the database, whatever the one of this machine shows.
    pub(super) fn now(&self) -> Timestamp {
        let passed = elapsed().saturating_sub(self.asked_at);
        self.claimed_at.saturating_add(passed)
    }

    /// Records how far the task is; `false` if somebody else has taken over.
    pub(super) async fn record(&self, state: &str, closes: bool) -> Result<bool> {
        (self.tasks)
            .record_task(self.id, self.epoch, state, closes)
            .await
    }

    /// Gives the queue back, and says when there is something to do again.
    pub(super) async fn release(&self, due: Option<Timestamp>) -> Result<()> {
        self.tasks.release_claim(self.id, self.epoch, due).await
    }

    /// Works while the claim lasts, and extends it meanwhile. `None` if it ran out, or somebody
    /// else has taken over: the work was dropped then, and is begun anew.
    ///
    /// The work is polled only while the claim lasts, so a process that was stopped and comes back
    /// sends nothing more. It is dropped before anything else is asked of the ledger, because it
    /// may be in the middle of a transaction.
    pub(super) async fn hold<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut until = self.until;
        let mut work = pin!(work);
        let mut heartbeat = pin!(self.heartbeat());
        let mut end = pin!(sleep(Duration::ZERO));
        loop {
            let last = until.saturating_sub(scaled(MARGIN));
            end.set(sleep(last.saturating_sub(elapsed())));
            let turn = poll_fn(|context| {
                if elapsed() >= last {
                    return Poll::Ready(Turn::RanOut);
                }
                if let Poll::Ready(done) = work.as_mut().poll(context) {
                    return Poll::Ready(Turn::Done(done));
                }
                if let Poll::Ready(extended) = heartbeat.as_mut().poll(context) {
                    return Poll::Ready(Turn::Extended(extended));
                }
                end.as_mut().poll(context).map(|()| Turn::Near)
            });
            match turn.await {
                Turn::Done(done) => return Some(done),
                Turn::RanOut | Turn::Extended(Ok(None)) => return None,
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
        sleep(scaled(HEARTBEAT)).await;
        self.extend().await
    }

    async fn extend(&self) -> Result<Option<Duration>> {
        let asked_at = elapsed();
        let lease = scaled(LEASE);
        let is_extended = self.tasks.extend_claim(self.id, self.epoch, lease).await?;
        Ok(is_extended.then_some(asked_at + lease))
    }
}

/// Returns the time at which a task was claimed, by the clock of the database.
fn database_time(task: &Task) -> Timestamp {
    let claimed_at = task
        .claimed_until
        .and_then(|until| until.checked_sub(scaled(LEASE)));
    claimed_at.unwrap_or_else(Timestamp::now)
}

/// Returns the time by a clock that nobody sets and that runs on while the machine sleeps.
fn elapsed() -> Duration {
    SystemClock::new().elapsed()
}
