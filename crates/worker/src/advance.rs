//! The trait of what carries a queue on.

use async_trait::async_trait;
use tokenfleet_core::{Error, Result};

/// The carrying on of queues.
#[async_trait]
pub trait Advance: Send + Sync {
    /// Does what can be done now for the tasks of a queue, one after the other, and returns.
    ///
    /// A worker calls it for one queue at a time, but another process may call it for the same
    /// queue at the same moment: claim each task before anything is done, extend the claim, and end
    /// when that is refused. The future is never dropped while the worker runs.
    ///
    /// # Errors
    ///
    /// Fails if the queue could not be carried on, such as when the ledger does not answer. The
    /// worker reports it, and comes back to the queue after a while.
    async fn advance(&self, queue: &str) -> Result<Advanced>;

    /// Reports an error: of a queue that could not be carried on, or of the ledger that could not
    /// be asked what is due.
    fn report(&self, queue: Option<&str>, error: &Error);
}

/// The result of a call for a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advanced {
    /// Something was done.
    Something,
    /// Nothing was done: another worker has the queue, or its tasks are none that this process
    /// knows. The worker comes back to the queue after a while.
    Nothing,
    /// A task failed, whose error was reported already. The other tasks were carried on, so the
    /// worker comes back after a while only if nothing was done.
    Failed {
        /// `true` if something was done.
        is_anything_done: bool,
    },
}

impl Advanced {
    /// Returns the result of this task and another one of the queue.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let is_anything_done = self.is_anything_done() || other.is_anything_done();
        match (self, other) {
            (Self::Failed { .. }, _) | (_, Self::Failed { .. }) => {
                Self::Failed { is_anything_done }
            }
            _ if is_anything_done => Self::Something,
            _ => Self::Nothing,
        }
    }

    /// Returns `true` if something was done, whatever else failed.
    #[must_use]
    pub fn is_anything_done(self) -> bool {
        match self {
            Self::Something => true,
            Self::Nothing => false,
            Self::Failed { is_anything_done } => is_anything_done,
        }
    }
}
