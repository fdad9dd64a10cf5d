//! Tasks: pieces of work that go on for hours or days.

use tokenfleet_core::Timestamp;
use tokenfleet_core::journal::OperationId;

/// A piece of work that goes on for hours or days, such as the rotation of a token.
///
/// It is open until whoever carries it on closes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// The id of the operation. The writes of the task bear it as well.
    pub id: OperationId,
    /// The kind, such as `rotation`. Whoever opened it knows what `state` means.
    pub kind: String,
    /// The name of its queue, usually that of the account. The tasks of one queue are carried on by
    /// one worker at a time.
    pub queue: String,
    /// The subject. Two tasks of one kind and one subject are never open at a time.
    pub subject: String,
    /// The progress of the task, in JSON, without secrets. The ledger does not look into it.
    pub state: String,
    /// The time at which it was opened, by the clock of the database.
    pub opened_at: Timestamp,
    /// The time from which there is something to do, or `None` if it is closed or waits for a
    /// person.
    pub due: Option<Timestamp>,
    /// The time at which it was closed, by the clock of the database, or `None` while it is open.
    pub closed_at: Option<Timestamp>,
    /// The number of claims since it last made progress or was released. One that grows counts
    /// workers that were lost.
    pub starts: u32,
    /// The time until which a worker has claimed it, by the clock of the database, or `None` if it
    /// was released or never claimed. A time in the past is that of a worker that was lost.
    pub claimed_until: Option<Timestamp>,
}

impl Task {
    /// Creates an open task that nobody has claimed, for a ledger of your own.
    #[must_use]
    pub fn new(task: &NewTask, opened_at: Timestamp) -> Self {
        Self {
            id: task.id,
            kind: task.kind.clone(),
            queue: task.queue.clone(),
            subject: task.subject.clone(),
            state: task.state.clone(),
            opened_at,
            due: task.due,
            closed_at: None,
            starts: 0,
            claimed_until: None,
        }
    }

    /// Returns `true` until the task is closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}

/// A task that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewTask {
    /// The id of the operation.
    pub id: OperationId,
    /// The kind.
    pub kind: String,
    /// The name of its queue.
    pub queue: String,
    /// The subject.
    pub subject: String,
    /// The progress of the task, in JSON, without secrets.
    pub state: String,
    /// The time from which there is something to do, or `None` if it waits for a person.
    pub due: Option<Timestamp>,
}

impl NewTask {
    /// Creates a task that waits for a person. Kind, queue and subject have up to 1,024 bytes, with
    /// control characters and backslashes escaped.
    #[must_use]
    pub fn new(
        id: OperationId,
        kind: impl Into<String>,
        queue: impl Into<String>,
        subject: impl Into<String>,
        state: impl Into<String>,
    ) -> Self {
        Self {
            id,
            kind: kind.into(),
            queue: queue.into(),
            subject: subject.into(),
            state: state.into(),
            due: None,
        }
    }

    /// Sets the time from which there is something to do.
    #[must_use]
    pub fn with_due(mut self, due: Timestamp) -> Self {
        self.due = Some(due);
        self
    }
}

/// The right to carry a task on, until the claim runs out and somebody else claims its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskClaim {
    /// The task as it was claimed, this start included.
    pub task: Task,
    /// The epoch of the claim, which is higher than that of every claim before, of whatever queue.
    pub epoch: u64,
}

impl TaskClaim {
    /// Creates a claim, for a ledger of your own.
    #[must_use]
    pub fn new(task: Task, epoch: u64) -> Self {
        Self { task, epoch }
    }
}
