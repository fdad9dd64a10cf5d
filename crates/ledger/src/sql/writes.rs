//! The writes of a ledger in a database.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokenfleet_core::journal::{Intent, OperationId, Outcome, Resolution};
use tokenfleet_core::{Account, Error, ErrorKind, Fate, Result, Timestamp, TokenId};
use tokio::sync::oneshot;

use crate::bounds::is_too_long;
use crate::sql::connection::{Connection, Database, Work};
use crate::sql::schema::begin_write;
use crate::sql::source::first_row;
use crate::sql::statements::{
    ADD_WRITE, ALL_WRITES, CHANGE_WRITE, COUNT_UNTOUCHED, FIND_WRITE, ISSUING_WRITES, LOCK_WRITE,
    OPEN_WRITES, OPERATION_WRITES, PRUNE_TOUCHED, PRUNE_WRITES, TOKEN_WRITES, TOUCH, WRITES_AFTER,
};
use crate::sql::value::{Row, Value, to_key, unreadable};
use crate::{UnknownToken, Write};

/// The longest time for which a result waits until what became of it is recorded, beside the time
/// that writers wait for each other.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The number of attempts to record an outcome.
const ATTEMPTS: u32 = 2;

/// Records an intent.
pub(crate) async fn begin(database: &impl Database, intent: &Intent) -> Result<()> {
    let mut connection = database.connect().await?;
    begin_write(&mut *connection).await?;
    add(&mut *connection, &Write::new(intent.clone())).await?;
    connection.commit().await
}

/// Records an outcome. It is handed over before this waits for the first time.
pub(crate) fn record_outcome(database: &impl Database, intent: &Intent, outcome: &Outcome) -> Work {
    let said = outcome.fate().as_str();
    let what = format!(
        "the {} of {} ended ({said}), but the ledger says nothing of it: its write {} stays open; \
         look at it before you resume it, which may revoke what it issued: `operations show {}`",
        intent.operation, intent.account, intent.id, intent.operation_id
    );
    let (owned, intent, outcome) = (database.clone(), intent.clone(), outcome.clone());
    // As long as the attempts may take.
    let wait = LONGEST_WAIT.saturating_add(database.patience().saturating_mul(ATTEMPTS));
    hand_over(database, what, wait, async move {
        let mut recorded = end(&owned, &intent, &outcome).await;
        for _ in 1..ATTEMPTS {
            if recorded.is_err() {
                recorded = end(&owned, &intent, &outcome).await;
            }
        }
        recorded
    })
}

/// Writes an outcome, which may be repeated.
async fn end(database: &impl Database, intent: &Intent, outcome: &Outcome) -> Result<()> {
    let mut connection = database.connect().await?;
    begin_write(&mut *connection).await?;
    // Of a write that this ledger did not see begin, too.
    add(&mut *connection, &Write::new(intent.clone())).await?;
    change(&mut *connection, &intent.id, |write| {
        write.outcome = Some(outcome.clone());
    })
    .await?;
    connection.commit().await
}

/// Records what was found out about a write, unless the ledger does not know it.
pub(crate) fn record_resolution(
    database: &impl Database,
    intent: &str,
    resolution: &Resolution,
) -> Work {
    let what = format!("what was found out about the write {intent} is not in the ledger");
    let (owned, intent, resolution) = (database.clone(), intent.to_owned(), resolution.clone());
    hand_over(database, what, LONGEST_WAIT, async move {
        let mut connection = owned.connect().await?;
        begin_write(&mut *connection).await?;
        change(&mut *connection, &intent, |write| {
            write.resolution = Some(resolution);
        })
        .await?;
        connection.commit().await
    })
}

/// Begins a piece of work at once, and returns a future that waits for it, but not for ever.
///
/// If it fails, or takes longer, that is reported, and `what` says the consequence.
fn hand_over(
    database: &impl Database,
    what: String,
    wait: Duration,
    work: impl Future<Output = Result<()>> + Send + 'static,
) -> Work {
    let (done, ended) = mpsc::channel();
    database.spawn(Box::pin(async move {
        // Nobody may wait any longer.
        let _ = done.send(work.await);
    }));
    let (reported, waiting) = oneshot::channel::<()>();
    let reports = database.reports().clone();
    let report = move || {
        let error = match ended.recv_timeout(wait) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!(
                "the ledger did not answer within {} s",
                wait.as_secs()
            )),
        };
        if let Some(error) = error {
            reports.add(format!("{error}; {what}"));
        }
        let _ = reported.send(());
    };
    // A thread, because not every runtime has timers.
    let waiter = thread::Builder::new().name("tokenfleet-journal".to_owned());
    let is_waiting = waiter.spawn(report).is_ok();
    Box::pin(async move {
        if is_waiting {
            let _ = waiting.await;
        }
    })
}

/// Adds a write, unless it is there.
async fn add(connection: &mut dyn Connection, write: &Write) -> Result<()> {
    let intent = &write.intent;
    let mut values = vec![
        Value::Text(to_key(&intent.id)),
        Value::Text(intent.operation_id.to_string()),
    ];
    values.extend(facts(write));
    values.push(Value::Text(encode(intent)?));
    values.extend(ends(write)?);
    connection.execute(ADD_WRITE, values).await?;
    touch(connection, write).await
}

/// Changes a write, unless it is not known.
async fn change(
    connection: &mut dyn Connection,
    intent: &str,
    change: impl FnOnce(&mut Write),
) -> Result<()> {
    let id = Value::Text(to_key(intent));
    connection.execute(LOCK_WRITE, vec![id.clone()]).await?;
    let Some(mut row) = first_row(connection, FIND_WRITE, vec![id.clone()]).await? else {
        return Ok(());
    };
    let mut write = read(&mut row)?;
    change(&mut write);
    let mut values = facts(&write).to_vec();
    values.extend(ends(&write)?);
    values.push(id);
    connection.execute(CHANGE_WRITE, values).await?;
    touch(connection, &write).await
}

/// Returns what the columns of a write say about it.
fn facts(write: &Write) -> [Value; 4] {
    [
        write.last_heard().into(),
        i64::from(write.is_open()).into(),
        i64::from(write.may_have_issued()).into(),
        write.dead_by().into(),
    ]
}

/// Returns the outcome and the resolution of a write as they are kept.
fn ends(write: &Write) -> Result<[Value; 2]> {
    let outcome = write.outcome.as_ref().map(encode).transpose()?;
    let resolution = write.resolution.as_ref().map(encode).transpose()?;
    Ok([outcome, resolution].map(|text| Value::Text(text.unwrap_or_default())))
}

async fn touch(connection: &mut dyn Connection, write: &Write) -> Result<()> {
    let id = to_key(&write.intent.id);
    // No snapshot holds a longer one.
    let tokens = write.tokens().into_iter();
    for token in tokens.filter(|token| !is_too_long(token.as_str())) {
        let values = vec![to_key(token.as_str()).into(), id.clone().into()];
        connection.execute(TOUCH, values).await?;
    }
    Ok(())
}

fn encode(part: &impl Serialize) -> Result<String> {
    serde_json::to_string(part).map_err(|error| {
        let message = "a write cannot be written as JSON";
        Error::new(ErrorKind::Other, Fate::NotSent, message).with_source(error)
    })
}

fn decode<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| unreadable())
}

fn decode_end<T: DeserializeOwned>(text: &str) -> Result<Option<T>> {
    (!text.is_empty()).then(|| decode(text)).transpose()
}

/// Reads a write from the last columns of a row.
fn read(row: &mut Row) -> Result<Write> {
    Ok(Write {
        intent: decode(&row.text()?)?,
        outcome: decode_end(&row.text()?)?,
        resolution: decode_end(&row.text()?)?,
    })
}

fn read_all(rows: Vec<Row>) -> Result<Vec<Write>> {
    rows.into_iter().map(|mut row| read(&mut row)).collect()
}

/// Returns all writes of the operations of which one is open.
pub(crate) async fn of_open_operations(connection: &mut dyn Connection) -> Result<Vec<Write>> {
    read_all(connection.query(OPEN_WRITES, Vec::new()).await?)
}

/// Returns the writes of an operation.
pub(crate) async fn of_operation(
    connection: &mut dyn Connection,
    operation: OperationId,
) -> Result<Vec<Write>> {
    let values = vec![operation.to_string().into()];
    read_all(connection.query(OPERATION_WRITES, values).await?)
}

/// Returns writes after a number, in the order in which they were begun, each with its number.
pub(crate) async fn after(
    connection: &mut dyn Connection,
    number: u64,
    limit: NonZeroUsize,
) -> Result<Vec<(u64, Write)>> {
    let [number, limit] = [i64::try_from(number), i64::try_from(limit.get())]
        .map(|value| Value::from(value.unwrap_or(i64::MAX)));
    let rows = connection.query(WRITES_AFTER, vec![number, limit]).await?;
    let numbered = rows.into_iter().map(|mut row| {
        let number = u64::try_from(row.number()?).map_err(|_| unreadable())?;
        Ok((number, read(&mut row)?))
    });
    numbered.collect()
}

/// Returns the writes to an account that touched one of these tokens.
pub(crate) async fn to(
    connection: &mut dyn Connection,
    account: &Account,
    tokens: &[TokenId],
) -> Result<Vec<Write>> {
    let mut writes = BTreeMap::new();
    for token in tokens {
        let values = vec![to_key(token.as_str()).into()];
        for mut row in connection.query(TOKEN_WRITES, values).await? {
            let (number, write) = (row.number()?, read(&mut row)?);
            // It may have been touched only by what an earlier record said.
            if write.intent.account == *account && write.tokens().contains(token) {
                writes.insert(number, write);
            }
        }
    }
    Ok(writes.into_values().collect())
}

/// Returns the tokens that may be alive although no listing shows or rules them out.
pub(crate) async fn unknown_tokens(
    connection: &mut dyn Connection,
    at: Timestamp,
    unlistable: &[Account],
) -> Result<Vec<UnknownToken>> {
    let rows = connection.query(ISSUING_WRITES, vec![at.into()]).await?;
    let mut unknown = Vec::new();
    for mut row in rows {
        let write = read(&mut row)?;
        if let Some(token) = UnknownToken::of(&write, at, unlistable) {
            unknown.push((write, token));
        }
    }
    let mut revoked = BTreeSet::new();
    for (write, UnknownToken { account, token, .. }) in &unknown {
        let Some(id) = token else { continue };
        let writes = to(connection, account, std::slice::from_ref(id)).await?;
        if write.is_followed_by_revocation_of(id, &writes) {
            revoked.insert(write.intent.id.clone());
        }
    }
    Ok(UnknownToken::still_unknown(unknown, |write, _| {
        revoked.contains(&write.intent.id)
    }))
}

/// Forgets the writes that ended before a time, and returns how many they were.
pub(crate) async fn prune(connection: &mut dyn Connection, before: Timestamp) -> Result<u64> {
    let values = || vec![before.into()];
    connection.execute(PRUNE_TOUCHED, values()).await?;
    connection.execute(PRUNE_WRITES, values()).await
}

/// Returns what is wrong with the writes.
pub(crate) async fn check(connection: &mut dyn Connection) -> Result<Vec<String>> {
    const BATCH: i64 = 1000;

    let (mut count, mut last) = (0_u64, 0_i64);
    loop {
        let values = vec![last.into(), BATCH.into()];
        let rows = connection.query(ALL_WRITES, values).await?;
        let is_last = (rows.len() as i64) < BATCH;
        for mut row in rows {
            last = row.number()?;
            count += u64::from(!says_what_it_holds(&mut row).unwrap_or(false));
        }
        if is_last {
            break;
        }
    }
    let mut findings = Vec::new();
    if count > 0 {
        findings.push(format!("{count} writes are not what their rows say"));
    }
    let row = first_row(connection, COUNT_UNTOUCHED, Vec::new()).await?;
    let count = row.ok_or_else(unreadable)?.number()?;
    if count > 0 {
        findings.push(format!("{count} tokens belong to writes that are missing"));
    }
    Ok(findings)
}

/// Returns `true` if the columns of a row say the same as its write.
fn says_what_it_holds(row: &mut Row) -> Result<bool> {
    let (id, operation) = (row.text()?, row.text()?);
    let facts_of_row = [
        Value::from(row.number()?),
        row.number()?.into(),
        row.number()?.into(),
        row.optional_number()?.into(),
    ];
    let write = read(row)?;
    let is_named = to_key(&write.intent.id) == id;
    let is_of = write.intent.operation_id.to_string() == operation;
    Ok(is_named && is_of && facts(&write) == facts_of_row)
}
