//! What comes after a rotation that was given up: it is never taken up again.

use tokenfleet::{Error, TokenId};
use tokenfleet_rotation::machine::{RotationState, Strategy};
use tokenfleet_rotation::runner::StoredRotation;

use super::holders::rotation_command;
use crate::output::displayed_id;
use crate::program_name::command_line;
use crate::sinks::Sinks;

/// Creates the error about resuming a rotation that was given up. What it had found out about its
/// places and tokens may be wrong by now, and a new rotation finds it out again.
pub(crate) fn cannot_be_resumed(
    sinks: &Sinks,
    given_up: &StoredRotation,
    over: &[StoredRotation],
) -> Error {
    let id = given_up.task.id;
    let message = format!(
        "the rotation {id} was given up and is not taken up again: others may have changed its \
         tokens and its places since"
    );
    Error::invalid_input(message).with_advice(instead(sinks, given_up, over))
}

/// Returns the sentence about what to do instead of going on with a rotation that was given up:
/// which token lives, and the command for the rest. `over` are the closed rotations, the oldest
/// first.
pub(super) fn instead(sinks: &Sinks, given_up: &StoredRotation, over: &[StoredRotation]) -> String {
    let record = &given_up.record;
    let (rotation, account) = (&record.rotation, &record.account);
    let show = command_line(&format!("operations show {}", given_up.task.id));
    let show = format!("`{show}` shows what was left");
    let places = record.sinks.join(", ");
    let is_delivered = rotation.state == RotationState::Retiring;
    let successor = rotation.successor.as_ref().filter(|_| is_delivered);
    let kept = (successor.map(|it| &it.token)).or(rotation.subject.as_ref());
    if let Some(kept) = kept
        && let Some(last) = successor_since(given_up, kept, over)
    {
        let (kept, last) = (displayed_id(kept), displayed_id(last));
        return format!("token {kept} was replaced by token {last} since; {show}");
    }
    let is_beside = matches!(record.plan.strategy, Strategy::Overlap(_));
    if let (true, Some(successor), Some(old)) = (is_beside, successor, &rotation.subject) {
        let (new, old) = (displayed_id(&successor.token), displayed_id(old));
        let snapshot = command_line("snapshot");
        return format!(
            "its successor, token {new}, was delivered to {places}; `{snapshot}` tells whether a \
             place holds the old one, token {old}, and how to revoke it otherwise; {show}"
        );
    }
    let written = record.sinks.iter().map(String::as_str);
    let rotate = rotation_command(sinks, account, rotation.subject.as_ref(), written);
    format!("`{rotate}` begins anew; {show}")
}

/// Returns the token that rotations have replaced a token by since this one was opened.
fn successor_since<'a>(
    given_up: &StoredRotation,
    token: &TokenId,
    over: &'a [StoredRotation],
) -> Option<&'a TokenId> {
    let mut last: Option<&TokenId> = None;
    for later in over {
        let rotation = &later.record.rotation;
        let is_later = later.task.opened_at >= given_up.task.opened_at
            && later.task.id != given_up.task.id
            && later.record.account == given_up.record.account
            && rotation.state == RotationState::Done;
        if is_later
            && rotation.subject.as_ref() == Some(last.unwrap_or(token))
            && let Some(successor) = &rotation.successor
            && rotation.subject.as_ref() != Some(&successor.token)
        {
            last = Some(&successor.token);
        }
    }
    last
}
