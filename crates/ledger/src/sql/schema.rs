//! The schema, and its migrations.

use tokenfleet_core::{Error, ErrorKind, Fate, Result};

use crate::sql::connection::{Access, Connection};
use crate::sql::statements::{ADD_LEDGER_ID, READ_VERSION, WRITE_VERSION};
use crate::sql::value::{Value, unreadable};
use crate::tasks::new_ledger_id;

/// The migrations, the oldest first. The version of a schema is the number of those that it has.
///
/// `SERIAL_KEY` and `BYTE_ORDERED` stand for the words of the database. A published migration is
/// never changed.
const MIGRATIONS: [&str; 2] = [
    "
create table meta (
    key text not null primary key,
    value text not null
);

create table account (
    id SERIAL_KEY,
    provider BYTE_ORDERED not null,
    name BYTE_ORDERED not null,
    -- Empty if the adapter names no place.
    place BYTE_ORDERED not null,
    -- The kind and id of the owner as JSON, or empty if it is not known.
    owner BYTE_ORDERED not null,
    unique (name, provider, place, owner)
);

-- Times are milliseconds since 1970. The numbers are null if the account cannot be listed.
create table snapshot (
    account bigint not null references account (id),
    at bigint not null,
    verdict text not null,
    seen bigint,
    appeared bigint,
    vanished bigint,
    changed bigint,
    primary key (account, at)
);

-- A row per change. The record is the token as JSON.
create table token (
    account bigint not null references account (id),
    id BYTE_ORDERED not null,
    valid_from bigint not null,
    valid_to bigint,
    record text not null,
    primary key (account, id, valid_from)
);

create unique index token_held on token (account, id) where valid_to is null;
create index token_from on token (account, valid_from, id);
create index token_to on token (account, valid_to, id) where valid_to is not null;

-- A row per write, numbered as they were begun. Intent, outcome and resolution are JSON; the latter
-- two are empty until they are recorded. The rest says the same, for the indexes.
create table write (
    number SERIAL_KEY,
    id BYTE_ORDERED not null unique,
    operation BYTE_ORDERED not null,
    heard_at bigint not null,
    -- 1 until it is known what became of it.
    is_open bigint not null,
    -- 1 if it issued a secret or may have, which is not known to be dead.
    issues bigint not null,
    -- The time at which that is dead, if it is known.
    dead_by bigint,
    intent text not null,
    outcome text not null,
    resolution text not null
);

create index write_operation on write (operation);
create index write_open on write (operation) where is_open = 1;
create index write_issued on write (number) where issues = 1;

-- The tokens that a write created, changed or revoked, or may have.
create table touched (
    token BYTE_ORDERED not null,
    write bigint not null references write (number),
    primary key (token, write)
);

create index touched_write on touched (write);
",
    "
-- A row per task, numbered as they were opened. The id is that of the operation of its writes; the
-- state is JSON. It is due at no time while it waits for a person.
create table task (
    number SERIAL_KEY,
    id BYTE_ORDERED not null unique,
    kind BYTE_ORDERED not null,
    queue BYTE_ORDERED not null,
    subject BYTE_ORDERED not null,
    state text not null,
    opened_at bigint not null,
    due bigint,
    closed_at bigint,
    -- The claims since it last made progress or was released.
    starts bigint not null
);

create unique index task_open on task (kind, subject) where closed_at is null;
create index task_closed on task (closed_at) where closed_at is not null;

-- The last claim of each queue, which has ended if it has no end any more.
create table queue (
    name BYTE_ORDERED not null primary key,
    epoch bigint not null,
    task BYTE_ORDERED not null,
    claimed_until bigint
);

create index queue_task on queue (task);

-- The epoch of the latest claim of all queues, in one row.
create table epoch (
    latest bigint not null
);

insert into epoch (latest) values (0);
",
];

/// The table of a snapshot that is being taken, which only its connection sees.
///
/// A record that is held already is null.
pub(crate) const STAGED: &str = "
create temporary table staged (
    id BYTE_ORDERED not null primary key,
    record text,
    is_held bigint not null
)";

/// Brings the schema up to this version. A newer one is refused, because this version does not know
/// what its rows mean.
pub(crate) async fn migrate(connection: &mut dyn Connection) -> Result<()> {
    if pending(connection).await?.is_empty() {
        return Ok(());
    }
    let is_new = !connection.has_schema().await?;
    bring_up(connection)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied if !is_new => error
                .with_message_prefix("the ledger has an older schema, which has to be brought up")
                .with_advice(
                    "open it once as the role that owns it, then run postgres-roles.sql again",
                ),
            _ => error,
        })
}

/// Carries out the migrations that the schema lacks.
async fn bring_up(connection: &mut dyn Connection) -> Result<()> {
    connection.begin(Access::Migrate).await?;
    // Another process may have been faster.
    for migration in pending(connection).await? {
        connection.define(migration).await?;
    }
    let version = Value::Text(MIGRATIONS.len().to_string());
    connection.execute(WRITE_VERSION, vec![version]).await?;
    let id = Value::Text(new_ledger_id());
    connection.execute(ADD_LEDGER_ID, vec![id]).await?;
    // Nothing of the caller's is in it, and whoever opens the ledger again finds one or the other.
    let committed = connection.commit().await;
    committed.map_err(|error| error.with_fate(Fate::NotSent))
}

/// Fails if the schema is newer than this version. Nothing is changed.
#[cfg(feature = "sqlite")]
pub(crate) async fn accept(connection: &mut dyn Connection) -> Result<()> {
    pending(connection).await.map(drop)
}

/// Begins a write, unless the schema has changed since the connection was made. No migration runs
/// until the write ends.
pub(crate) async fn begin_write(connection: &mut dyn Connection) -> Result<()> {
    connection.begin(Access::Write).await?;
    if pending(connection).await?.is_empty() {
        return Ok(());
    }
    Err(
        Error::configuration("the schema of the ledger was changed while it was used")
            .with_advice("try again; nothing of this was written"),
    )
}

/// Returns the migrations that the schema lacks.
async fn pending(connection: &mut dyn Connection) -> Result<&'static [&'static str]> {
    if !connection.has_schema().await? {
        return Ok(&MIGRATIONS);
    }
    let rows = connection.query(READ_VERSION, Vec::new()).await?;
    let mut row = rows.into_iter().next().ok_or_else(unreadable)?;
    let version: usize = row.text()?.parse().map_err(|_| unreadable())?;
    MIGRATIONS.get(version..).ok_or_else(|| {
        let newest = MIGRATIONS.len();
        Error::configuration(format!(
            "the ledger has schema {version}, and this version knows schemas up to {newest}"
        ))
        .with_advice("use a newer version of tokenfleet, at least the one that wrote the ledger")
    })
}
