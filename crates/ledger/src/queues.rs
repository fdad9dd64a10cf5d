//! Queues: in which of them there is something to do.

use std::fmt;

use async_trait::async_trait;
use tokenfleet_core::{Result, Timestamp};

use crate::lease::keeps_others_away;

/// The queues of a ledger in which there is something to do, at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DueQueues {
    /// The time, by the clock of the database.
    pub at: Timestamp,
    /// The queues in which a task is due and which nobody holds. The one whose task has been due
    /// for longest is the first.
    pub queues: Vec<DueQueue>,
    /// The next time at which there is another one, unless somebody makes a task due: a task is due
    /// then, or a claim has run out. `None` if nothing is left that is due by itself.
    pub next: Option<Timestamp>,
}

/// A queue in which there is something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DueQueue {
    /// The name.
    pub name: String,
    /// The time from which there is something to do.
    pub due: Timestamp,
}

/// A queue with open tasks that are due at some time.
#[derive(Debug)]
pub(crate) struct QueueStatus {
    pub(crate) name: String,
    /// The earliest time at which one of its tasks is due.
    pub(crate) due: Timestamp,
    /// The end of its last claim, unless that was released.
    pub(crate) claimed_until: Option<Timestamp>,
}

impl DueQueues {
    /// Creates an answer without any queue, for a ledger of your own.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            queues: Vec::new(),
            next: None,
        }
    }

    /// Judges queues by a time.
    pub(crate) fn among(at: Timestamp, queues: impl IntoIterator<Item = QueueStatus>) -> Self {
        let mut found = Self::new(at);
        for queue in queues {
            if queue.due <= at && !keeps_others_away(queue.claimed_until, at) {
                found.queues.push(DueQueue::new(queue.name, queue.due));
                continue;
            }
            let free = queue.claimed_until.unwrap_or(queue.due);
            let next = queue.due.max(free);
            found.next = Some(found.next.map_or(next, |earliest| earliest.min(next)));
        }
        found.queues.sort_by_key(|queue| queue.due);
        found
    }
}

impl DueQueue {
    /// Creates a queue, for a ledger of your own.
    #[must_use]
    pub fn new(name: impl Into<String>, due: Timestamp) -> Self {
        Self {
            name: name.into(),
            due,
        }
    }
}

/// The hearing of tasks that others make due at once.
///
/// It only spares a wait: what it misses is found by [`due_queues`](crate::Tasks::due_queues).
#[async_trait]
pub trait TaskListener: fmt::Debug + Send {
    /// Returns when a task has become due since the last call.
    ///
    /// # Errors
    ///
    /// Fails if nothing can be heard any more. Listen anew after a while.
    async fn heard(&mut self) -> Result<()>;
}
