//! Carries on what is due in a ledger, with any number of processes.
//!
//! A [`Worker`] finds the queues in which a task is due and that nobody holds, and hands each to an
//! [`Advance`], which claims the tasks of the queue and does what can be done now. Any number of
//! workers may share a ledger: the claims of its [`Tasks`](tokenfleet_ledger::Tasks) decide who has
//! a queue, so that none of them leads, and the queue of one that was lost goes on as soon as its
//! claim has run out.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use async_trait::async_trait;
//! use tokenfleet_core::journal::OperationId;
//! use tokenfleet_core::{Error, Result, Timestamp};
//! use tokenfleet_ledger::{MemoryLedger, NewTask, Tasks};
//! use tokenfleet_worker::{Advance, Advanced, Worker};
//!
//! /// Closes each task.
//! struct Close(Arc<dyn Tasks>);
//!
//! #[async_trait]
//! impl Advance for Close {
//!     async fn advance(&self, queue: &str) -> Result<Advanced> {
//!         let mut open = self.0.open_tasks().await?;
//!         open.retain(|task| task.queue == queue);
//!         for task in open {
//!             let Some(claim) = self.0.claim_task(task.id, Duration::from_secs(60)).await? else {
//!                 return Ok(Advanced::Nothing);
//!             };
//!             self.0.record_task(task.id, claim.epoch, "{}", true).await?;
//!             self.0.release_claim(task.id, claim.epoch, None).await?;
//!         }
//!         Ok(Advanced::Something)
//!     }
//!
//!     fn report(&self, queue: Option<&str>, error: &Error) {
//!         eprintln!("{}: {error}", queue.unwrap_or("ledger"));
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let ledger: Arc<dyn Tasks> = Arc::new(MemoryLedger::new());
//! let task = NewTask::new(OperationId::random(), "rotation", "iot", "token 1", "{}");
//! ledger.open_task(&task.with_due(Timestamp::now())).await?;
//!
//! let worker = Worker::new(Arc::clone(&ledger));
//! let stop = tokio::time::sleep(Duration::from_millis(200));
//! worker.run(&Close(Arc::clone(&ledger)), stop).await;
//! assert!(ledger.open_tasks().await?.is_empty());
//! # Ok::<(), Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advance;
#[cfg(feature = "health")]
mod health;
mod rest;
mod status;
mod worker;

pub use advance::{Advance, Advanced};
#[cfg(feature = "health")]
pub use health::HealthServer;
pub use status::WorkerStatus;
pub use worker::Worker;
