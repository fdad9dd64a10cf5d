//! The tasks of a ledger in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Result, Timestamp};

use super::MemoryLedger;
use crate::bounds::{check_epoch, check_state, check_task, not_opened, overtaken};
use crate::lease::{end_of_lease, keeps_others_away};
use crate::queues::QueueStatus;
use crate::tasks::new_ledger_id;
use crate::times::truncated;
use crate::{DueQueues, NewTask, Task, TaskClaim, Tasks};

/// The tasks, and who has their queues.
#[derive(Debug, Clone)]
pub(super) struct HeldTasks(Arc<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    ledger_id: String,
    /// In the order in which they were opened.
    tasks: Vec<Task>,
    queues: BTreeMap<String, QueueClaim>,
    epoch: u64,
}

/// The last claim of a queue.
#[derive(Debug)]
struct QueueClaim {
    epoch: u64,
    task: OperationId,
    /// `None` once it was released.
    until: Option<Timestamp>,
}

impl QueueClaim {
    /// Returns `true` if it is still the one that this epoch was given to. It may have run out.
    fn is_of(&self, task: OperationId, epoch: u64) -> bool {
        self.until.is_some() && self.task == task && self.epoch == epoch
    }
}

impl Default for HeldTasks {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Held {
            ledger_id: new_ledger_id(),
            tasks: Vec::new(),
            queues: BTreeMap::new(),
            epoch: 0,
        })))
    }
}

impl HeldTasks {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the ids of the tasks that are open.
    pub(super) fn open_ids(&self) -> BTreeSet<OperationId> {
        let held = self.held();
        let open = held.tasks.iter().filter(|task| task.is_open());
        open.map(|task| task.id).collect()
    }

    /// Forgets the tasks that were closed by a time and of which no write is kept, and returns how
    /// many they were.
    pub(super) fn prune(&self, before: Timestamp, operations: &BTreeSet<OperationId>) -> u64 {
        let mut held = self.held();
        let count = held.tasks.len();
        let is_kept = |task: &Task| {
            operations.contains(&task.id)
                || task.closed_at.is_none_or(|closed_at| closed_at > before)
        };
        held.tasks.retain(is_kept);
        (count - held.tasks.len()) as u64
    }
}

impl Held {
    /// Returns the tasks that are chosen, with the ends of their claims.
    fn those(&self, is_chosen: impl Fn(&Task) -> bool) -> Vec<Task> {
        let chosen = self.tasks.iter().filter(|task| is_chosen(task)).cloned();
        let claimed = chosen.map(|mut task| {
            let claim = self.queues.get(&task.queue);
            task.claimed_until = claim
                .filter(|claim| claim.task == task.id)
                .and_then(|claim| claim.until);
            task
        });
        claimed.collect()
    }

    /// Returns the open task of the same kind and subject.
    fn of_subject(&self, task: &NewTask) -> Option<Task> {
        let open = self.those(|other| {
            other.is_open() && other.kind == task.kind && other.subject == task.subject
        });
        open.into_iter().next()
    }

    /// Opens a task, or returns the one that is open in its place.
    fn open(&mut self, task: &NewTask) -> Result<Option<Task>> {
        if let Some(open) = self.of_subject(task) {
            return Ok(Some(open));
        }
        if self.tasks.iter().any(|other| other.id == task.id) {
            return Err(not_opened());
        }
        let mut task = Task::new(task, truncated(Timestamp::now()));
        task.due = task.due.map(truncated);
        self.tasks.push(task);
        Ok(None)
    }

    /// Returns a task that is open.
    fn open_task(&mut self, id: OperationId) -> Option<&mut Task> {
        let mut tasks = self.tasks.iter_mut();
        tasks.find(|task| task.id == id && task.is_open())
    }

    /// Returns the claim of a task, if it is still the one that this epoch was given to.
    fn claim(&mut self, id: OperationId, epoch: u64) -> Option<&mut QueueClaim> {
        let mut claims = self.queues.values_mut();
        claims.find(|claim| claim.is_of(id, epoch))
    }
}

#[async_trait]
impl Tasks for MemoryLedger {
    async fn ledger_id(&self) -> Result<String> {
        Ok(self.tasks.held().ledger_id.clone())
    }

    async fn open_task(&self, task: &NewTask) -> Result<Option<Task>> {
        check_task(task)?;
        self.tasks.held().open(task)
    }

    async fn open_task_after(
        &self,
        task: &NewTask,
        latest: Option<OperationId>,
        previous: Option<OperationId>,
    ) -> Result<Option<Task>> {
        check_task(task)?;
        let mut held = self.tasks.held();
        if let Some(open) = held.of_subject(task) {
            return Ok(Some(open));
        }
        let newer_than = |read: Option<OperationId>| {
            let of_kind = held.tasks.iter().rev();
            let of_kind = of_kind.take_while(move |other| Some(other.id) != read);
            of_kind.filter(|other| other.kind == task.kind)
        };
        let is_overtaken = newer_than(latest).any(Task::is_open)
            || newer_than(previous).any(|other| other.subject == task.subject);
        if is_overtaken {
            return Err(overtaken());
        }
        held.open(task)
    }

    async fn task(&self, id: OperationId) -> Result<Option<Task>> {
        let found = self.tasks.held().those(|task| task.id == id);
        Ok(found.into_iter().next())
    }

    async fn open_tasks(&self) -> Result<Vec<Task>> {
        Ok(self.tasks.held().those(Task::is_open))
    }

    async fn open_tasks_of(&self, kind: &str) -> Result<Vec<Task>> {
        let is_open = |task: &Task| task.is_open() && task.kind == kind;
        Ok(self.tasks.held().those(is_open))
    }

    async fn closed_tasks(&self, kind: &str) -> Result<Vec<Task>> {
        let is_closed = |task: &Task| !task.is_open() && task.kind == kind;
        Ok(self.tasks.held().those(is_closed))
    }

    async fn due_queues(&self) -> Result<DueQueues> {
        let held = self.tasks.held();
        let mut due = BTreeMap::<&str, Timestamp>::new();
        for task in held.tasks.iter().filter(|task| task.is_open()) {
            let Some(at) = task.due else { continue };
            let earliest = due.entry(&task.queue).or_insert(at);
            *earliest = at.min(*earliest);
        }
        let queues = due.into_iter().map(|(name, due)| QueueStatus {
            name: name.to_owned(),
            due,
            claimed_until: held.queues.get(name).and_then(|claim| claim.until),
        });
        Ok(DueQueues::among(truncated(Timestamp::now()), queues))
    }

    async fn due_tasks(&self, queue: &str) -> Result<Vec<OperationId>> {
        let now = truncated(Timestamp::now());
        let due = |task: &Task| task.due.filter(|due| *due <= now);
        let mut tasks = self
            .tasks
            .held()
            .those(|task| task.queue == queue && due(task).is_some());
        tasks.sort_by_key(|task| task.due);
        Ok(tasks.into_iter().map(|task| task.id).collect())
    }

    async fn claim_task(&self, id: OperationId, lease: Duration) -> Result<Option<TaskClaim>> {
        let now = Timestamp::now();
        let mut held = self.tasks.held();
        let Some(queue) = held.open_task(id).map(|task| task.queue.clone()) else {
            return Ok(None);
        };
        let last = held.queues.get(&queue).and_then(|claim| claim.until);
        if keeps_others_away(last, truncated(now)) {
            return Ok(None);
        }
        held.epoch += 1;
        let claim = QueueClaim {
            epoch: held.epoch,
            task: id,
            until: Some(end_of_lease(now, lease)),
        };
        held.queues.insert(queue, claim);
        if let Some(task) = held.open_task(id) {
            task.starts += 1;
        }
        let claimed = held.those(|task| task.id == id).into_iter().next();
        Ok(claimed.map(|task| TaskClaim::new(task, held.epoch)))
    }

    async fn extend_claim(&self, id: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        let mut held = self.tasks.held();
        let Some(claim) = held.claim(id, epoch) else {
            return Ok(false);
        };
        claim.until = claim.until.max(Some(end_of_lease(Timestamp::now(), by)));
        Ok(true)
    }

    async fn release_claim(
        &self,
        id: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()> {
        let mut held = self.tasks.held();
        let Some(claim) = held.claim(id, epoch) else {
            return Ok(());
        };
        claim.until = None;
        if let Some(task) = held.open_task(id) {
            task.starts = 0;
            task.due = due.map(truncated);
        }
        Ok(())
    }

    async fn record_task(
        &self,
        id: OperationId,
        epoch: u64,
        state: &str,
        closes: bool,
    ) -> Result<bool> {
        check_state(state)?;
        let mut held = self.tasks.held();
        if held.claim(id, epoch).is_none() {
            return Ok(false);
        }
        let Some(task) = held.open_task(id) else {
            return Ok(false);
        };
        state.clone_into(&mut task.state);
        task.starts = 0;
        if closes {
            task.closed_at = Some(truncated(Timestamp::now()));
            task.due = None;
        }
        Ok(true)
    }

    async fn raise_epoch(&self, at_least: u64) -> Result<()> {
        check_epoch(at_least)?;
        let mut held = self.tasks.held();
        held.epoch = held.epoch.max(at_least);
        Ok(())
    }
}
