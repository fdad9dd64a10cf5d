//! The little that a database must do. Everything else is the same for all of them.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::Journal;
use tokenfleet_core::{Result, Timestamp};

use crate::TaskListener;
use crate::sql::reports::Reports;
use crate::sql::value::{Row, Value};

/// A piece of work that goes on if nobody waits for it.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A database that holds a ledger. Clones are the same one.
#[async_trait]
pub(crate) trait Database: Journal + Clone {
    /// Opens a connection whose schema is the one of this version.
    async fn connect(&self) -> Result<Box<dyn Connection>>;

    /// Starts to listen for what other connections announce, if the database can tell.
    async fn listen(&self) -> Result<Option<Box<dyn TaskListener>>>;

    /// Returns how long a writer waits for another one at most.
    fn patience(&self) -> Duration;

    /// Does a piece of work beside the caller.
    fn spawn(&self, work: Work);

    /// Returns the reports on what could not be recorded.
    fn reports(&self) -> &Reports;
}

/// The purpose of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reads of one state.
    Read,
    /// Writes, one writer of an account at a time.
    Write,
    /// Changes of the schema, one at a time.
    Migrate,
}

/// A connection. Dropped within a transaction, it rolls that back.
#[async_trait]
pub(crate) trait Connection: fmt::Debug + Send {
    /// Returns `true` if the database holds a ledger of any version.
    async fn has_schema(&mut self) -> Result<bool>;

    /// Begins a transaction.
    async fn begin(&mut self, access: Access) -> Result<()>;

    /// Commits the transaction. Returns once it survives a crash.
    async fn commit(&mut self) -> Result<()>;

    /// Carries out statements without values, in the words of `schema`.
    async fn define(&mut self, statements: &str) -> Result<()>;

    /// Carries out a statement and returns the number of rows that it changed.
    async fn execute(&mut self, statement: &'static str, values: Vec<Value>) -> Result<u64>;

    /// Carries out a statement and returns its rows.
    async fn query(&mut self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Row>>;

    /// Tells those who listen, when the transaction is committed, that a task is due, unless it is
    /// due later: whoever waits for that knows the time.
    async fn announce(&mut self, due: Timestamp) -> Result<()>;

    /// Returns the time by the clock of the database, in whole milliseconds.
    async fn now(&mut self) -> Result<Timestamp>;

    /// Stages ids with their records, each id once, for a snapshot of an account.
    async fn stage(&mut self, account: i64, tokens: Vec<(String, String)>) -> Result<()>;

    /// Returns the damage that the database finds in itself.
    async fn damage(&mut self) -> Result<Vec<String>>;

    /// Closes the connection, and returns once it has given back what it held.
    async fn close(self: Box<Self>);
}
