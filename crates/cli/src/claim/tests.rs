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
