//! How far a rotation is, why it waits and what is next, in words.

use tokenfleet::{Error, Timestamp};
use tokenfleet_rotation::machine::{AttemptOutcome, LastFailure, Parked, RotationState, Strategy};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation};

use super::left_behind::left_behind;
use super::shown;
use super::times::stops_at;
use crate::program_name::command_line;

/// Returns how far a rotation is, in a word.
pub(super) fn state(stored: &StoredRotation) -> &'static str {
    let rotation = &stored.record.rotation;
    if stored.is_abandoned() {
        "abandoned"
    } else if rotation.parked.is_some() {
        "parked"
    } else {
        rotation.state.as_str()
    }
}

/// Returns `true` for a rotation that does not go on before a person does something.
pub(in crate::commands) fn needs_a_person(stored: &StoredRotation) -> bool {
    !stored.is_closed() && stored.record.rotation.parked.is_some()
}

/// Creates the error about a rotation that needs a person.
pub(in crate::commands) fn waits_for_a_person(stored: &StoredRotation) -> Error {
    let (id, why) = (stored.task.id, why(stored));
    let message = format!("the rotation {id} waits for a person: {why}");
    Error::configuration(message)
        .with_account(&stored.record.account)
        .with_advice(next(stored))
}

pub(super) fn due(stored: &StoredRotation) -> Option<Timestamp> {
    let is_over = stored.is_closed() || needs_a_person(stored);
    stored.task.due.filter(|_| !is_over)
}

/// Returns why a rotation waits, or what became of it.
pub(super) fn why(stored: &StoredRotation) -> String {
    let record = &stored.record;
    let rotation = &record.rotation;
    if stored.is_abandoned() {
        return "a person gave it up".to_owned();
    }
    if let Some(parked) = &rotation.parked {
        let sink = parked.sink().and_then(|sink| record.sinks.get(sink));
        let parked = match (parked, &rotation.last_failure, sink) {
            (Parked::Withdrawn { .. }, Some(failure), _) => format!(
                "each successor was revoked before it was delivered; {}",
                failed(failure)
            ),
            (_, _, Some(sink)) => format!("{parked} ({sink})"),
            (_, _, None) => parked.to_string(),
        };
        return format!("{parked}{}", waiting_tokens(record));
    }
    let now = Timestamp::now();
    match rotation.state {
        RotationState::Done => match record.plan.strategy {
            Strategy::Unlisted(_) => "every sink holds the new secret".to_owned(),
            _ => "every sink holds the new secret, and the old one does not work".to_owned(),
        },
        _ if stored.task.claimed_until > Some(now) => format!(
            "a worker carries it on; if that was killed, its claim runs out at {}",
            shown(stored.task.claimed_until)
        ),
        _ if stored.queue_claimed_until > Some(now) => format!(
            "{}; {}",
            progress(stored),
            claim(stored.queue_claimed_until)
        ),
        _ => progress(stored),
    }
}

/// Returns until when another worker keeps a queue from going on.
pub(in crate::commands) fn claim(until: Option<Timestamp>) -> String {
    format!(
        "another worker has claimed the queue; if that was killed, its claim runs out at {}",
        shown(until)
    )
}

/// Returns how many tokens of an open rotation wait for their revocation, unless there are none.
fn waiting_tokens(record: &RotationRecord) -> String {
    let count = match record.plan.strategy {
        Strategy::Overlap(_) => record.rotation.unaccounted().count(),
        _ => 0,
    };
    match count {
        0 => String::new(),
        1 => "; a token of an attempt may live, and is revoked after the delivery".to_owned(),
        _ => format!(
            "; up to {count} tokens of attempts may live, and are revoked after the delivery"
        ),
    }
}

/// Returns how far an open rotation is, and the last failure.
fn progress(stored: &StoredRotation) -> String {
    let record = &stored.record;
    let rotation = &record.rotation;
    let now = Timestamp::now();
    let delivered_stop = (rotation.successor.as_ref())
        .and_then(|successor| stops_at(record, successor.delivered_at));
    let progress = match rotation.state {
        RotationState::Retiring => match (rotation.suspended_at, delivered_stop) {
            (Some(at), _) => format!("the old token is suspended since {}", shown(Some(at))),
            (None, Some(at)) if at > now => format!(
                "every sink holds the new secret; the old one works until {} at least",
                shown(Some(at))
            ),
            _ => {
                let lost = rotation
                    .unaccounted()
                    .next()
                    .filter(|_| stored.task.due > Some(now));
                let wait = lost.map(|attempt| {
                    format!(
                        ", and a token of attempt {}, whose answer was lost, is searched for at {}",
                        attempt.number,
                        shown(stored.task.due)
                    )
                });
                format!(
                    "every sink holds the new secret; the old one may still work{}",
                    wait.unwrap_or_default()
                )
            }
        },
        _ => match rotation.attempts.last() {
            Some(attempt) if attempt.outcome == AttemptOutcome::Withdrawn => format!(
                "attempt {} of {} was withdrawn: its token is revoked, and no sink had it",
                attempt.number,
                shown(Some(attempt.sent_at))
            ),
            Some(attempt) => format!(
                "attempt {} of {} has not reached every sink",
                attempt.number,
                shown(Some(attempt.sent_at))
            ),
            None => "nothing was sent yet".to_owned(),
        },
    };
    let progress = format!("{progress}{}", waiting_tokens(record));
    match &rotation.last_failure {
        Some(failure) => format!("{progress}; {}", failed(failure)),
        None => progress,
    }
}

/// Returns when a rotation failed last, what failed and why.
fn failed(failure: &LastFailure) -> String {
    let at = shown(Some(failure.at));
    format!("it failed at {at}: {}", failure.error)
}

/// Returns what is done next and by what command, or what a person can do.
pub(super) fn next(stored: &StoredRotation) -> String {
    let id = stored.task.id;
    if stored.is_abandoned() {
        return left_behind(&stored.record);
    }
    if stored.is_closed() {
        return String::new();
    }
    let next = stored.record.next();
    let resume = command_line(&format!("operations resume {id}"));
    if let Some(parked) = &stored.record.rotation.parked {
        let resume = match parked {
            Parked::NotOurs { .. } | Parked::SinkChanged { .. } => format!("{resume} --adopt"),
            Parked::SinkAhead { .. } => format!("{resume} --after-restore"),
            _ => resume,
        };
        let abandon = command_line(&format!("operations abandon {id}"));
        return format!("{next}: `{resume}` or `{abandon}`");
    }
    let worker = command_line("worker --once");
    match due(stored) {
        Some(at) if at > Timestamp::now() => {
            format!(
                "{next}, from {} on, by `{worker}` or `{resume}`",
                shown(Some(at))
            )
        }
        _ => format!("{next}, by `{worker}` or `{resume}`"),
    }
}
