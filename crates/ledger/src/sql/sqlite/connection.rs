//! A connection to SQLite, on a thread of its own: it waits for disks and for other processes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection as Handle, OpenFlags, ToSql, params_from_iter};
use tokenfleet_core::{Result, Timestamp};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::access::{check_link, check_private, create_private};
use super::failure::{describe, foreign, gone, is_busy, no_log, uncertain, uncreatable};
use crate::sql::connection::{Access, Connection};
use crate::sql::statements::STAGE;
use crate::sql::value::{Row, Value, unreadable};
use crate::times::truncated;

/// The mark of our files in the header of SQLite: "tkfl".
const APPLICATION: i64 = 0x746b_666c;

/// The settings of each connection. `full` makes a commit survive a loss of power. The caches, of
/// 32 MB each, hold the upper parts of the indexes of a million tokens.
const SETTINGS: &str = "
pragma synchronous = full;
pragma journal_size_limit = 67108864;
pragma temp_store = file;
pragma cache_size = -32768;
pragma temp.cache_size = -32768;
pragma cell_size_check = on;
pragma trusted_schema = off;
pragma foreign_keys = on;
";

/// The longest time that SQLite can wait: the largest number of its milliseconds.
const LONGEST_PATIENCE: Duration = Duration::from_millis(2_147_483_647);

/// The time that is left to a writer which has waited for its turn, unless its patience is shorter.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);

/// The time between two attempts to write ahead.
const PAUSE: Duration = Duration::from_millis(5);

/// The turn of a writer: those of a process come one after another, the first one first. Many that
/// SQLite lets wait look every few milliseconds whether they are next, and any of them may be.
pub(super) type Turns = Arc<Mutex<()>>;

type Job = Box<dyn FnOnce(&mut Handle) + Send>;

/// A connection to a file. The thread ends when this is dropped, after the job that it has.
#[derive(Debug)]
pub(super) struct SqliteConnection {
    jobs: mpsc::Sender<Job>,
    path: PathBuf,
    thread: JoinHandle<()>,
    /// Ends when the file is closed.
    open: oneshot::Receiver<()>,
    patience: Duration,
    turns: Turns,
    /// The turn of a transaction that writes.
    turn: Option<OwnedMutexGuard<()>>,
}

impl SqliteConnection {
    /// Opens a file, which is created if it does not exist.
    pub(super) async fn open(path: &Path, patience: Duration, turns: &Turns) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, is_open) = oneshot::channel();
        let (closed, open) = oneshot::channel();
        let file = path.to_owned();
        let run = move || {
            let mut handle = match open_file(&file, patience) {
                Ok(handle) => handle,
                Err(error) => {
                    let _ = opened.send(Err(error));
                    return;
                }
            };
            let _ = opened.send(Ok(()));
            for job in queue {
                job(&mut handle);
            }
            drop(handle);
            let _ = closed.send(());
        };
        let thread = thread::Builder::new().name("tokenfleet-ledger".to_owned());
        let thread = thread
            .spawn(run)
            .map_err(|error| uncreatable(error, path))?;
        is_open.await.map_err(|_| gone(path))??;
        Ok(Self {
            jobs,
            path: path.to_owned(),
            thread,
            open,
            patience,
            turns: Arc::clone(turns),
            turn: None,
        })
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
        Err(no_log(&self.path))
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
        &self,
        work: impl FnOnce(&mut Handle) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = self.attempt(work).await?;
        done.map_err(|error| describe(error, &self.path))
    }

    /// Does a piece of work on the thread, and returns the failure of SQLite as it is.
    async fn attempt<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Handle) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<rusqlite::Result<T>> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |handle| {
            // Nobody may wait any longer: the next job finds out what to do about it.
            let _ = reply.send(work(handle));
        });
        self.jobs.send(job).map_err(|_| gone(&self.path))?;
        answer.await.map_err(|_| gone(&self.path))
    }
}

/// Opens a file and refuses one of another program, before anything is changed in it.
fn open_file(path: &Path, patience: Duration) -> Result<Handle> {
    check_link(path)?;
    create_private(path).map_err(|error| uncreatable(error, path))?;
    check_private(path)?;
    let failed = |error| describe(error, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let handle = Handle::open_with_flags(path, flags).map_err(failed)?;
    handle
        .busy_timeout(patience.min(LONGEST_PATIENCE))
        .map_err(failed)?;
    // In one statement, because another process may be writing the schema.
    let header =
        "select application_id, (select count(*) from sqlite_schema) from pragma_application_id";
    let (application, entries): (i64, i64) = handle
        .query_one(header, (), |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(failed)?;
    let is_ours = application == APPLICATION || (application == 0 && entries == 0);
    if !is_ours {
        return Err(foreign(path));
    }
    handle.execute_batch(SETTINGS).map_err(failed)?;
    Ok(handle)
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
        let statement = "select count(*) > 0 from sqlite_schema where name = 'meta'";
        self.run(|handle| handle.query_one(statement, (), |row| row.get(0)))
            .await
    }

    async fn begin(&mut self, access: Access) -> Result<()> {
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
        let committed = self.attempt(|handle| handle.execute_batch("commit"));
        let committed = committed.await?;
        self.turn = None;
        committed.map_err(|error| uncertain(error, &self.path))
    }

    async fn define(&mut self, statements: &str) -> Result<()> {
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

    /// The memory of a thread that has ended is used by the next one. That of a thread that has not
    /// would be added to it, with the caches of each connection.
    async fn close(self: Box<Self>) {
        let Self {
            jobs, thread, open, ..
        } = *self;
        drop(jobs);
        let _ = open.await;
        let _ = thread.join();
    }
}
