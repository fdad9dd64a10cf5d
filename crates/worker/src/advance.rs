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
}
