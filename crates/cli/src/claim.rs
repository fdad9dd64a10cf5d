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
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use tokenfleet_ledger::{DueQueues, MemoryLedger, NewTask, TaskListener};

    use super::*;

    const SHORT: Duration = Duration::from_millis(400);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn tasks() -> Arc<dyn Tasks> {
        Arc::new(MemoryLedger::new())
    }

    async fn opened(tasks: &Arc<dyn Tasks>) -> OperationId {
        let id = OperationId::random();
        let task = NewTask::new(id, "a kind", "a queue", id.to_string(), "{}");
        tasks.open_task(&task).await.unwrap();
        id
    }

    async fn taken(tasks: &Arc<dyn Tasks>) -> Claim {
        let id = opened(tasks).await;
        take(tasks, id, SHORT).await
    }

    async fn take(tasks: &Arc<dyn Tasks>, id: OperationId, lease: Duration) -> Claim {
        // The answer to a claim of no duration comes too late at once.
        let asked_at = elapsed();
        let claim = tasks.claim_task(id, lease).await.unwrap().unwrap();
        Claim::of(Arc::clone(tasks), &claim, lease, asked_at)
    }

    #[tokio::test]
    async fn work_that_was_stopped_does_nothing_more_once_its_claim_has_run_out() {
        let claim = taken(&tasks()).await;
        let steps = AtomicU32::new(0);
        let held = claim.hold(async {
            steps.fetch_add(1, Ordering::Relaxed);
            // As in a process that is stopped, no timer goes off meanwhile.
            std::thread::sleep(SHORT);
            tokio::task::yield_now().await;
            steps.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(held.await, None);
        assert_eq!(steps.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn work_that_takes_longer_than_a_lease_keeps_its_claim() {
        let tasks = tasks();
        let claim = taken(&tasks).await;
        let worked = claim.hold(async {
            sleep(SHORT * 3).await;
            tasks.claim_task(claim.id, SHORT).await.unwrap().is_none()
        });
        assert_eq!(worked.await, Some(true));
    }

    #[tokio::test]
    async fn work_is_dropped_when_another_worker_has_taken_over() {
        let tasks = tasks();
        let claim = taken(&tasks).await;
        let worked = claim.hold(async {
            claim.release(None).await.unwrap();
            let other = tasks.claim_task(claim.id, HOUR).await.unwrap();
            assert!(other.is_some());
            sleep(SHORT * 3).await;
        });
        assert_eq!(worked.await, None);
    }

    /// Claims a task and stands still for too long.
    async fn run_out(tasks: &Arc<dyn Tasks>, id: OperationId) -> Claim {
        let claim = take(tasks, id, SHORT).await;
        let held = claim.hold(async {
            std::thread::sleep(SHORT);
            pending::<()>().await;
        });
        assert_eq!(held.await, None);
        claim
    }

    /// A ledger whose answers to claims come late, as often as it says.
    #[derive(Debug)]
    struct Late {
        ledger: MemoryLedger,
        answers: AtomicU32,
    }

    impl Late {
        const LEASE: Duration = Duration::from_millis(1_600);

        /// The time of a late answer, which is more than a part of a lease.
        const TIME: Duration = Duration::from_millis(500);
    }

    #[async_trait]
    impl Tasks for Late {
        async fn claim_task(&self, id: OperationId, lease: Duration) -> Result<Option<TaskClaim>> {
            let claimed = self.ledger.claim_task(id, lease).await;
            let count = |left: u32| left.checked_sub(1);
            let is_late = (self.answers).fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
            if is_late.is_ok() {
                sleep(Self::TIME).await;
            }
            claimed
        }

        async fn ledger_id(&self) -> Result<String> {
            self.ledger.ledger_id().await
        }

        async fn open_task(&self, task: &NewTask) -> Result<Option<Task>> {
            self.ledger.open_task(task).await
        }

        async fn open_task_after(
            &self,
            task: &NewTask,
            latest: Option<OperationId>,
            previous: Option<OperationId>,
        ) -> Result<Option<Task>> {
            self.ledger.open_task_after(task, latest, previous).await
        }

        async fn task(&self, id: OperationId) -> Result<Option<Task>> {
            self.ledger.task(id).await
        }

        async fn open_tasks(&self) -> Result<Vec<Task>> {
            self.ledger.open_tasks().await
        }

        async fn open_tasks_of(&self, kind: &str) -> Result<Vec<Task>> {
            self.ledger.open_tasks_of(kind).await
        }

        async fn closed_tasks(&self, kind: &str) -> Result<Vec<Task>> {
            self.ledger.closed_tasks(kind).await
        }

        async fn due_queues(&self) -> Result<DueQueues> {
            self.ledger.due_queues().await
        }

        async fn due_tasks(&self, queue: &str) -> Result<Vec<OperationId>> {
            self.ledger.due_tasks(queue).await
        }

        async fn listen(&self) -> Result<Option<Box<dyn TaskListener>>> {
            self.ledger.listen().await
        }

        async fn extend_claim(&self, id: OperationId, epoch: u64, by: Duration) -> Result<bool> {
            self.ledger.extend_claim(id, epoch, by).await
        }

        async fn release_claim(
            &self,
            id: OperationId,
            epoch: u64,
            due: Option<Timestamp>,
        ) -> Result<()> {
            self.ledger.release_claim(id, epoch, due).await
        }

        async fn record_task(
            &self,
            id: OperationId,
            epoch: u64,
            state: &str,
            closes: bool,
        ) -> Result<bool> {
            self.ledger.record_task(id, epoch, state, closes).await
        }

        async fn raise_epoch(&self, at_least: u64) -> Result<()> {
            self.ledger.raise_epoch(at_least).await
        }
    }

    #[tokio::test]
    async fn a_claim_whose_answer_came_too_late_is_made_again_and_in_the_end_given_back() {
        for late in 0..=MAX_CLAIMS {
            let tasks: Arc<dyn Tasks> = Arc::new(Late {
                ledger: MemoryLedger::new(),
                answers: AtomicU32::new(late),
            });
            let id = OperationId::random();
            let due = tasks.due_queues().await.unwrap().at;
            let task = NewTask::new(id, "a kind", "a queue", "a subject", "{}");
            tasks.open_task(&task.with_due(due)).await.unwrap();
            let taken = Claim::take_for(Arc::clone(&tasks), id, Late::LEASE).await;
            match taken.unwrap() {
                Some((claim, task)) => {
                    assert!(late < MAX_CLAIMS);
                    assert_eq!(claim.epoch, u64::from(late) + 1);
                    claim.release(task.due).await.unwrap();
                }
                None => assert_eq!(late, MAX_CLAIMS),
            }
            assert_eq!(tasks.task(id).await.unwrap().unwrap().due, Some(due));
            assert!(tasks.claim_task(id, HOUR).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn a_claim_that_ran_out_counts_until_something_is_done() {
        let tasks = tasks();
        let id = opened(&tasks).await;
        for starts in 1..=MAX_STARTS {
            let claim = match starts {
                1 | MAX_STARTS => run_out(&tasks, id).await,
                _ => take(&tasks, id, Duration::ZERO).await,
            };
            let said = claim.ran_out("iot").to_string();
            let counted = format!("({starts} of 10 in a row)");
            assert!(said.contains(&counted), "{said}");
            assert!(claim.exhausted().is_none());
        }
        let claim = take(&tasks, id, SHORT).await;
        assert!(claim.exhausted().is_some());
        assert!(claim.record("{}", false).await.unwrap());
        claim.release(None).await.unwrap();
        let claim = run_out(&tasks, id).await;
        assert!(claim.exhausted().is_none());
    }

    #[tokio::test]
    async fn a_queue_is_given_back_also_after_a_failure() {
        let tasks = tasks();
        let id = opened(&tasks).await;
        let otherwise = Some(tasks.due_queues().await.unwrap().at);
        let take = || Claim::take_for(Arc::clone(&tasks), id, HOUR);
        let claim = take().await.unwrap().unwrap().0;
        let failing = async { Err::<(_, ()), _>(Error::configuration("no record")) };
        assert!(claim.then_release(otherwise, failing).await.is_err());
        assert_eq!(tasks.task(id).await.unwrap().unwrap().due, otherwise);
        let claim = take().await.unwrap().unwrap().0;
        let done = claim.then_release(otherwise, async { Ok((None, "done")) });
        assert_eq!(done.await.unwrap(), "done");
        assert_eq!(tasks.task(id).await.unwrap().unwrap().due, None);
        assert!(take().await.unwrap().is_some());
    }

    #[tokio::test]
    async fn the_time_of_a_claim_is_that_of_the_database() {
        let tasks = tasks();
        let id = opened(&tasks).await;
        let mut claim = tasks.claim_task(id, SHORT).await.unwrap().unwrap();
        let here = Timestamp::now();
        for there in [here.saturating_add(HOUR), here.checked_sub(HOUR).unwrap()] {
            claim.task.claimed_until = Some(there.saturating_add(SHORT));
            let claim = Claim::of(Arc::clone(&tasks), &claim, SHORT, elapsed());
            let now = claim.now();
            assert!(
                there <= now && now < there.saturating_add(HOUR / 2),
                "{now}"
            );
        }
    }
}
