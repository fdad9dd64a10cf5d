//! The memory of tokenfleet: snapshots of accounts, and the history of their tokens.
//!
//! A [`Ledger`] answers what an account held at a time, what appeared, vanished or changed between
//! two times, and what became of one token. It keeps a version of a token per *change*, so that an
//! unchanged snapshot costs a row. There are three:
//!
//! | ledger | for | feature |
//! | --- | --- | --- |
//! | [`MemoryLedger`] | the tests of applications | |
//! | `SqliteLedger` | one machine: a file | `sqlite`, on by default |
//! | `PostgresLedger` | several machines | `postgres` |
//!
//! The module `laws` (feature `laws`) holds what all of them keep, for a ledger of your own.
//!
//! ```
//! use tokenfleet_core::{Account, Completeness, Timestamp, Token, TokenId, TokenState};
//! use tokenfleet_ledger::{Ledger, MemoryLedger, PageRequest, Source, Verdict};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let ledger = MemoryLedger::new();
//! // The owner is what `identify` of the provider says, where it is known.
//! let source = Source::from(Account::new("losant", "iot"));
//! let mut recorder = ledger.begin(&source, Timestamp::now()).await?;
//! // Each page of a listing, as it arrives:
//! let token = Token::new(TokenId::new("1"), TokenState::Active);
//! recorder.record(&[token]).await?;
//! let snapshot = recorder.close(Verdict::Listed(Completeness::Complete)).await?;
//!
//! let state = ledger.state(&source, snapshot.at, &PageRequest::default()).await?;
//! assert_eq!(state.items.len(), 1);
//! # Ok::<(), tokenfleet_core::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What absence means
//!
//! A token that was not seen is gone only if the listing was
//! [`Complete`](tokenfleet_core::Completeness::Complete). Any other snapshot adds what it saw and
//! ends nothing. It is gone only from the history of the same [`Source`]: a listing of one owner
//! ends no token of another. An account that cannot be listed has snapshots and no state: asking
//! for its tokens is an error, never an empty list.
//!
//! # Writes
//!
//! A ledger is a [`Journal`](tokenfleet_core::journal::Journal): a write is recorded before it is
//! sent, and again when its outcome is known. What a killed process began is therefore open, with
//! the marker of its creation and the time at which a lost token is dead.
//!
//! ```
//! use std::sync::Arc;
//!
//! use tokenfleet_core::journal::{Journaled, Run};
//! use tokenfleet_core::{CreateToken, TokenProvider};
//! use tokenfleet_ledger::{Ledger, MemoryLedger};
//! # use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let provider = Arc::new(MemoryProvider::new(MemoryProfile::deleting()));
//! let ledger = Arc::new(MemoryLedger::new());
//! let run = Run::new().with_reason("the quarterly rotation");
//! let provider = Journaled::new(provider, ledger.clone(), run);
//! let issued = provider.create(CreateToken::new("ci")).await?;
//!
//! let writes = ledger.writes_to(provider.account(), &[issued.token.id]).await?;
//! assert_eq!(writes.len(), 1);
//! assert!(ledger.open_operations().await?.is_empty());
//! # Ok::<(), tokenfleet_core::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Tasks
//!
//! A [`Task`] is work that goes on for longer than a process, such as a rotation: how far it is,
//! and when there is something to do. The [`Tasks`] of one queue have one worker at a time, which
//! claims them for a while. If it is lost, another one goes on, and the first can record nothing
//! any more.
//!
//! ```
//! use std::time::Duration;
//!
//! use tokenfleet_core::Timestamp;
//! use tokenfleet_core::journal::OperationId;
//! use tokenfleet_ledger::{MemoryLedger, NewTask, Tasks};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let ledger = MemoryLedger::new();
//! let id = OperationId::random();
//! let task = NewTask::new(id, "rotation", "iot", "token 1", r#"{"state":"issuing"}"#);
//! ledger.open_task(&task.with_due(Timestamp::now())).await?;
//!
//! let lease = Duration::from_secs(60);
//! if let Some(claim) = ledger.claim_task(id, lease).await? {
//!     assert!(ledger.claim_task(id, lease).await?.is_none());
//!     // Before each thing that is done about it:
//!     if ledger.extend_claim(id, claim.epoch, lease).await? {
//!         let state = r#"{"state":"done"}"#;
//!         ledger.record_task(id, claim.epoch, state, true).await?;
//!     }
//!     ledger.release_claim(id, claim.epoch, None).await?;
//! }
//! assert!(ledger.open_tasks().await?.is_empty());
//! # Ok::<(), tokenfleet_core::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a ledger holds
//!
//! Records of tokens, of writes and of tasks, without secrets: a
//! [`Token`](tokenfleet_core::Token) and an [`Intent`](tokenfleet_core::journal::Intent) have none,
//! and a [`Secret`](tokenfleet_core::Secret) cannot be serialised. The state of a task is the text
//! of whoever opened it, who keeps secrets out of it. Names and descriptions are the text of
//! others, and are never part of a statement.

mod bounds;
mod change;
mod lease;
mod ledger;
mod memory;
mod page;
mod queues;
mod snapshot;
mod source;
mod task;
mod tasks;
mod times;
mod write;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;

#[cfg(feature = "laws")]
pub mod laws;

pub use change::{Change, Span, Version};
pub use ledger::{Ledger, SnapshotRecorder};
pub use memory::MemoryLedger;
pub use page::{Page, PageRequest};
pub use queues::{DueQueue, DueQueues, TaskListener};
pub use snapshot::{Counts, Pruned, Snapshot, Verdict};
pub use source::{Owner, Source};
#[cfg(feature = "sqlite")]
pub use sql::SqliteLedger;
#[cfg(feature = "postgres")]
pub use sql::{PostgresLedger, PostgresLedgerBuilder};
pub use task::{NewTask, Task, TaskClaim};
pub use tasks::Tasks;
pub use write::{OpenOperation, UnknownToken, Write};

/// Compiles the example of the README.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
