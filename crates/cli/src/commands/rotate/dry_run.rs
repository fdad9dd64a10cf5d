//! The rotations that a policy would begin and carry on, without changing anything.

use std::sync::Arc;

use serde::Serialize;
use tokenfleet::journal::OperationId;
use tokenfleet::{Result, Timestamp};
use tokenfleet_rotation::machine::{OldSecret, RotationState, Strategy};
use tokenfleet_rotation::policy::Due;
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation};
use tokenfleet_rotation::sink::{Readable, SecretSink};

use crate::accounts::Accounts;
use crate::commands::due_rotations::{is_due, report_unreadable};
use crate::commands::rotation_report::{needs_a_person, revoked_at, stops_at, waits_for_a_person};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results, displayed_id, print_error, print_warning};
use crate::policies::Policies;
use crate::rotations::{Covered, Rotations, find_covered};

const COLUMNS: [&str; 9] = [
    "account",
    "token",
    "name",
    "due",
    "is_due",
    "places",
    "requests",
    "stops_at",
    "revoked_at",
];

/// The columns that a narrow terminal leaves out.
const LESS_IMPORTANT: [&str; 3] = ["requests", "is_due", "account"];

/// A rotation that would be begun or carried on.
#[derive(Serialize)]
struct PlannedObject<'a> {
    /// The open rotation, or `None` for one that would be begun.
    operation: Option<OperationId>,
    account: &'a str,
    provider: &'a str,
    policy: Option<&'a str>,
    token: Option<String>,
    name: Option<&'a str>,
    /// The time at which it is due, or `None` if it is never due, or at once because its age is not
    /// known.
    due: Option<Timestamp>,
    is_due: bool,
    /// The requests, in order, if nothing fails.
    requests: Vec<String>,
    places: Vec<PlaceObject>,
    /// The same places, under the key that rotations have them.
    sinks: &'a [String],
    /// The earliest time at which the old secret stops working, if it is known.
    stops_at: Option<Timestamp>,
    /// The earliest time at which it is revoked, which is later where it is suspended before.
    revoked_at: Option<Timestamp>,
    /// `true` if the old secret stops working as soon as there is a new one.
    #[serde(skip)]
    stops_at_once: bool,
}

/// A place that would be written.
#[derive(Serialize)]
struct PlaceObject {
    place: String,
    /// `true` if it holds what somebody else wrote, and the sink does not replace that; `None` if
    /// it does not tell.
    needs_adoption: Option<bool>,
    /// The reason why it cannot be read or written.
    error: Option<String>,
}

pub(super) async fn run(
    accounts: &Accounts,
    name: &str,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let rotations = Rotations::open_existing(accounts).await?;
    let policies = Policies::read(accounts.configuration(), &rotations.sinks)?;
    let policy = policies.named(name)?;
    let provider = accounts.open_one(&policy.config.account)?;
    let ledger = rotations.ledger_id();
    let format = output.format();
    let requested_format = (format != Format::Table).then_some(format);
    let mut exits = report_unreadable(&rotations, requested_format).await?;
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    let mut add = |planned: PlannedObject<'_>, exits: &mut Vec<Exit>| {
        if planned.places.iter().any(PlaceObject::is_in_the_way) {
            exits.push(Exit::AnswerIsNo);
        }
        let row = planned.row();
        results.add(output, &planned, row)
    };
    let now = rotations.now().await?;
    let mut open = rotations.open_ones().await?;
    open.retain(|stored| stored.record.policy.as_deref() == Some(name));
    for stored in open.iter().filter(|stored| needs_a_person(stored)) {
        print_error(requested_format, &waits_for_a_person(stored));
        exits.push(Exit::AnswerIsNo);
    }
    open.retain(|stored| is_due(stored, now));
    for stored in &open {
        match rotations.open_sinks(&stored.record).await {
            Ok(sinks) => add(
                PlannedObject::carried_on(stored, &sinks, ledger).await,
                &mut exits,
            )?,
            Err(error) => {
                print_error(requested_format, &error);
                exits.push(Exit::from_error(&error));
            }
        }
    }
    let found = find_covered(&rotations, &policies, policy, &*provider).await?;
    if let Some(reason) = &found.incomplete {
        print_warning(&format!("a token may not have been seen: {reason}"));
        exits.push(Exit::Incomplete);
    }
    for oversight in &found.oversights {
        print_warning(&oversight.to_string());
    }
    for place in found.dead_places_of(name) {
        print_error(requested_format, &place.error(&rotations.sinks));
        exits.push(Exit::AnswerIsNo);
    }
    for (id, covered) in &found.covered {
        match covered {
            Ok(covered) => add(PlannedObject::begun(covered, ledger).await, &mut exits)?,
            Err(error) => {
                let error = match id {
                    Some(id) => error.clone().with_message_prefix(&format!("token {id}")),
                    None => error.clone(),
                };
                print_error(requested_format, &error);
                exits.push(Exit::AnswerIsNo);
            }
        }
    }
    results.finish(output)?;
    Exit::combine(exits).after_writing(output.flush())
}

impl<'a> PlannedObject<'a> {
    /// Describes an open rotation that would be carried on now.
    async fn carried_on(
        stored: &'a StoredRotation,
        sinks: &[Arc<dyn SecretSink>],
        ledger: &str,
    ) -> Self {
        let record = &stored.record;
        let successor = record.rotation.successor.as_ref();
        let delivered_at = successor.map_or_else(Timestamp::now, |done| done.delivered_at);
        Self {
            operation: Some(stored.task.id),
            due: stored.task.due,
            is_due: true,
            stops_at: stops_at(record, delivered_at),
            revoked_at: revoked_at(record, delivered_at),
            ..Self::new(record, sinks, ledger).await
        }
    }

    /// Describes a rotation that would be begun when it is due.
    async fn begun(covered: &'a Covered, ledger: &str) -> Self {
        let record = &covered.record;
        let due = match covered.due {
            Due::At(at) => Some(at),
            _ => None,
        };
        let now = Timestamp::now();
        let begins_at = due.map_or(now, |due| due.max(now));
        let is_ever = !matches!(covered.due, Due::Never);
        Self {
            due,
            is_due: covered.is_due(),
            stops_at: stops_at(record, begins_at).filter(|_| is_ever),
            revoked_at: revoked_at(record, begins_at).filter(|_| is_ever),
            ..Self::new(record, &covered.sinks, ledger).await
        }
    }

    async fn new(record: &'a RotationRecord, sinks: &[Arc<dyn SecretSink>], ledger: &str) -> Self {
        let mut places = Vec::new();
        for (place, sink) in record.sinks.iter().zip(sinks) {
            places.push(PlaceObject::read(place, &**sink, ledger).await);
        }
        Self {
            operation: None,
            account: record.account.name(),
            provider: record.account.provider(),
            policy: record.policy.as_deref(),
            token: record.rotation.subject.as_ref().map(displayed_id),
            name: record.token_name.as_deref(),
            due: None,
            is_due: false,
            requests: requests(record),
            places,
            sinks: &record.sinks,
            stops_at: None,
            revoked_at: None,
            stops_at_once: matches!(record.plan.strategy, Strategy::InPlace(_)),
        }
    }
}

/// Returns the requests of a rotation from here on in order, if nothing fails.
fn requests(record: &RotationRecord) -> Vec<String> {
    let plan = &record.plan;
    let subject = record.rotation.subject.as_ref();
    let token = subject.map(displayed_id).unwrap_or_default();
    let readable = record.sinks.iter().zip(&plan.sinks);
    let readable = readable.filter(|(_, sink)| sink.readable > Readable::Nothing);
    let reads: Vec<_> = readable.map(|(sink, _)| format!("read {sink}")).collect();
    let mut requests = Vec::new();
    if record.rotation.state == RotationState::Issuing {
        requests.extend(reads.iter().cloned());
        requests.push(match &plan.strategy {
            Strategy::InPlace(_) => format!("rotate {token}"),
            _ => match &record.request.name {
                Some(name) => format!("create {name:?}"),
                None => "create".to_owned(),
            },
        });
        if let Strategy::Overlap(overlap) = &plan.strategy
            && overlap.verifies_before_delivery()
        {
            requests.push("verify the new secret".to_owned());
        }
        requests.extend(record.sinks.iter().map(|sink| format!("write {sink}")));
    }
    if let Strategy::Overlap(overlap) = &plan.strategy {
        let waits_for_rest = overlap.last_used
            && plan.rest.is_some()
            && !plan.overlap.is_zero()
            && record.rotation.suspended_at.is_none();
        if waits_for_rest || overlap.reused_ids {
            requests.push(format!("look up {token}"));
        }
    }
    requests.extend(reads);
    if plan.strategy.verifies() {
        requests.push("verify what the places hold".to_owned());
    }
    match &plan.strategy {
        Strategy::Overlap(overlap) => {
            let suspends = overlap.suspension && !plan.soak.is_zero();
            if suspends && record.rotation.suspended_at.is_none() {
                requests.push(format!("suspend {token}"));
            }
            requests.push(format!("revoke {token}"));
        }
        Strategy::Unlisted(_) if plan.old_secret == OldSecret::Revoke => {
            requests.push("revoke the old secret".to_owned());
        }
        _ => {}
    }
    requests
}

impl PlaceObject {
    async fn read(place: &str, sink: &dyn SecretSink, ledger: &str) -> Self {
        let declared = sink.capabilities();
        let (needs_adoption, error) = if declared.adopts {
            (Some(false), None)
        } else if declared.readable == Readable::Nothing {
            (None, None)
        } else {
            match sink.read().await {
                Ok(state) => {
                    let stamp = state.stamp.as_ref();
                    let is_ours = stamp.is_some_and(|stamp| stamp.ledger() == ledger);
                    let is_held = state.secret.is_some() || stamp.is_some();
                    (Some(is_held && !is_ours), None)
                }
                Err(error) => (None, Some(error.to_string())),
            }
        };
        let error = match error {
            None => sink.check().await.err().map(|error| error.to_string()),
            error => error,
        };
        Self {
            place: place.to_owned(),
            needs_adoption,
            error,
        }
    }

    /// Returns `true` if the rotation would not be carried out because of it.
    fn is_in_the_way(&self) -> bool {
        self.needs_adoption == Some(true) || self.error.is_some()
    }

    fn text(&self) -> String {
        let note = match (&self.error, self.needs_adoption) {
            (Some(error), _) => format!(" (cannot be used: {error})"),
            (None, Some(true)) => {
                " (holds what somebody else wrote: `adopt = true` in its table replaces it)"
                    .to_owned()
            }
            _ => String::new(),
        };
        format!("{}{note}", self.place)
    }
}

impl PlannedObject<'_> {
    fn row(&self) -> Vec<String> {
        let times = [self.due, self.stops_at, self.revoked_at];
        let [due, mut stops_at, revoked_at] = times.map(|at| {
            at.map(|at| at.truncated_to_seconds().to_string())
                .unwrap_or_default()
        });
        if self.stops_at_once {
            stops_at = "at once".to_owned();
        }
        let places: Vec<_> = self.places.iter().map(PlaceObject::text).collect();
        vec![
            self.account.to_owned(),
            self.token.clone().unwrap_or_default(),
            self.name.unwrap_or_default().to_owned(),
            due,
            self.is_due.to_string(),
            places.join(", "),
            self.requests.join("; "),
            stops_at,
            revoked_at,
        ]
    }
}
