//! The output of rotations: how far each is, why it waits and what to do.

mod left_behind;
mod progress;
mod times;

use serde::Serialize;
use tokenfleet::journal::OperationId;
use tokenfleet::{Operation, Timestamp};
use tokenfleet_rotation::machine::{AttemptOutcome, RotationState, Strategy};
use tokenfleet_rotation::runner::StoredRotation;

use crate::output::displayed_id;

pub(super) use left_behind::after_abandoning;
pub(super) use progress::{claim, needs_a_person, waits_for_a_person};
use progress::{due, next, state, why};
pub(super) use times::{revoked_at, stops_at};

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

/// The columns before the values in the lines of a rotation.
pub(super) const INDENT: usize = 11;

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
                AttemptOutcome::Withdrawn => "withdrawn",
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
