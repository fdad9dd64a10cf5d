//! The source of snapshots as the database knows it: its number, and when something is known of it.

use tokenfleet_core::{Result, Timestamp};

use crate::Source;
use crate::sql::connection::Connection;
use crate::sql::statements::{FIND_ACCOUNT, KNOWN_AT};
use crate::sql::value::{Row, Value, to_key, unreadable};
use crate::times::nothing_known;

/// Returns the values that name a source.
pub(crate) fn name_of(source: &Source) -> Result<Vec<Value>> {
    let account = &source.account;
    let owner = source.owner.as_ref().map(serde_json::to_string);
    let owner = owner.transpose().map_err(|_| unreadable())?;
    let names = [
        account.provider(),
        account.name(),
        account.place().unwrap_or_default(),
        &owner.unwrap_or_default(),
    ];
    Ok(names.map(|name| Value::Text(to_key(name))).into())
}

/// Returns the first row of an answer.
pub(crate) async fn first_row(
    connection: &mut dyn Connection,
    statement: &'static str,
    values: Vec<Value>,
) -> Result<Option<Row>> {
    let rows = connection.query(statement, values).await?;
    Ok(rows.into_iter().next())
}

/// Returns the number of a source, if it is known.
pub(crate) async fn find_account(
    connection: &mut dyn Connection,
    source: &Source,
) -> Result<Option<i64>> {
    let row = first_row(connection, FIND_ACCOUNT, name_of(source)?).await?;
    row.map(|mut row| row.number()).transpose()
}

/// Returns the number of a source and the times of the snapshots that tell its states.
pub(crate) async fn known_at<const N: usize>(
    connection: &mut dyn Connection,
    source: &Source,
    times: [Timestamp; N],
) -> Result<(i64, [Timestamp; N])> {
    let Some(number) = find_account(connection, source).await? else {
        let at = times.first().copied().unwrap_or_else(Timestamp::now);
        return Err(nothing_known(source, at, true));
    };
    let mut known = times;
    for at in &mut known {
        let values = vec![number.into(), (*at).into()];
        let row = first_row(connection, KNOWN_AT, values).await?;
        let mut row = row.ok_or_else(unreadable)?;
        let (listed, any) = (row.optional_time()?, row.optional_time()?);
        *at = listed.ok_or_else(|| nothing_known(source, *at, any.is_none()))?;
    }
    Ok((number, known))
}
