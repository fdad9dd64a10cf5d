//! The bounds of what a ledger takes.

use std::time::Duration;

use tokenfleet_core::{Error, Result, Timestamp, Token};

use crate::Source;

/// The largest length of an id in bytes, with its control characters escaped. The indexes of
/// Postgres take no row of more than 2,704 bytes.
const LONGEST_ID: usize = 1_024;

/// The largest time by which a clock may be ahead. A snapshot in the future would be the latest one
/// until then, and refuse all others.
const AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// Rejects a snapshot whose time lies in the future, or whose owner has an id that is too long.
pub(crate) fn check_beginning(source: &Source, at: Timestamp) -> Result<()> {
    if at > Timestamp::now().saturating_add(AHEAD) {
        let message = format!("the time of the snapshot, {at}, lies in the future");
        return Err(Error::invalid_input(message)
            .with_account(&source.account)
            .with_advice("check the clock of this machine"));
    }
    if source.owner.iter().any(|owner| is_too_long(&owner.id)) {
        return Err(too_long("the owner").with_account(&source.account));
    }
    Ok(())
}

/// Rejects tokens whose ids are too long.
pub(crate) fn check_tokens(source: &Source, tokens: &[Token]) -> Result<()> {
    if tokens.iter().any(|token| is_too_long(token.id.as_str())) {
        return Err(too_long("a token").with_account(&source.account));
    }
    Ok(())
}

pub(crate) fn is_too_long(id: &str) -> bool {
    let lengths = id.chars().map(|c| {
        if is_escaped(c) {
            c.escape_default().len()
        } else {
            c.len_utf8()
        }
    });
    lengths.sum::<usize>() > LONGEST_ID
}

/// Returns `true` for a character that databases keep escaped.
pub(crate) fn is_escaped(c: char) -> bool {
    c.is_ascii_control() || c == '\\'
}

fn too_long(what: &str) -> Error {
    Error::invalid_input(format!(
        "{what} has an id of more than {LONGEST_ID} bytes, which a ledger does not take"
    ))
}
