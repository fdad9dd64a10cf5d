//! The laws that every ledger keeps, for the tests of a ledger of your own.
//!
//! [`ALL`] holds those with a name, [`check_random_histories`] those of any sequence of snapshots,
//! [`check_random_writes`] those of any sequence of writes, and [`check_random_tasks`] those of
//! tasks that two workers carry on. Each check is given an empty ledger.
//!
//! ```
//! use tokenfleet_ledger::{MemoryLedger, laws};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! for (name, law) in laws::ALL {
//!     let kept = runtime.block_on(law(&MemoryLedger::new()));
//!     kept.map_err(|violation| format!("{name}: {violation}"))?;
//! }
//! laws::check_random_histories(16, |history| {
//!     runtime.block_on(history.check(&MemoryLedger::new()))
//! })?;
//! laws::check_random_writes(16, |history| {
//!     runtime.block_on(history.check(&MemoryLedger::new()))
//! })?;
//! laws::check_random_tasks(16, |history| {
//!     runtime.block_on(history.check(&MemoryLedger::new()))
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claims;
mod history;
mod named;
mod observe;
mod pruning;
mod queues;
mod random;
mod task_history;
mod tasks;
mod writes;

pub use history::{History, check_random_histories};
pub use named::{ALL, Law, LawFuture};
pub use task_history::{TaskHistory, check_random_tasks};
pub use writes::{WriteHistory, check_random_writes};
