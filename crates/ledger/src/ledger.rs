//! The trait of ledgers.

use std::fmt;
use std::num::NonZeroUsize;

use async_trait::async_trait;
use tokenfleet_core::journal::{Journal, OperationId};
use tokenfleet_core::{Account, Result, Timestamp, Token, TokenId};

use crate::{
    Change, OpenOperation, Page, PageRequest, Pruned, Snapshot, Source, Span, Tasks, UnknownToken,
    Verdict, Version, Write,
};

/// A durable memory of what the accounts held: snapshots, and a version of a token per change; and
/// of the writes to them, of which it is the [`Journal`]; and of the [`Tasks`] that go on for longer
/// than a process.
///
/// Each method is one transaction. A ledger is shared by reference, and several processes may use
/// one at a time.
///
/// Times are kept in milliseconds. Between two snapshots the ledger knows of no change, so the
/// state at any time is the state at the latest snapshot before it.
///
/// A write that was begun is open until its outcome is recorded, or what was found out about it. An
/// open write is never forgotten.
#[async_trait]
pub trait Ledger: Journal + Tasks {
    /// Begins a snapshot of a source that is taken at `at`, which is usually now.
    ///
    /// Nothing is written before [`SnapshotRecorder::close`], and no lock is held until then: a
    /// listing may take minutes. A recorder that is dropped leaves nothing behind.
    ///
    /// # Errors
    ///
    /// `Conflict` if the latest snapshot of the source is not older than `at`, and `InvalidInput`
    /// if `at` lies more than a day in the future.
    async fn begin(&self, source: &Source, at: Timestamp) -> Result<Box<dyn SnapshotRecorder>>;

    /// Returns the sources that have snapshots, by the names of their accounts.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn accounts(&self) -> Result<Vec<Source>>;

    /// Returns the snapshots of a source, the oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn snapshots(&self, source: &Source) -> Result<Vec<Snapshot>>;

    /// Returns the tokens that the account held at a time, in a stable order.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no snapshot at or before that time, and `Unsupported` if the account
    /// could not be listed in any of them: nothing is known, which is not the same as no token.
    async fn state(
        &self,
        source: &Source,
        at: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<Token>>;

    /// Returns the difference between the states at the beginning and at the end of a span, in a
    /// stable order. A token that came and went in between is not a difference.
    ///
    /// # Errors
    ///
    /// The same as those of [`state`](Self::state), for either end.
    async fn diff(&self, source: &Source, span: Span, page: &PageRequest) -> Result<Page<Change>>;

    /// Returns the versions of a token, the oldest first. The list is empty if the ledger does not
    /// know the token.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn history(&self, source: &Source, id: &TokenId) -> Result<Vec<Version>>;

    /// Returns all versions of all tokens, by token, the oldest version of each first. A page holds
    /// all versions of its tokens.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn versions(&self, source: &Source, page: &PageRequest) -> Result<Page<Version>>;

    /// Returns the operations of which a write is open, the oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn open_operations(&self) -> Result<Vec<OpenOperation>>;

    /// Returns the writes of an operation, in the order in which they were begun. The list is empty
    /// if the ledger does not know the operation.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn writes(&self, operation: OperationId) -> Result<Vec<Write>>;

    /// Returns the writes to an account that created, changed or revoked one of these tokens, or
    /// may have, in the order in which they were begun: [`Write::tokens`] says which.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn writes_to(&self, account: &Account, tokens: &[TokenId]) -> Result<Vec<Write>>;

    /// Returns all writes in the order in which they were begun, each with its number: the first
    /// ones after the number 0, and so on after the last number of a page, until a page is empty.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn all_writes(&self, after: u64, limit: NonZeroUsize) -> Result<Vec<(u64, Write)>>;

    /// Returns the tokens that may be alive at a time although no listing shows or rules them out:
    /// those that writes of unknown outcome may have issued, and in the accounts that cannot be
    /// listed all that were issued.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    async fn unknown_tokens(
        &self,
        at: Timestamp,
        unlistable: &[Account],
    ) -> Result<Vec<UnknownToken>>;

    /// Takes the reports on outcomes and resolutions that could not be recorded since the last
    /// call, as sentences for people. Their writes stay open.
    ///
    /// A ledger in a database also writes each of them to the log, as an error.
    fn take_reports(&self) -> Vec<String> {
        Vec::new()
    }

    /// Forgets what was superseded before a time, in all accounts.
    ///
    /// The state at `before` and at any later time stays as it was; at earlier times it is no longer
    /// known. A token that is there is never forgotten, nor is a write that is open, belongs to an
    /// operation or a task that is, or issued a secret that may be alive at `before`. Tasks that
    /// were closed by then are forgotten, and open ones never.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be written; nothing is forgotten then.
    async fn prune(&self, before: Timestamp) -> Result<Pruned>;

    /// Examines the whole ledger and returns what is damaged, as sentences for people.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read at all.
    async fn check(&self) -> Result<Vec<String>>;
}

/// A snapshot that is being taken.
#[async_trait]
pub trait SnapshotRecorder: fmt::Debug + Send {
    /// Adds tokens to the snapshot. Of a token that is added twice, the last record counts.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if an id has more than 1,024 bytes, with control characters escaped. Fails if
    /// there is no room for the tokens. The snapshot cannot be closed then.
    async fn record(&mut self, tokens: &[Token]) -> Result<()>;

    /// Writes the snapshot. Returns once it survives a crash.
    ///
    /// New and changed tokens get a version. A token that is absent has ended only if the verdict
    /// is [`Complete`](tokenfleet_core::Completeness::Complete).
    ///
    /// # Errors
    ///
    /// `Conflict` if another snapshot of the source was written since this one was begun, because
    /// the two may have seen the account in different orders. Nothing is written then.
    async fn close(self: Box<Self>, verdict: Verdict) -> Result<Snapshot>;
}
