//! A connection to SQLite.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection as Handle, ToSql, params_from_iter};
use tokenfleet_core::{Result, Timestamp};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::failure::{describe, is_busy, no_log, uncertain};
use super::file::{APPLICATION, LONGEST_PATIENCE, OpenFile};
use super::idle::Idle;
use crate::sql::connection::{Access, Connection};
use crate::sql::statements::STAGE;
use crate::sql::value::{Row, Value, unreadable};
use crate::times::truncated;

/// The time that is left to a writer which has waited for its turn, unless its patience is shorter.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);

/// The time between two attempts to write ahead.
const PAUSE: Duration = Duration::from_millis(5);

/// The turn of a writer: those of a process come one after another, the first one first. Many that
/// SQLite lets wait look every few milliseconds whether they are next, and any of them may be.
pub(super) type Turns = Arc<Mutex<()>>;

/// A connection to a file. Dropped, the file is kept open for the next call, unless a transaction
/// is open, a temporary table exists or the last piece of work was not waited for: then it is
/// closed, and SQLite rolls back.
#[derive(Debug)]
pub(super) struct SqliteConnection {
    file: Arc<OpenFile>,
    idle: Idle,
    patience: Duration,
    turns: Turns,
    /// The turn of a transaction that writes.
    turn: Option<OwnedMutexGuard<()>>,
    is_in_transaction: bool,
    has_tables: bool,
    is_answered: bool,
}

impl SqliteConnection {
    /// Connects to a file that is open.
    pub(super) fn new(file: Arc<OpenFile>, idle: &Idle, patience: Duration, turns: &Turns) -> Self {
        Self {
            file,
            idle: idle.clone(),
            patience,
            turns: Arc::clone(turns),
            turn: None,
            is_in_transaction: false,
            has_tables: false,
            is_answered: true,
        }
    }

    /// Makes readers and a writer go side by side, which changes the file.
    ///
    /// Where several processes do so to a new file, SQLite refuses all but one at once instead of
    /// waiting, because each holds a lock that the others need. The refused ones try again.
    pub(super) async fn write_ahead(&mut self) -> Result<()> {
        let patience = self.patience;
        let mode = self.run(move |handle| {
            let started = Instant::now();
            let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
            loop {
                match handle.pragma_update_and_check(None, "journal_mode", "wal", read) {
                    Err(error) if is_busy(&error) && started.elapsed() < patience => {
                        thread::sleep(PAUSE);
                    }
                    mode => return mode,
                }
            }
        });
        if mode.await? == "wal" {
            return Ok(());
        }
        Err(no_log(self.file.path()))
    }

    /// Begins to write when the other writers of this process have ended, and waits for those of
    /// other processes only for what is left of the patience.
    async fn begin_write(&mut self) -> Result<()> {
        let asked = Instant::now();
        self.turn = Some(Arc::clone(&self.turns).lock_owned().await);
        let left = self.patience.saturating_sub(asked.elapsed());
        let left = left.max(LEAST_PATIENCE.min(self.patience));
        self.run(move |handle| {
            handle.busy_timeout(left.min(LONGEST_PATIENCE))?;
            handle.execute_batch("begin immediate")
        })
        .await
    }

    /// Does a piece of work on the thread.
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Handle) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = self.attempt(work).await?;
        done.map_err(|error| describe(error, self.file.path()))
    }

    /// Does a piece of work on the thread, and returns the failure of SQLite as it is.
    async fn attempt<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Handle) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<rusqlite::Result<T>> {
        self.is_answered = false;
        let done = self.file.attempt(work).await?;
        self.is_answered = true;
        Ok(done)
    }
}

impl Drop for SqliteConnection {
    fn drop(&mut self) {
        if self.is_answered && !self.is_in_transaction && !self.has_tables {
            self.idle.keep(&self.file);
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// Returns a value of a row, or `None` if it is of no type that a ledger holds.
fn value_of(value: ValueRef<'_>) -> Option<Value> {
    match value {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(number) => Some(Value::Integer(number)),
        ValueRef::Text(text) => Some(Value::Text(str::from_utf8(text).ok()?.to_owned())),
        ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

#[async_trait]
impl Connection for SqliteConnection {
    async fn has_schema(&mut self) -> Result<bool> {
        if self.file.has_schema() {
            return Ok(true);
        }
        let statement = "select count(*) > 0 from sqlite_schema where name = 'meta'";
        let has_schema = self.run(|handle| handle.query_one(statement, (), |row| row.get(0)));
        let has_schema = has_schema.await?;
        self.file.remember_schema(has_schema);
        Ok(has_schema)
    }

    async fn begin(&mut self, access: Access) -> Result<()> {
        self.is_in_transaction = true;
        match access {
            Access::Read => self.run(|handle| handle.execute_batch("begin")).await,
            Access::Write => self.begin_write().await,
            Access::Migrate => {
                self.begin_write().await?;
                self.run(|handle| handle.pragma_update(None, "application_id", APPLICATION))
                    .await
            }
        }
    }

    async fn commit(&mut self) -> Result<()> {
        let patience = self.patience.min(LONGEST_PATIENCE);
        let committed = self.attempt(move |handle| {
            handle.execute_batch("commit")?;
            // A writer that had waited for its turn had less, and others go on with this file.
            handle.busy_timeout(patience)
        });
        let committed = committed.await?;
        self.turn = None;
        committed.map_err(|error| uncertain(error, self.file.path()))?;
        self.is_in_transaction = false;
        Ok(())
    }

    async fn define(&mut self, statements: &str) -> Result<()> {
        self.has_tables = true;
        let statements = statements
            .replace("SERIAL_KEY", "integer primary key")
            .replace("BYTE_ORDERED", "text");
        self.run(move |handle| handle.execute_batch(&statements))
            .await
    }

    async fn execute(&mut self, statement: &'static str, values: Vec<Value>) -> Result<u64> {
        self.run(move |handle| {
            let mut statement = handle.prepare(statement)?;
            if statement.column_count() > 0 {
                return Err(rusqlite::Error::ExecuteReturnedResults);
            }
            let count = statement.execute(params_from_iter(values))?;
            Ok(count as u64)
        })
        .await
    }

    async fn query(&mut self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        let rows = self.run(move |handle| {
            let mut statement = handle.prepare(statement)?;
            let columns = statement.column_count();
            let read = |row: &rusqlite::Row<'_>| {
                let values = (0..columns).map(|column| Ok(value_of(row.get_ref(column)?)));
                values.collect::<rusqlite::Result<Option<Vec<Value>>>>()
            };
            let rows = statement.query_map(params_from_iter(values), read)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        });
        let rows = rows.await?.into_iter();
        let rows = rows.map(|values| values.map(Row::new).ok_or_else(unreadable));
        rows.collect()
    }

    async fn announce(&mut self, _due: Timestamp) -> Result<()> {
        Ok(())
    }

    async fn now(&mut self) -> Result<Timestamp> {
        Ok(truncated(Timestamp::now()))
    }

    async fn stage(&mut self, account: i64, tokens: Vec<(String, String)>) -> Result<()> {
        let statement = STAGE
            .replace("TOKENS", "(select $1 as id, $2 as record)")
            .replace("ACCOUNT", "$3");
        self.run(move |handle| {
            // Reads the ledger and writes the temporary table, so it locks nobody out.
            let transaction = handle.transaction()?;
            {
                let mut statement = transaction.prepare(&statement)?;
                for (id, record) in tokens {
                    statement.execute((id, record, account))?;
                }
            }
            transaction.commit()
        })
        .await
    }

    async fn damage(&mut self) -> Result<Vec<String>> {
        let found = self.run(|handle| {
            let mut statement = handle.prepare("pragma integrity_check")?;
            let lines = statement.query_map((), |row| row.get(0))?;
            lines.collect::<rusqlite::Result<Vec<String>>>()
        });
        Ok(found
            .await?
            .into_iter()
            .filter(|line| line != "ok")
            .collect())
    }

    /// Gives the file back for the next call, or closes it if it has a temporary table.
    async fn close(self: Box<Self>) {
        let file = Arc::clone(&self.file);
        drop(self);
        if let Some(file) = Arc::into_inner(file) {
            file.close().await;
        }
    }
}
