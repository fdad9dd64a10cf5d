//! The output of rotations: how far each is, why it waits and what to do.

use serde::Serialize;
use tokenfleet::journal::OperationId;
use tokenfleet::{Operation, Timestamp};
use tokenfleet_rotation::machine::{Attempt, AttemptOutcome, Parked, RotationState, Strategy};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation};

use crate::output::displayed_id;
use crate::program_name::command_line;

/// The columns of rotations.
pub(super) const COLUMNS: [&str; 9] = [
    "operation",
    "since",
    "account",
    "token",
    "state",
    "due",
    "sinks",
    "why",
    "next",
];

/// The columns that a narrow terminal leaves out.
pub(super) const LESS_IMPORTANT: [&str; 4] = ["since", "due", "sinks", "next"];

/// A rotation as it is shown.
#[derive(Serialize)]
pub(super) struct RotationObject<'a> {
    operation: OperationId,
    account: &'a str,
    provider: &'a str,
    place: Option<&'a str>,
    since: Timestamp,
    action: Operation,
    /// The id of the old token, or `None` where tokens have none.
    token: Option<String>,
    name: Option<&'a str>,
    policy: Option<&'a str>,
    reason: Option<&'a str>,
    state: &'static str,
    /// The time from which there is something to do, or `None` if it is over or a person is needed.
    due: Option<Timestamp>,
    why: String,
    /// The next step, or what a person can do.
    next: String,
    sinks: &'a [String],
    successor: Option<String>,
    delivered_at: Option<Timestamp>,
    /// The earliest time at which the old secret stops working, if it is known.
    stops_at: Option<Timestamp>,
    /// The earliest time at which it is revoked, which is later where it is suspended before.
    revoked_at: Option<Timestamp>,
    attempts: Vec<AttemptObject<'a>>,
}

/// An attempt as it is shown.
#[derive(Serialize)]
struct AttemptObject<'a> {
    number: u32,
    marker: &'a str,
    sent_at: Timestamp,
    outcome: &'static str,
    dead_by: Option<Timestamp>,
}

impl<'a> RotationObject<'a> {
    pub(super) fn new(stored: &'a StoredRotation) -> Self {
        let record = &stored.record;
        let rotation = &record.rotation;
        let successor = rotation.successor.as_ref();
        let attempts = rotation.attempts.iter().map(|attempt| AttemptObject {
            number: attempt.number,
            marker: attempt.marker.as_str(),
            sent_at: attempt.sent_at,
            outcome: match attempt.outcome {
                AttemptOutcome::NotApplied => "not_applied",
                AttemptOutcome::Delivered(_) => "delivered",
                _ => "unknown",
            },
            dead_by: attempt.dead_by,
        });
        let delivered_at = successor.map(|successor| successor.delivered_at);
        // It is closed once the old token is revoked.
        let revokes = matches!(record.plan.strategy, Strategy::Overlap(_));
        let is_done = rotation.state == RotationState::Done;
        let done_at = stored.task.closed_at.filter(|_| revokes && is_done);
        Self {
            operation: rotation.id,
            account: record.account.name(),
            provider: record.account.provider(),
            place: record.account.place(),
            since: rotation.opened_at,
            action: Operation::Rotate,
            token: rotation.subject.as_ref().map(displayed_id),
            name: record.token_name.as_deref(),
            policy: record.policy.as_deref(),
            reason: record.reason.as_deref(),
            state: state(stored),
            due: due(stored),
            why: why(stored),
            next: next(stored),
            sinks: &record.sinks,
            successor: successor.map(|successor| displayed_id(&successor.token)),
            delivered_at,
            stops_at: done_at.map_or_else(
                || delivered_at.and_then(|at| stops_at(record, at)),
                |at| rotation.suspended_at.or(Some(at)),
            ),
            revoked_at: done_at.or_else(|| delivered_at.and_then(|at| revoked_at(record, at))),
            attempts: attempts.collect(),
        }
    }

    /// Returns the fields of the [`COLUMNS`].
    pub(super) fn row(&self) -> Vec<String> {
        let [since, due] = [Some(self.since), self.due].map(shown);
        vec![
            self.operation.to_string(),
            since,
            self.account.to_owned(),
            self.token_text(),
            self.state.to_owned(),
            due,
            self.sinks.join(", "),
            self.why.clone(),
            self.next.clone(),
        ]
    }

    /// Returns the fields of a list of operations: operation, since, account, action, state, dead
    /// by and why.
    pub(super) fn operation_row(&self) -> Vec<String> {
        vec![
            self.operation.to_string(),
            shown(Some(self.since)),
            self.account.to_owned(),
            format!("rotate {}", self.token_text())
                .trim_end()
                .to_owned(),
            self.state.to_owned(),
            String::new(),
            self.detail(),
        ]
    }

    /// Returns the fields of an operation that was resumed: operation, account, action, outcome and
    /// detail.
    pub(super) fn resumed_row(&self, outcome: &str) -> Vec<String> {
        vec![
            self.operation.to_string(),
            self.account.to_owned(),
            format!("rotate {}", self.token_text())
                .trim_end()
                .to_owned(),
            outcome.to_owned(),
            self.detail(),
        ]
    }

    /// Returns why the rotation waits and what to do, in a line.
    pub(super) fn detail(&self) -> String {
        let parts = [&*self.why, &*self.next].into_iter();
        let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
        parts.join("; ")
    }

    /// Returns the rotation in lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let token = self.token_text();
        let mut lines = vec![
            format!(
                "Rotation {} of {} in {} ({}): {}",
                self.operation,
                if token.is_empty() {
                    "what the sinks hold"
                } else {
                    &token
                },
                self.account,
                self.provider,
                self.state
            ),
            format!("opened     {}", shown(Some(self.since))),
        ];
        let mut add = |label: &str, value: String| {
            if !value.is_empty() {
                lines.push(format!("{label:<10} {value}"));
            }
        };
        add("policy", self.policy.unwrap_or_default().to_owned());
        add("reason", self.reason.unwrap_or_default().to_owned());
        add("due", shown(self.due));
        add("why", self.why.clone());
        add("next", self.next.clone());
        for sink in self.sinks {
            add("sink", sink.clone());
        }
        add("successor", self.successor.clone().unwrap_or_default());
        add("delivered", shown(self.delivered_at));
        for attempt in &self.attempts {
            let AttemptObject {
                number,
                marker,
                outcome,
                ..
            } = attempt;
            let sent = shown(Some(attempt.sent_at));
            add("attempt", format!("{number} {marker} {sent} {outcome}"));
        }
        lines
    }

    fn token_text(&self) -> String {
        match (&self.token, self.name) {
            (Some(token), Some(name)) => format!("{token} {name:?}"),
            (Some(token), None) => token.clone(),
            (None, _) => String::new(),
        }
    }
}

fn shown(at: Option<Timestamp>) -> String {
    at.map(|at| at.truncated_to_seconds().to_string())
        .unwrap_or_default()
}

/// Returns how far a rotation is, in a word.
fn state(stored: &StoredRotation) -> &'static str {
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
pub(super) fn needs_a_person(stored: &StoredRotation) -> bool {
    !stored.is_closed() && stored.record.rotation.parked.is_some()
}

fn due(stored: &StoredRotation) -> Option<Timestamp> {
    let is_over = stored.is_closed() || needs_a_person(stored);
    stored.task.due.filter(|_| !is_over)
}

/// Returns why a rotation waits, or what became of it.
fn why(stored: &StoredRotation) -> String {
    let record = &stored.record;
    let rotation = &record.rotation;
    if stored.is_abandoned() {
        return "a person gave it up".to_owned();
    }
    if let Some(parked) = &rotation.parked {
        let sink = parked.sink().and_then(|sink| record.sinks.get(sink));
        return match sink {
            Some(sink) => format!("{parked} ({sink})"),
            None => parked.to_string(),
        };
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
pub(super) fn claim(until: Option<Timestamp>) -> String {
    format!(
        "another worker has claimed the queue; if that was killed, its claim runs out at {}",
        shown(until)
    )
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
            Some(attempt) => format!(
                "attempt {} of {} has not reached every sink",
                attempt.number,
                shown(Some(attempt.sent_at))
            ),
            None => "nothing was sent yet".to_owned(),
        },
    };
    match &rotation.last_failure {
        Some(failure) => {
            let at = shown(Some(failure.at));
            format!("{progress}; it failed at {at}: {}", failure.error)
        }
        None => progress,
    }
}

/// Returns what is done next and by what command, or what a person can do.
fn next(stored: &StoredRotation) -> String {
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

/// Returns sentences about what comes after a rotation is given up.
pub(super) fn after_abandoning(stored: &StoredRotation) -> Vec<String> {
    let left = Some(left_behind(&stored.record)).filter(|left| !left.is_empty());
    let left = left.map(|left| format!("Left behind: {left}."));
    let policy = stored.record.policy.as_ref().map(|policy| {
        format!(
            "policies.{policy} leaves the token alone then, until somebody rotates it with \
             `rotate --to`."
        )
    });
    left.into_iter().chain(policy).collect()
}

/// Returns what a person has to do after a rotation was given up.
fn left_behind(record: &RotationRecord) -> String {
    let rotation = &record.rotation;
    let attempts = rotation.left_behind();
    match &record.plan.strategy {
        Strategy::InPlace(_) if attempts.is_empty() => String::new(),
        Strategy::InPlace(_) => {
            let token = rotation.subject.as_ref().map(displayed_id);
            format!(
                "token {} may have another secret than the places hold: try what they hold, and \
                 rotate it again if that is refused",
                token.unwrap_or_default()
            )
        }
        Strategy::Unlisted(unlisted) => {
            let unknown = rotation.unknown_secrets(unlisted.max_lifetime);
            match (unknown.at_most, unknown.dead_by) {
                (0, _) => String::new(),
                (count, Some(dead_by)) => format!(
                    "{count} secrets at most may work that nobody knows, the last until {} unless \
                     it is renewed: the platform does not list them",
                    shown(Some(dead_by))
                ),
                (count, None) => format!(
                    "{count} secrets at most may work that nobody knows: the platform does not list \
                     them"
                ),
            }
        }
        _ => left_beside(record, &attempts),
    }
}

/// Does the same where each attempt makes a token of its own, which bears its marker.
fn left_beside(record: &RotationRecord, attempts: &[&Attempt]) -> String {
    let rotation = &record.rotation;
    let markers: Vec<_> = (attempts.iter())
        .map(|attempt| attempt.marker.as_str())
        .collect();
    let old = match (&rotation.subject, rotation.state) {
        (Some(subject), RotationState::Retiring) => Some(format!(
            "the old token {} may still work: revoke it, unless it is dead already",
            displayed_id(subject)
        )),
        _ => None,
    };
    let kept = match (&rotation.successor, rotation.state) {
        (Some(successor), RotationState::Retiring) => Some(format!(
            "its successor, token {}, was delivered to {}: keep it while it is there",
            displayed_id(&successor.token),
            record.sinks.join(", ")
        )),
        _ => None,
    };
    let made = (!markers.is_empty()).then(|| {
        format!(
            "tokens with the markers {} may exist: revoke those that no sink holds",
            markers.join(", ")
        )
    });
    let left: Vec<_> = kept.into_iter().chain(old).chain(made).collect();
    left.join("; ")
}

/// Returns the earliest time at which the old secret stops working after a delivery, if it is known
/// before: where it is suspended, that is before it is revoked.
pub(super) fn stops_at(record: &RotationRecord, delivered_at: Timestamp) -> Option<Timestamp> {
    let Strategy::Overlap(overlap) = &record.plan.strategy else {
        return None;
    };
    let is_suspended = overlap.suspension && !record.plan.soak.is_zero();
    let suspended_at = record.rotation.suspended_at.filter(|_| is_suspended);
    suspended_at.or_else(|| Some(delivered_at.saturating_add(record.plan.overlap)))
}

/// Returns the earliest time at which the old token is revoked after a delivery, if it is known
/// before.
pub(super) fn revoked_at(record: &RotationRecord, delivered_at: Timestamp) -> Option<Timestamp> {
    let stops_at = stops_at(record, delivered_at)?;
    Some(stops_at.saturating_add(record.plan.soak))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use tokenfleet::capability::{Capabilities, CreateCapability, RevokeCapability};
    use tokenfleet::workflow::Marker;
    use tokenfleet::{Account, CreateToken, RevocationEffect, TokenId};
    use tokenfleet_rotation::machine::{
        Change, InPlace, Overlap, PlannedSink, Rotation, RotationPlan, Successor,
    };
    use tokenfleet_rotation::sink::Readable;

    use super::*;

    fn unlisted() -> Strategy {
        let create = CreateCapability::new().with_max_lifetime(Duration::from_secs(86_400));
        let revoke = RevokeCapability::by_secret(RevocationEffect::Deleted);
        let capabilities = Capabilities::none().with_create(create).with_revoke(revoke);
        Strategy::for_capabilities(&capabilities, Default::default()).unwrap()
    }

    /// Returns what is left behind by a rotation of one attempt, which every place holds or not.
    fn left(strategy: Strategy, subject: Option<&str>, is_delivered: bool) -> String {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let subject = subject.map(TokenId::new);
        let mut rotation = Rotation::new(OperationId::random(), subject.clone(), now);
        let attempt = Attempt::new(1, Marker::random(), now);
        rotation.apply(&Change::Attempting {
            attempt: attempt.with_dead_by(Some(now)),
            replaced: 0,
        });
        if is_delivered {
            let successor = match strategy {
                Strategy::InPlace(_) => subject.unwrap(),
                _ => TokenId::new("new"),
            };
            rotation.apply(&Change::Delivered(Successor::new(1, successor, 1, now)));
        }
        let plan = RotationPlan::new(strategy, [PlannedSink::new(Readable::Secret)]).unwrap();
        let account = Account::new("losant", "iot");
        let request = CreateToken::new("ci");
        let record = RotationRecord::new(account, ["file:/a"], plan, request, rotation);
        left_behind(&record)
    }

    #[test]
    fn only_where_tokens_bear_markers_does_a_rotation_that_was_given_up_speak_of_them() {
        let overlap = || Strategy::Overlap(Overlap::default());
        let in_place = || Strategy::InPlace(InPlace::default());
        for (strategy, subject, is_delivered, expected) in [
            (
                overlap(),
                Some("old"),
                false,
                "revoke those that no sink holds",
            ),
            (
                overlap(),
                Some("old"),
                true,
                "the old token old may still work: revoke it",
            ),
            (
                in_place(),
                Some("old"),
                false,
                "token old may have another secret",
            ),
            (unlisted(), None, false, "1 secrets at most may work"),
        ] {
            let speaks_of_markers = !is_delivered && matches!(strategy, Strategy::Overlap(_));
            let left = left(strategy, subject, is_delivered);
            assert!(left.contains(expected), "{left}");
            assert_eq!(left.contains("marker"), speaks_of_markers, "{left}");
        }
        // The old token is the one that every place holds, and what was counted is none.
        assert_eq!(left(in_place(), Some("old"), true), "");
        assert_eq!(left(unlisted(), None, true), "");
    }
}
