//! The trait of what holds tasks.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Result, Timestamp};

use crate::{DueQueues, NewTask, Task, TaskClaim, TaskListener};

/// The tasks of a ledger, and who carries them on.
///
/// A worker claims a task before it does anything about it, and holds the queue of the task for a
/// time, the lease. It extends the lease before each thing that it does, and ends when that is
/// refused. If it is lost, its claim runs out and another worker takes the queue; the first one can
/// record nothing from then on, because its epoch is no longer current. Epochs rise over all
/// queues, so that whatever sees two of them knows the later one.
///
/// Each method is one transaction, and durable when it returns. All times are those of one clock,
/// the one of the database, however wrong the clocks of the workers are.
#[async_trait]
pub trait Tasks: fmt::Debug + Send + Sync {
    /// Returns the id of the ledger: 16 hexadecimal digits that no other ledger has, made when it
    /// was created. A copy of a ledger has the same id.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn ledger_id(&self) -> Result<String>;

    /// Opens a task. If one of the same kind and subject is open, returns that one, which may be
    /// this one from an earlier call, and writes nothing; `None` if the task was opened.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if kind, queue or subject has more than 1,024 bytes, with control characters
    /// and backslashes escaped, or the state is not JSON. `Conflict` if a task with this id is
    /// there already that is closed or has another subject, and, rarely, if the one of the same
    /// subject was closed just now: try again.
    async fn open_task(&self, task: &NewTask) -> Result<Option<Task>>;

    /// Opens a task as [`open_task`](Self::open_task) does, if nothing was opened since that its
    /// opener has not read. So what was found out about the others is still true when it is opened.
    ///
    /// `latest` is the last of the open tasks of its kind that were read, and `previous` the last
    /// one of its kind and subject, which may be closed; each is `None` if there was none.
    ///
    /// # Errors
    ///
    /// As those of [`open_task`](Self::open_task), and `Conflict` if an open task of the kind is
    /// later than `latest`, or any task of the kind and subject is later than `previous`: read them
    /// again.
    async fn open_task_after(
        &self,
        task: &NewTask,
        latest: Option<OperationId>,
        previous: Option<OperationId>,
    ) -> Result<Option<Task>>;

    /// Returns a task, open or closed, or `None` if the ledger does not know it.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn task(&self, id: OperationId) -> Result<Option<Task>>;

    /// Returns the tasks that are open, in the order in which they were opened.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn open_tasks(&self) -> Result<Vec<Task>>;

    /// Returns the tasks of a kind that are open, in the order in which they were opened.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn open_tasks_of(&self, kind: &str) -> Result<Vec<Task>> {
        let mut open = self.open_tasks().await?;
        open.retain(|task| task.kind == kind);
        Ok(open)
    }

    /// Returns the tasks of a kind that are closed, in the order in which they were opened.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn closed_tasks(&self, kind: &str) -> Result<Vec<Task>>;

    /// Returns the queues in which a task is due that nobody holds, and when to ask again.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn due_queues(&self) -> Result<DueQueues>;

    /// Returns the open tasks of a queue that are due, the one that has been due for longest first.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn due_tasks(&self, queue: &str) -> Result<Vec<OperationId>>;

    /// Starts to listen for tasks that others make due at once: that they open, or release with
    /// something to do already. `None` if the ledger cannot tell, so that asking every now and then
    /// is all there is.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be reached.
    async fn listen(&self) -> Result<Option<Box<dyn TaskListener>>> {
        Ok(None)
    }

    /// Claims a task, due or not: holds its queue for as long as `lease`, counts a start, and
    /// returns an epoch that is higher than all before. `None` if the task is not known or is
    /// closed, or a claim of any task of the queue has not run out. A claim of no duration runs out
    /// at once.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be written. If the [fate](tokenfleet_core::Fate) of that is
    /// unknown, the queue may be held for the lease.
    async fn claim_task(&self, id: OperationId, lease: Duration) -> Result<Option<TaskClaim>>;

    /// Extends a claim, which never becomes shorter, and returns `true` if nobody else can claim
    /// the queue for at least `by`. Returns `false` if the claim was released or the queue was
    /// claimed since. One that has run out is extended as well if nobody has claimed the queue.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be written.
    async fn extend_claim(&self, id: OperationId, epoch: u64, by: Duration) -> Result<bool>;

    /// Releases a claim: gives the queue back, sets the starts to 0, and sets when there is
    /// something to do again. Changes nothing if the claim was released before or the queue was
    /// claimed since. A task that is closed stays so, and is never due.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be written.
    async fn release_claim(
        &self,
        id: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()>;

    /// Records how far a task is, sets the starts to 0, and closes the task if `closes`. Returns
    /// `false`, and changes nothing, if the claim was released, the queue was claimed since, or the
    /// task is closed. The queue stays claimed.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the state is not JSON. Fails if the ledger cannot be written.
    async fn record_task(
        &self,
        id: OperationId,
        epoch: u64,
        state: &str,
        closes: bool,
    ) -> Result<bool>;

    /// Raises the epoch of the ledger, so that the next claim has a higher one than `at_least`. It
    /// is never lowered.
    ///
    /// A ledger that was restored from a backup gives out epochs again that are elsewhere already,
    /// where they keep workers from what a later one has done. Whoever calls it has made sure that
    /// nobody uses the ledger that gave them out.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is more than 2^53, which no ledger has given out. Fails if the ledger
    /// cannot be written.
    async fn raise_epoch(&self, at_least: u64) -> Result<()>;
}

/// Returns an id for a new ledger.
pub(crate) fn new_ledger_id() -> String {
    let mut id = OperationId::random().to_string();
    id.truncate(16);
    id
}
