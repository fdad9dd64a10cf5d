//! The output of rotations: how far each is, why it waits and what to do.

use serde::Serialize;
use tokenfleet::journal::OperationId;
use tokenfleet::{Operation, Timestamp};
use tokenfleet_rotation::machine::{AttemptOutcome, RotationState, Strategy};
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
            stops_at: delivered_at.and_then(|at| stops_at(record, at)),
            revoked_at: delivered_at.and_then(|at| revoked_at(record, at)),
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
    let delivered_stop = (rotation.successor.as_ref())
        .and_then(|successor| stops_at(record, successor.delivered_at));
    match rotation.state {
        RotationState::Done => match record.plan.strategy {
            Strategy::Unlisted(_) => "every sink holds the new secret".to_owned(),
            _ => "every sink holds the new secret, and the old one does not work".to_owned(),
        },
        _ if stored.task.claimed_until > Some(now) => format!(
            "a worker carries it on; if that was killed, its claim runs out at {}",
            shown(stored.task.claimed_until)
        ),
        RotationState::Retiring => match (rotation.suspended_at, delivered_stop) {
            (Some(at), _) => format!("the old token is suspended since {}", shown(Some(at))),
            (None, Some(at)) if at > now => format!(
                "every sink holds the new secret; the old one works until {} at least",
                shown(Some(at))
            ),
            _ => "every sink holds the new secret; the old one may still work".to_owned(),
        },
        _ => match rotation.attempts.last() {
            Some(attempt) => format!(
                "attempt {} of {} has not reached every sink",
                attempt.number,
                shown(Some(attempt.sent_at))
            ),
            None => "nothing was sent yet".to_owned(),
        },
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
    if stored.record.rotation.parked.is_some() {
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

/// Returns what a person has to do after a rotation was given up.
fn left_behind(record: &RotationRecord) -> String {
    let rotation = &record.rotation;
    let markers: Vec<_> = (rotation.left_behind().into_iter())
        .map(|attempt| attempt.marker.as_str())
        .collect();
    let old = match (&rotation.subject, rotation.state) {
        (Some(subject), RotationState::Retiring) => Some(format!(
            "the old token {} may still work: revoke it",
            displayed_id(subject)
        )),
        _ => None,
    };
    let made = (!markers.is_empty()).then(|| {
        format!(
            "tokens with the markers {} may exist: revoke those that no sink holds",
            markers.join(", ")
        )
    });
    let left: Vec<_> = old.into_iter().chain(made).collect();
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
