//! The ledger in a database, whichever it is.

use std::num::NonZeroUsize;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Account, Result, Timestamp, Token, TokenId};

use crate::sql::connection::{Access, Connection, Database};
use crate::sql::record::{decode, encode};
use crate::sql::recorder::SqlRecorder;
use crate::sql::schema::begin_write;
use crate::sql::source::{find_account, first_row, known_at};
use crate::sql::statements::{
    ACCOUNTS, COUNT_CHANGES, COUNT_OVERLAPS, COUNT_REVERSED, COUNT_UNSEEN, DIFF_BY_ID,
    DIFF_BY_TIME, HISTORY, KNOWN_AT, PRUNE_SNAPSHOTS, PRUNE_VERSIONS, RECORDS, SNAPSHOTS, STATE,
    VERSIONS,
};
use crate::sql::value::{Row, Value, from_key, position_after, to_key, unreadable};
use crate::sql::{tasks, writes};
use crate::{
    Change, Counts, Ledger, OpenOperation, Page, PageRequest, Pruned, Snapshot, SnapshotRecorder,
    Source, Span, UnknownToken, Verdict, Version, Write,
};

/// Returns the values that begin and limit a page.
fn bounds(page: &PageRequest) -> (Value, Value) {
    let after = page.after.as_ref().map(|id| to_key(id.as_str()));
    let limit = i64::try_from(page.limit.get()).unwrap_or(i64::MAX);
    (position_after(after).into(), limit.into())
}

/// Reads a page whose rows begin with an id.
fn read_page<T>(
    rows: Vec<Row>,
    page: &PageRequest,
    read: impl Fn(&mut Row) -> Result<Option<T>>,
) -> Result<Page<T>> {
    let is_full = rows.len() >= page.limit.get();
    let (mut items, mut last) = (Vec::with_capacity(rows.len()), None);
    for mut row in rows {
        last = Some(row.text()?);
        items.extend(read(&mut row)?);
    }
    let last = last.filter(|_| is_full);
    let next = last.map(|key| from_key(&key).map(TokenId::new).ok_or_else(unreadable));
    Ok(Page::new(items, next.transpose()?))
}

fn read_snapshot(mut row: Row) -> Result<Snapshot> {
    let (at, verdict) = (row.time()?, row.text()?);
    let verdict: Verdict = serde_json::from_str(&verdict).map_err(|_| unreadable())?;
    let mut count = || -> Result<Option<u64>> {
        let number = row.optional_number()?;
        let number = number.map(|number| u64::try_from(number).map_err(|_| unreadable()));
        number.transpose()
    };
    let counts = match (count()?, count()?, count()?, count()?) {
        (Some(seen), Some(appeared), Some(vanished), Some(changed)) => Some(Counts {
            seen,
            appeared,
            vanished,
            changed,
        }),
        _ => None,
    };
    Ok(Snapshot {
        at,
        verdict,
        counts,
    })
}

/// Reads the rest of a row: the times of a version, and its record.
fn read_version(row: &mut Row) -> Result<Version> {
    Ok(Version {
        from: row.time()?,
        to: row.optional_time()?,
        token: decode(&row.text()?)?,
    })
}

/// Returns the source of a row, after its number.
fn read_source(mut row: Row) -> Result<(i64, Source)> {
    let number = row.number()?;
    let mut name = || from_key(&row.text()?).ok_or_else(unreadable);
    let (provider, name, place, owner) = (name()?, name()?, name()?, name()?);
    let account = Account::new(&provider, &name);
    let account = if place.is_empty() {
        account
    } else {
        account.with_place(&place)
    };
    let mut source = Source::from(account);
    if !owner.is_empty() {
        source.owner = Some(serde_json::from_str(&owner).map_err(|_| unreadable())?);
    }
    Ok((number, source))
}

#[async_trait]
impl<D: Database> Ledger for D {
    async fn begin(&self, source: &Source, at: Timestamp) -> Result<Box<dyn SnapshotRecorder>> {
        let connection = self.connect().await?;
        Ok(Box::new(
            SqlRecorder::begin(connection, source.clone(), at).await?,
        ))
    }

    async fn accounts(&self) -> Result<Vec<Source>> {
        let mut connection = self.connect().await?;
        let rows = connection.query(ACCOUNTS, Vec::new()).await?;
        let accounts = rows.into_iter().map(|row| Ok(read_source(row)?.1));
        accounts.collect()
    }

    async fn snapshots(&self, source: &Source) -> Result<Vec<Snapshot>> {
        let mut connection = self.connect().await?;
        let Some(number) = find_account(&mut *connection, source).await? else {
            return Ok(Vec::new());
        };
        let rows = connection.query(SNAPSHOTS, vec![number.into()]).await?;
        rows.into_iter().map(read_snapshot).collect()
    }

    async fn state(
        &self,
        source: &Source,
        at: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<Token>> {
        let mut connection = self.connect().await?;
        connection.begin(Access::Read).await?;
        let (number, [at]) = known_at(&mut *connection, source, [at]).await?;
        let (after, limit) = bounds(page);
        let values = vec![number.into(), after, at.into(), limit];
        let rows = connection.query(STATE, values).await?;
        connection.commit().await?;
        read_page(rows, page, |row| decode(&row.text()?).map(Some))
    }

    async fn diff(&self, source: &Source, span: Span, page: &PageRequest) -> Result<Page<Change>> {
        let mut connection = self.connect().await?;
        connection.begin(Access::Read).await?;
        let times = [span.earlier(), span.later()];
        let (number, [from, to]) = known_at(&mut *connection, source, times).await?;
        let (after, limit) = bounds(page);
        let statement = diff_of(&mut *connection, number, [from, to], page).await?;
        let values = vec![number.into(), after, from.into(), to.into(), limit];
        let rows = connection.query(statement, values).await?;
        connection.commit().await?;
        read_page(rows, page, |row| {
            let mut side = || row.optional_text()?.as_deref().map(decode).transpose();
            let (before, after) = (side()?, side()?);
            Ok(Change::between(before, after))
        })
    }

    async fn history(&self, source: &Source, id: &TokenId) -> Result<Vec<Version>> {
        let mut connection = self.connect().await?;
        let Some(number) = find_account(&mut *connection, source).await? else {
            return Ok(Vec::new());
        };
        let values = vec![number.into(), to_key(id.as_str()).into()];
        let rows = connection.query(HISTORY, values).await?;
        rows.into_iter()
            .map(|mut row| read_version(&mut row))
            .collect()
    }

    async fn versions(&self, source: &Source, page: &PageRequest) -> Result<Page<Version>> {
        let mut connection = self.connect().await?;
        let Some(number) = find_account(&mut *connection, source).await? else {
            return Ok(Page::new(Vec::new(), None));
        };
        let (after, limit) = bounds(page);
        let values = vec![number.into(), after, limit];
        let rows = connection.query(VERSIONS, values).await?;
        let mut items = Vec::with_capacity(rows.len());
        let (mut tokens, mut last) = (0, None);
        for mut row in rows {
            let key = row.text()?;
            tokens += usize::from(last.as_ref() != Some(&key));
            last = Some(key);
            items.push(read_version(&mut row)?);
        }
        let last = last.filter(|_| tokens >= page.limit.get());
        let next = last.map(|key| from_key(&key).map(TokenId::new).ok_or_else(unreadable));
        Ok(Page::new(items, next.transpose()?))
    }

    async fn open_operations(&self) -> Result<Vec<OpenOperation>> {
        let mut connection = self.connect().await?;
        let open = writes::of_open_operations(&mut *connection).await?;
        Ok(OpenOperation::group(open))
    }

    async fn writes(&self, operation: OperationId) -> Result<Vec<Write>> {
        let mut connection = self.connect().await?;
        writes::of_operation(&mut *connection, operation).await
    }

    async fn writes_to(&self, account: &Account, tokens: &[TokenId]) -> Result<Vec<Write>> {
        let mut connection = self.connect().await?;
        connection.begin(Access::Read).await?;
        let writes = writes::to(&mut *connection, account, tokens).await?;
        connection.commit().await?;
        Ok(writes)
    }

    async fn all_writes(&self, after: u64, limit: NonZeroUsize) -> Result<Vec<(u64, Write)>> {
        let mut connection = self.connect().await?;
        writes::after(&mut *connection, after, limit).await
    }

    async fn unknown_tokens(
        &self,
        at: Timestamp,
        unlistable: &[Account],
    ) -> Result<Vec<UnknownToken>> {
        let mut connection = self.connect().await?;
        connection.begin(Access::Read).await?;
        let unknown = writes::unknown_tokens(&mut *connection, at, unlistable).await?;
        connection.commit().await?;
        Ok(unknown)
    }

    fn take_reports(&self) -> Vec<String> {
        self.reports().take()
    }

    async fn prune(&self, before: Timestamp) -> Result<Pruned> {
        let mut connection = self.connect().await?;
        begin_write(&mut *connection).await?;
        let mut pruned = Pruned {
            writes: writes::prune(&mut *connection, before).await?,
            tasks: tasks::prune(&mut *connection, before).await?,
            ..Pruned::default()
        };
        for row in connection.query(ACCOUNTS, Vec::new()).await? {
            let (number, _) = read_source(row)?;
            let values = vec![number.into(), before.into()];
            let row = first_row(&mut *connection, KNOWN_AT, values).await?;
            let mut row = row.ok_or_else(unreadable)?;
            // The snapshot that tells the state at `before` stays, and all from it on.
            let (listed, any) = (row.optional_number()?, row.optional_number()?);
            let Some(base) = listed.or(any) else {
                continue;
            };
            let values = || vec![number.into(), base.into()];
            pruned.snapshots += connection.execute(PRUNE_SNAPSHOTS, values()).await?;
            pruned.versions += connection.execute(PRUNE_VERSIONS, values()).await?;
        }
        connection.commit().await?;
        Ok(pruned)
    }

    async fn check(&self) -> Result<Vec<String>> {
        let mut connection = self.connect().await?;
        let mut findings = connection.damage().await?;
        if !findings.is_empty() {
            return Ok(findings);
        }
        connection.begin(Access::Read).await?;
        for (statement, finding) in [
            (COUNT_OVERLAPS, "versions of a token overlap the next one"),
            (COUNT_REVERSED, "versions of a token end before they begin"),
            (
                COUNT_UNSEEN,
                "versions of a token are newer than any snapshot",
            ),
        ] {
            let row = first_row(&mut *connection, statement, Vec::new()).await?;
            let count = row.ok_or_else(unreadable)?.number()?;
            if count > 0 {
                findings.push(format!("{count} {finding}"));
            }
        }
        let count = count_unreadable(&mut *connection).await?;
        if count > 0 {
            findings.push(format!(
                "{count} records are not the token that they are kept as"
            ));
        }
        findings.extend(writes::check(&mut *connection).await?);
        findings.extend(tasks::check(&mut *connection).await?);
        Ok(findings)
    }
}

/// Returns the statement that finds all pages of a difference for less: in the order of ids, every
/// version is read once; by the indexes of times, all changes are read for each page.
async fn diff_of(
    connection: &mut dyn Connection,
    account: i64,
    [from, to]: [Timestamp; 2],
    page: &PageRequest,
) -> Result<&'static str> {
    /// The number of entries of an index that are read as fast as one version.
    const ENTRIES: i64 = 4;

    let values = vec![from.into(), to.into(), account.into()];
    let row = first_row(connection, COUNT_CHANGES, values).await?;
    let mut row = row.ok_or_else(unreadable)?;
    let (changes, versions) = (row.number()?, row.number()?);
    let pages = changes / i64::try_from(page.limit.get()).unwrap_or(i64::MAX);
    let is_mostly_changed = changes.saturating_mul(pages) > versions.saturating_mul(ENTRIES);
    Ok(if is_mostly_changed {
        DIFF_BY_ID
    } else {
        DIFF_BY_TIME
    })
}

/// Returns the number of records that are not the token of their row.
async fn count_unreadable(connection: &mut dyn Connection) -> Result<u64> {
    const BATCH: i64 = 1000;

    let mut count = 0;
    let mut position = [Value::Integer(0), String::new().into(), Value::Integer(0)];
    loop {
        let mut values = position.to_vec();
        values.push(BATCH.into());
        let rows = connection.query(RECORDS, values).await?;
        let is_last = (rows.len() as i64) < BATCH;
        for mut row in rows {
            let (account, key) = (row.number()?, row.text()?);
            let (from, record) = (row.number()?, row.text()?);
            let token = decode(&record).ok();
            let is_its_own = token
                .is_some_and(|token| to_key(token.id.as_str()) == key && encode(&token).is_ok());
            count += u64::from(!is_its_own);
            position = [account.into(), key.into(), from.into()];
        }
        if is_last {
            return Ok(count);
        }
    }
}
