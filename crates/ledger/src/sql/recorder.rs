//! A snapshot of a ledger in a database that is being taken.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokenfleet_core::{Error, ErrorKind, Fate, Result, Timestamp, Token};

use crate::bounds::{check_beginning, check_tokens};
use crate::sql::connection::Connection;
use crate::sql::record::encode;
use crate::sql::schema::{STAGED, begin_write};
use crate::sql::source::{find_account, first_row, name_of};
use crate::sql::statements::{
    ADD_SNAPSHOT, ADD_VERSIONS, COUNT_STAGED, END_ABSENT, END_CHANGED, LATEST, LOCK_ACCOUNT,
};
use crate::sql::value::{Value, to_key, unreadable};
use crate::times::{incomplete, listed_after_all, not_later, overtaken, truncated};
use crate::{Counts, Snapshot, SnapshotRecorder, Source, Verdict};

/// The number of an account that is not known yet.
const NO_ACCOUNT: i64 = 0;

/// A snapshot that is being taken: its tokens lie in a temporary table of its own connection.
///
/// What is unchanged is found while tokens arrive, so that `close` writes changes only and is
/// short. It may rely on that, because it refuses to close after another snapshot was written.
#[derive(Debug)]
pub(crate) struct SqlRecorder {
    connection: Box<dyn Connection>,
    source: Source,
    number: i64,
    at: Timestamp,
    /// The time of the latest snapshot when this one was begun.
    latest: Option<Timestamp>,
    /// `true` if tokens may have been lost on the way.
    has_failed: bool,
}

impl SqlRecorder {
    pub(crate) async fn begin(
        mut connection: Box<dyn Connection>,
        source: Source,
        at: Timestamp,
    ) -> Result<Self> {
        check_beginning(&source, at)?;
        let at = truncated(at);
        let number = find_account(&mut *connection, &source).await?;
        let number = number.unwrap_or(NO_ACCOUNT);
        let latest = latest(&mut *connection, number).await?;
        if let Some(latest) = latest.filter(|latest| *latest >= at) {
            return Err(not_later(&source, latest));
        }
        connection.define(STAGED).await?;
        Ok(Self {
            connection,
            source,
            number,
            at,
            latest,
            has_failed: false,
        })
    }
}

/// Returns the time of the latest snapshot of an account.
async fn latest(connection: &mut dyn Connection, number: i64) -> Result<Option<Timestamp>> {
    let row = first_row(connection, LATEST, vec![number.into()]).await?;
    row.ok_or_else(unreadable)?.optional_time()
}

#[async_trait]
impl SnapshotRecorder for SqlRecorder {
    async fn record(&mut self, tokens: &[Token]) -> Result<()> {
        // Also if an id or a record is refused, or the future is dropped while it waits.
        let has_failed = std::mem::replace(&mut self.has_failed, true);
        check_tokens(&self.source, tokens)?;
        let mut records = BTreeMap::new();
        for token in tokens {
            records.insert(to_key(token.id.as_str()), encode(token)?);
        }
        let records = records.into_iter().collect();
        self.connection.stage(self.number, records).await?;
        self.has_failed = has_failed;
        Ok(())
    }

    async fn close(mut self: Box<Self>, verdict: Verdict) -> Result<Snapshot> {
        let verdict = verdict.masked();
        if self.has_failed {
            return Err(incomplete(&self.source));
        }
        let connection = &mut *self.connection;
        begin_write(connection).await?;
        let row = first_row(connection, LOCK_ACCOUNT, name_of(&self.source)?).await?;
        let number = row.ok_or_else(unreadable)?.number()?;
        if latest(connection, number).await? != self.latest {
            return Err(overtaken(&self.source));
        }
        let row = first_row(connection, COUNT_STAGED, Vec::new()).await?;
        let mut row = row.ok_or_else(unreadable)?;
        let mut count = || u64::try_from(row.number()?).map_err(|_| unreadable());
        let mut counts = Counts {
            seen: count()?,
            appeared: count()?,
            changed: count()?,
            vanished: 0,
        };
        if verdict == Verdict::NotListable && counts.seen > 0 {
            return Err(listed_after_all(&self.source));
        }
        let at = Value::from(self.at);
        let at_and_account = || vec![at.clone(), number.into()];
        if verdict.absence_is_proof() {
            counts.vanished = connection.execute(END_ABSENT, at_and_account()).await?;
        }
        if counts.changed > 0 {
            connection.execute(END_CHANGED, at_and_account()).await?;
        }
        if counts.appeared + counts.changed > 0 {
            let values = vec![number.into(), at.clone()];
            connection.execute(ADD_VERSIONS, values).await?;
        }
        let snapshot = Snapshot {
            at: self.at,
            counts: (verdict != Verdict::NotListable).then_some(counts),
            verdict,
        };
        let mut values = vec![number.into(), at, verdict_text(&snapshot.verdict)?];
        values.extend(numbers(snapshot.counts));
        connection.execute(ADD_SNAPSHOT, values).await?;
        connection.commit().await?;
        self.connection.close().await;
        Ok(snapshot)
    }
}

fn verdict_text(verdict: &Verdict) -> Result<Value> {
    let text = serde_json::to_string(verdict).map_err(|error| {
        let message = "a verdict cannot be written as JSON";
        Error::new(ErrorKind::Other, Fate::NotSent, message).with_source(error)
    })?;
    Ok(text.into())
}

fn numbers(counts: Option<Counts>) -> [Value; 4] {
    let Some(counts) = counts else {
        return [const { Value::Null }; 4];
    };
    let numbers = [
        counts.seen,
        counts.appeared,
        counts.vanished,
        counts.changed,
    ];
    numbers.map(|number| i64::try_from(number).unwrap_or(i64::MAX).into())
}
