//! The rotations that are due: how they are begun, carried on and printed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokenfleet::{Error, ErrorKind, Fate, Result, Timestamp};
use tokenfleet_rotation::machine::RotationState;
use tokenfleet_rotation::policy::Due;
use tokenfleet_rotation::runner::StoredRotation;

use super::rotation_report::{COLUMNS, LESS_IMPORTANT, RotationObject, claim, needs_a_person};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results, print_error, print_warning};
use crate::policies::{ConfiguredPolicy, Policies};
use crate::program_name::command_line;
use crate::rotations::{Prepared, Rotations, Stop, carry_on, check_writable, find_covered};

/// The time after which a rotation that is due and does not go on is a finding.
const OVERDUE: Duration = Duration::from_secs(24 * 60 * 60);

/// The rotations that were opened for a policy, and what could not be rotated.
#[derive(Default)]
pub(super) struct BegunByPolicy {
    pub(super) rotations: Vec<StoredRotation>,
    /// The exit codes of what could not be rotated or listed.
    pub(super) exits: Vec<Exit>,
    /// The last failure to open one that may be opened a moment later, as when the ledger was away.
    pub(super) failure: Option<String>,
    /// The earliest time at which another token is due.
    pub(super) next: Option<Timestamp>,
    /// `true` if a request to stop came before every due token had its rotation.
    pub(super) is_stopped: bool,
}

impl BegunByPolicy {
    /// Notes that a token could not be rotated.
    fn note(&mut self, error: &Error) {
        self.exits.push(Exit::AnswerIsNo);
        if error.kind().is_transient() {
            self.failure = Some(error.to_string());
        }
    }
}

/// Returns `true` if there is something to do for an open rotation at a time, which is one by the
/// clock of the ledger.
pub(super) fn is_due(stored: &StoredRotation, now: Timestamp) -> bool {
    stored.task.due.is_some_and(|due| due <= now)
}

/// Reports the open rotations that cannot be read, and returns their exit codes.
pub(super) async fn report_unreadable(
    rotations: &Rotations<'_>,
    requested_format: Option<Format>,
) -> Result<Vec<Exit>> {
    let unreadable = rotations.unreadable().await?;
    for error in &unreadable {
        print_error(requested_format, error);
    }
    Ok(unreadable.iter().map(|_| Exit::AnswerIsNo).collect())
}

/// Waits for the work of a command, but not after a second request to stop.
pub(super) async fn until_insisted(
    working: impl Future<Output = Result<Exit, Failure>>,
    stop: &Stop,
    requested_format: Option<Format>,
) -> Result<Exit, Failure> {
    tokio::select! {
        biased;
        exit = working => exit,
        // What is under way is in the ledger.
        () = stop.insisted() => {
            print_error(requested_format, &stopped("what was under way was not finished"));
            Ok(Exit::OutcomeUnknown)
        }
    }
}

/// Creates the error about what a request to stop has left unfinished.
pub(super) fn stopped(unfinished: &str) -> Error {
    let message = format!("the program was asked to stop: {unfinished}");
    let (worker, list) = (command_line("worker --once"), command_line("operations"));
    Error::new(ErrorKind::Other, Fate::NotSent, message).with_advice(format!(
        "`{worker}` goes on, and `{list}` lists what is open"
    ))
}

/// Creates the error about policies whose tokens were not all read.
pub(super) fn stopped_before(policies: &[&str]) -> Error {
    let names: Vec<_> = policies
        .iter()
        .map(|name| format!("policies.{name}"))
        .collect();
    stopped(&format!(
        "the tokens of {} were not all read",
        names.join(", ")
    ))
}

/// Opens a rotation of each token that is due by a policy. What cannot be rotated is reported.
pub(super) async fn begin_due(
    rotations: &Rotations<'_>,
    policies: &Policies,
    policy: &ConfiguredPolicy,
    stop: &Stop,
    requested_format: Option<Format>,
) -> Result<BegunByPolicy> {
    let provider = rotations.accounts.open_one(&policy.config.account)?;
    check_writable(&*provider)?;
    let mut begun = BegunByPolicy::default();
    let found = tokio::select! {
        biased;
        // A listing changes nothing, so nothing of it is lost.
        () = stop.requested() => {
            begun.is_stopped = true;
            return Ok(begun);
        }
        // A large future, which each caller would hold.
        found = Box::pin(find_covered(rotations, policies, policy, &*provider)) => found?,
    };
    if let Some(reason) = &found.incomplete {
        let account = &policy.config.account;
        print_warning(&format!(
            "{account}: a token may not have been seen: {reason}"
        ));
        begun.exits.push(Exit::Incomplete);
    }
    for oversight in &found.oversights {
        print_warning(&oversight.to_string());
    }
    for place in found.dead_places_of(policy.name()) {
        print_error(requested_format, &place.error(&rotations.sinks));
        begun.exits.push(Exit::AnswerIsNo);
    }
    for (id, covered) in found.covered {
        if stop.is_requested() {
            begun.is_stopped = true;
            break;
        }
        let covered = match covered {
            Ok(covered) => covered,
            Err(error) => {
                let error = match &id {
                    Some(id) => error.with_message_prefix(&format!("token {id}")),
                    None => error,
                };
                print_error(requested_format, &error);
                begun.note(&error);
                continue;
            }
        };
        if !covered.is_due() {
            if let Due::At(at) = covered.due {
                begun.next = Some(begun.next.map_or(at, |next| next.min(at)));
            }
            continue;
        }
        match rotations.begin(&covered.record, covered.previous).await {
            // One that was open before is carried on when it is due itself, and the token of one
            // that is over by now is rotated already.
            Ok(opened) if opened.is_new => begun.rotations.push(opened.stored),
            Ok(_) => {}
            Err(error) => {
                let error = error.with_account(&covered.record.account);
                print_error(requested_format, &error);
                begun.note(&error);
            }
        }
    }
    Ok(begun)
}

/// Opens the accounts and the sinks of rotations. What cannot be opened is reported.
pub(super) async fn prepare(
    rotations: &Rotations<'_>,
    due: Vec<StoredRotation>,
    requested_format: Option<Format>,
    exits: &mut Vec<Exit>,
) -> Vec<Prepared> {
    let mut prepared = Vec::new();
    for stored in due {
        if let Some(error) = rotations.lost_policy(&stored.record) {
            print_error(requested_format, &error);
            exits.push(Exit::AnswerIsNo);
            continue;
        }
        match rotations.prepare(stored).await {
            Ok(rotation) => prepared.push(rotation),
            Err(error) => {
                print_error(requested_format, &error);
                exits.push(Exit::from_error(&error));
            }
        }
    }
    prepared
}

/// Advances rotations, prints each as soon as it stands still and then those that nothing was done
/// for although they are not well, and returns the exit codes. `is_in_scope` says which open
/// rotations are looked through for the latter.
pub(super) async fn carry_on_and_print(
    rotations: &Rotations<'_>,
    due: Vec<StoredRotation>,
    is_in_scope: impl Fn(&StoredRotation) -> bool,
    stop: &Stop,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Vec<Exit>, Failure> {
    let mut exits = Vec::new();
    let mut seen_to: BTreeSet<_> = due.iter().map(|stored| stored.task.id).collect();
    let prepared = prepare(rotations, due, requested_format, &mut exits).await;
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    let mut written = Ok(());
    let mut unfinished = 0_usize;
    carry_on(prepared, stop, |progressed| {
        let progressed = match progressed {
            Ok(progressed) => progressed,
            Err(error) => {
                print_error(requested_format, &error);
                exits.push(Exit::from_error(&error));
                return;
            }
        };
        if let Err(error) = &progressed.advanced {
            print_error(requested_format, error);
        }
        if progressed.is_in_other_hands() {
            seen_to.remove(&progressed.stored.task.id);
            return;
        }
        unfinished += usize::from(progressed.is_stopped());
        exits.push(progressed.exit());
        let object = RotationObject::new(&progressed.stored);
        let row = object.row();
        let added = results
            .add(output, &object, row)
            .and_then(|()| output.flush());
        if let Err(error) = added {
            // The work goes on, whoever reads.
            written = Err(error);
        }
    })
    .await;
    let left = match unfinished {
        0 => None,
        1 => Some("1 rotation is not finished".to_owned()),
        count => Some(format!("{count} rotations are not finished")),
    };
    if let Some(left) = left {
        print_error(requested_format, &stopped(&left));
    }
    written?;
    let mut claims = BTreeMap::new();
    let now = rotations.now().await?;
    for stored in rotations.open_ones().await? {
        if seen_to.contains(&stored.task.id) || !is_in_scope(&stored) {
            continue;
        }
        match standstill(&stored, now) {
            Some(Standstill::Claimed(until)) => {
                claims.insert(stored.task.queue.clone(), until);
            }
            Some(Standstill::Unwell(exit)) => {
                exits.push(exit);
                let object = RotationObject::new(&stored);
                let row = object.row();
                results.add(output, &object, row)?;
            }
            None => {}
        }
    }
    for (queue, until) in claims {
        exits.push(Exit::OutcomeUnknown);
        print_warning(&format!("{queue}: {}", claim(Some(until))));
    }
    results.finish(output)?;
    Ok(exits)
}

/// The reason why nothing was done for an open rotation that is not well.
enum Standstill {
    /// Another worker has claimed its queue until this time.
    Claimed(Timestamp),
    Unwell(Exit),
}

fn standstill(stored: &StoredRotation, now: Timestamp) -> Option<Standstill> {
    let rotation = &stored.record.rotation;
    if needs_a_person(stored) || is_overdue(stored, now) {
        return Some(Standstill::Unwell(Exit::AnswerIsNo));
    }
    if let Some(until) = stored.queue_claimed_until
        && until > now
    {
        return is_due(stored, now).then_some(Standstill::Claimed(until));
    }
    // A sink may lack the new secret, or the old token should be revoked by now.
    let is_unfinished = rotation.state == RotationState::Issuing || rotation.last_failure.is_some();
    is_unfinished.then_some(Standstill::Unwell(Exit::OutcomeUnknown))
}

/// Returns `true` for a rotation that was due long ago and does not go on.
fn is_overdue(stored: &StoredRotation, now: Timestamp) -> bool {
    let latest = now.checked_sub(OVERDUE);
    stored
        .task
        .due
        .zip(latest)
        .is_some_and(|(due, latest)| due < latest)
}
