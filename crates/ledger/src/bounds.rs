//! The bounds of what a ledger takes.

use std::time::Duration;

use serde::de::IgnoredAny;
use tokenfleet_core::{Error, ErrorKind, Fate, Result, Timestamp, Token};

use crate::{NewTask, Source};

/// The largest length of an id in bytes, with its control characters escaped. The indexes of
/// Postgres take no row of more than 2,704 bytes.
const LONGEST_ID: usize = 1_024;

/// The largest time by which a clock may be ahead. A snapshot in the future would be the latest one
/// until then, and refuse all others.
const AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// The highest epoch that a ledger is raised to.
const HIGHEST_EPOCH: u64 = 1 << 53;

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

/// Rejects a task that a ledger does not take.
pub(crate) fn check_task(task: &NewTask) -> Result<()> {
    for (what, text) in [
        ("kind", &task.kind),
        ("queue", &task.queue),
        ("subject", &task.subject),
    ] {
        if is_too_long(text) {
            return Err(Error::invalid_input(format!(
                "the {what} of a task has more than {LONGEST_ID} bytes, which a ledger does not take"
            )));
        }
    }
    check_state(&task.state)
}

/// Rejects an epoch that no ledger has given out: one that ends soon would end all claims.
pub(crate) fn check_epoch(epoch: u64) -> Result<()> {
    if epoch > HIGHEST_EPOCH {
        return Err(
            Error::invalid_input(format!("no ledger has given out the epoch {epoch}"))
                .with_advice("somebody changed what it was read from: look who may write that"),
        );
    }
    Ok(())
}

/// Rejects a state of a task that is not JSON.
pub(crate) fn check_state(state: &str) -> Result<()> {
    serde_json::from_str::<IgnoredAny>(state)
        .map(drop)
        .map_err(|error| Error::invalid_input("the state of a task is not JSON").with_source(error))
}

/// Creates the error for a task that is not there after all, and whose place is not free.
pub(crate) fn not_opened() -> Error {
    let message = "the task was not opened: its id is in use, or the one before was just closed";
    Error::new(ErrorKind::Conflict, Fate::NotSent, message).with_advice("try again with a new id")
}

/// Creates the error for a task that others were opened before.
pub(crate) fn overtaken() -> Error {
    let message = "the task was not opened: others of its kind were opened meanwhile";
    Error::new(ErrorKind::Conflict, Fate::NotSent, message).with_advice("try again")
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
