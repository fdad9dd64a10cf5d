//! A connection to Postgres, driven by a task of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::{Result, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

use super::failure::{Failure, describe, uncertain};
use super::server::Server;
use crate::sql::connection::{Access, Connection};
use crate::sql::statements::STAGE;
use crate::sql::value::{Row, Value, unreadable};

/// Keeps migrations of several processes apart: a number of our own, 'tkfl'. A role that may not
/// create schemas may migrate one that is there.
const BEGIN_MIGRATION: &str = "
begin;
select pg_advisory_xact_lock(1953195628);
do $$ begin
    if to_regnamespace('tokenfleet') is null then create schema tokenfleet; end if;
end $$;
";

/// Keeps migrations away until the write ends, and no other write. Its statements follow one
/// another at once: a process that was stopped between two of them keeps others from their writes
/// for a few seconds at most, which is less than a claim lasts.
const BEGIN_WRITE: &str = "
begin;
set local idle_in_transaction_session_timeout = '5s';
select pg_advisory_xact_lock_shared(1953195628);
";

/// Not the time at which the transaction began, which may have waited for a lock since.
const NOW: &str = "select cast(floor(extract(epoch from clock_timestamp()) * 1000) as bigint)";

/// Without a payload: whoever may connect to the database may listen.
const ANNOUNCE: &str = "
select pg_notify('tokenfleet_due', '')
where $1 <= cast(floor(extract(epoch from clock_timestamp()) * 1000) as bigint)";

/// Without a limit of the server's: one that interrupts the wait for a standby would acknowledge a
/// commit that the standby does not have.
const COMMIT: &str = "set local statement_timeout = 0; commit";

/// Without waiting for the disk or for a standby.
const DROP_STAGED: &str = "begin; set local synchronous_commit = off; drop table staged; commit";

/// The connections of a ledger to a server at a time: many work at once, and a server has a hundred
/// for all processes.
const MAX_CONNECTIONS: usize = 8;

/// The time after which a call that found no free place gets a connection all the same: whoever
/// waits for it may hold the other ones.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A session of the server, with what it knows from one call to the next.
#[derive(Debug)]
struct Session {
    client: Client,
    /// The statements that the server has read already. It reads one again by itself if the schema
    /// changes.
    prepared: Mutex<HashMap<&'static str, Statement>>,
    /// Is `true` once the ledger was seen: nobody removes one that is used.
    has_schema: AtomicBool,
}

impl Session {
    fn new(client: Client) -> Self {
        Self {
            client,
            prepared: Mutex::default(),
            has_schema: AtomicBool::new(false),
        }
    }

    fn prepared(&self, statement: &'static str) -> Option<Statement> {
        let prepared = self.prepared.lock();
        let prepared = prepared.unwrap_or_else(PoisonError::into_inner);
        prepared.get(statement).cloned()
    }

    fn keep(&self, text: &'static str, statement: Statement) {
        let prepared = self.prepared.lock();
        let mut prepared = prepared.unwrap_or_else(PoisonError::into_inner);
        prepared.insert(text, statement);
    }
}

/// The places for connections, and those that nobody uses at the moment, for the next calls.
#[derive(Debug, Clone)]
pub(super) struct Idle {
    kept: Arc<Mutex<Vec<Arc<Session>>>>,
    places: Arc<Semaphore>,
}

impl Default for Idle {
    fn default() -> Self {
        Self {
            kept: Arc::default(),
            places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        }
    }
}

impl Idle {
    /// Waits for a free place, but not for ever.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.places).acquire_owned();
        timeout(LONGEST_WAIT, place).await.ok()?.ok()
    }

    fn take(&self) -> Option<Arc<Session>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let session = kept.pop()?;
            if !session.client.is_closed() {
                return Some(session);
            }
        }
    }

    fn keep(&self, session: &Arc<Session>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_CONNECTIONS {
            kept.push(Arc::clone(session));
        }
    }
}

/// A connection to a server. Dropped, it is kept for the next call, unless a transaction is open, a
/// temporary table exists or the last statement was not answered: then it is closed, and the server
/// rolls back.
#[derive(Debug)]
pub(super) struct PostgresConnection {
    session: Arc<Session>,
    idle: Idle,
    /// The place that it takes until it is dropped.
    place: Option<OwnedSemaphorePermit>,
    patience: Duration,
    staging: Option<Statement>,
    is_in_transaction: bool,
    has_tables: bool,
    is_answered: bool,
}

impl PostgresConnection {
    /// Makes a connection.
    pub(super) async fn open(
        server: &Server,
        idle: &Idle,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Self> {
        let session = Arc::new(Session::new(server.connect().await?));
        Ok(Self::new(session, server, idle, place))
    }

    /// Returns a connection that was kept, if there is one, and takes the place.
    pub(super) fn resume(
        server: &Server,
        idle: &Idle,
        place: &mut Option<OwnedSemaphorePermit>,
    ) -> Option<Self> {
        let session = idle.take()?;
        Some(Self::new(session, server, idle, place.take()))
    }

    /// Closes the connection, which was lost, and returns its place.
    pub(super) fn give_up(mut self) -> Option<OwnedSemaphorePermit> {
        self.is_answered = false;
        self.place.take()
    }

    fn new(
        session: Arc<Session>,
        server: &Server,
        idle: &Idle,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            session,
            idle: idle.clone(),
            place,
            patience: server.patience(),
            staging: None,
            is_in_transaction: false,
            has_tables: false,
            is_answered: true,
        }
    }

    /// Waits for the answer to a statement, but not for ever.
    async fn answer<T>(
        &mut self,
        statement: impl AsyncFnOnce(&Client) -> std::result::Result<T, Error>,
    ) -> std::result::Result<T, Failure> {
        self.is_answered = false;
        let answer = timeout(self.patience, statement(&self.session.client)).await;
        let answer = answer.map_err(|_| Failure::Late)?.map_err(Failure::from)?;
        self.is_answered = true;
        Ok(answer)
    }

    /// Returns a statement that the server has read, now or for an earlier call.
    async fn prepare(&mut self, text: &'static str) -> std::result::Result<Statement, Failure> {
        if let Some(statement) = self.session.prepared(text) {
            return Ok(statement);
        }
        let statement = self.answer(async |client| client.prepare(text).await);
        let statement = statement.await?;
        self.session.keep(text, statement.clone());
        Ok(statement)
    }

    /// Carries out statements without values and without rows.
    async fn carry_out(&mut self, statements: &str) -> std::result::Result<(), Failure> {
        self.answer(async |client| client.batch_execute(statements).await)
            .await
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        if self.is_answered && !self.is_in_transaction && !self.has_tables {
            self.idle.keep(&self.session);
        }
    }
}

/// Converts values into what the library sends.
fn parameters(values: Vec<Value>) -> Vec<Box<dyn ToSql + Send + Sync>> {
    let values = values.into_iter().map(|value| match value {
        // Only numbers are ever absent.
        Value::Null => Box::new(None::<i64>) as Box<dyn ToSql + Send + Sync>,
        Value::Integer(number) => Box::new(number),
        Value::Text(text) => Box::new(text),
    });
    values.collect()
}

/// Returns references to values.
fn borrowed(values: &[Box<dyn ToSql + Send + Sync>]) -> Vec<&(dyn ToSql + Sync)> {
    let values = values.iter().map(|value| &**value as &(dyn ToSql + Sync));
    values.collect()
}

fn read_row(row: &tokio_postgres::Row) -> Result<Row> {
    let columns = row.columns().iter().enumerate();
    let values = columns.map(|(index, column)| {
        if *column.type_() == Type::INT8 {
            row.try_get::<_, Option<i64>>(index).map(Value::from)
        } else {
            row.try_get::<_, Option<String>>(index).map(Value::from)
        }
    });
    let values: std::result::Result<Vec<Value>, _> = values.collect();
    values.map(Row::new).map_err(|_| unreadable())
}

#[async_trait]
impl Connection for PostgresConnection {
    async fn has_schema(&mut self) -> Result<bool> {
        if self.session.has_schema.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let statement = "select to_regclass('tokenfleet.meta') is not null";
        let row = self.answer(async |client| client.query_one(statement, &[]).await);
        let row = row.await.map_err(describe)?;
        let has_schema = row.try_get(0).map_err(|_| unreadable())?;
        self.session.has_schema.store(has_schema, Ordering::Relaxed);
        Ok(has_schema)
    }

    async fn begin(&mut self, access: Access) -> Result<()> {
        let statements = match access {
            Access::Read => "begin isolation level repeatable read read only",
            Access::Write => BEGIN_WRITE,
            Access::Migrate => BEGIN_MIGRATION,
        };
        self.is_in_transaction = true;
        self.carry_out(statements).await.map_err(describe)
    }

    async fn commit(&mut self) -> Result<()> {
        self.carry_out(COMMIT).await.map_err(uncertain)?;
        self.is_in_transaction = false;
        Ok(())
    }

    async fn define(&mut self, statements: &str) -> Result<()> {
        let statements = statements
            .replace(
                "SERIAL_KEY",
                "bigint generated always as identity primary key",
            )
            .replace("BYTE_ORDERED", "text collate \"C\"");
        self.has_tables = true;
        let defined = if self.is_in_transaction {
            self.carry_out(&statements).await
        } else {
            // A temporary table, which need not survive anything or wait for a standby.
            let statements =
                format!("begin; set local synchronous_commit = off; {statements}; commit");
            self.carry_out(&statements).await
        };
        defined.map_err(describe)
    }

    async fn execute(&mut self, statement: &'static str, values: Vec<Value>) -> Result<u64> {
        let values = parameters(values);
        let values = borrowed(&values);
        let statement = self.prepare(statement).await.map_err(describe)?;
        let count = self.answer(async |client| client.execute(&statement, &values).await);
        count.await.map_err(describe)
    }

    async fn query(&mut self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        let values = parameters(values);
        let values = borrowed(&values);
        let statement = self.prepare(statement).await.map_err(describe)?;
        let rows = self.answer(async |client| client.query(&statement, &values).await);
        let rows = rows.await.map_err(describe)?;
        rows.iter().map(read_row).collect()
    }

    async fn announce(&mut self, due: Timestamp) -> Result<()> {
        let announced = self.execute(ANNOUNCE, vec![due.into()]);
        announced.await.map(drop)
    }

    async fn now(&mut self) -> Result<Timestamp> {
        let rows = self.query(NOW, Vec::new()).await?;
        let mut row = rows.into_iter().next().ok_or_else(unreadable)?;
        row.time()
    }

    async fn stage(&mut self, account: i64, tokens: Vec<(String, String)>) -> Result<()> {
        let statement = match &self.staging {
            Some(statement) => statement.clone(),
            None => {
                let tables = "(select unnest($1::text[]) as id, unnest($2::text[]) as record)";
                let text = STAGE.replace("TOKENS", tables).replace("ACCOUNT", "$3");
                let prepared = self.answer(async |client| client.prepare(&text).await);
                let prepared = prepared.await.map_err(describe)?;
                self.staging.insert(prepared).clone()
            }
        };
        let (ids, records): (Vec<String>, Vec<String>) = tokens.into_iter().unzip();
        let values: [&(dyn ToSql + Sync); 3] = [&ids, &records, &account];
        let staged = self.answer(async |client| client.execute(&statement, &values).await);
        staged.await.map(drop).map_err(describe)
    }

    async fn damage(&mut self) -> Result<Vec<String>> {
        // Postgres checks each page that it reads, and the checks that follow read all.
        Ok(Vec::new())
    }

    /// Gives the connection back for the next call, without the temporary table. If that fails,
    /// it is closed with it.
    async fn close(mut self: Box<Self>) {
        if !self.is_in_transaction && self.has_tables && self.carry_out(DROP_STAGED).await.is_ok() {
            self.has_tables = false;
        }
    }
}
