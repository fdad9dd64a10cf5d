//! The rotations among the operations.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokenfleet::journal::OperationId;
use tokenfleet::{Error, ErrorKind, Fate, Result};
use tokenfleet_ledger::Ledger;
use tokenfleet_rotation::runner::{Advanced, LedgerRotationStore, StoredRotation, StoredRotations};

use crate::accounts::Accounts;
use crate::arguments::ResumeArguments;
use crate::commands::question;
use crate::commands::rotation_report::{RotationObject, after_abandoning};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results, print_error, print_warning};
use crate::program_name::command_line;
use crate::progress::with_progress;
use crate::rotations::{Progressed, Rotations, StampedPlaces, Stop};

/// A rotation after it was carried on.
#[derive(Serialize)]
struct ResumedObject<'a> {
    #[serde(flatten)]
    rotation: RotationObject<'a>,
    outcome: &'static str,
    detail: String,
}

/// Returns the open rotations of a ledger, the oldest first.
pub(super) async fn open(ledger: Option<&Arc<dyn Ledger>>) -> Result<StoredRotations> {
    match ledger {
        Some(ledger) => store(ledger).await?.open_rotations().await,
        None => Ok(StoredRotations::default()),
    }
}

/// Returns the rotations of a ledger that are done or were given up, the oldest first.
pub(super) async fn closed(ledger: Option<&Arc<dyn Ledger>>) -> Result<StoredRotations> {
    match ledger {
        Some(ledger) => store(ledger).await?.closed_rotations().await,
        None => Ok(StoredRotations::default()),
    }
}

/// Returns a rotation, open or closed.
pub(super) async fn find(
    ledger: &Arc<dyn Ledger>,
    id: OperationId,
) -> Result<Option<StoredRotation>> {
    store(ledger).await?.rotation(id).await
}

async fn store(ledger: &Arc<dyn Ledger>) -> Result<LedgerRotationStore> {
    let tasks: Arc<dyn Ledger> = Arc::clone(ledger);
    LedgerRotationStore::open(tasks).await
}

/// Returns the ids of the rotations, whose writes are theirs to finish.
pub(super) fn ids(open: &StoredRotations) -> BTreeSet<OperationId> {
    let readable = open.rotations.iter().map(|stored| stored.task.id);
    let unreadable = open.unreadable.iter().map(|stored| stored.task.id);
    readable.chain(unreadable).collect()
}

/// Lets rotations go on and carries them on as far as they go without waiting.
pub(super) async fn resume(
    accounts: &Accounts,
    ids: &BTreeSet<OperationId>,
    arguments: &ResumeArguments,
    requested_format: Option<Format>,
    (results, output): (&mut Results, &mut Output),
) -> Result<Vec<Exit>, Failure> {
    let rotations = Rotations::open(accounts).await?;
    if !arguments.yes {
        ask(&rotations, ids).await?;
    }
    let stop = Stop::listen().await;
    let mut exits = Vec::new();
    for id in ids {
        let progressed = match resume_one(&rotations, *id, arguments, &stop).await {
            Ok(progressed) => progressed,
            Err(error) => {
                print_error(requested_format, &error);
                exits.push(Exit::from_error(&error));
                continue;
            }
        };
        if let Err(error) = &progressed.advanced {
            print_error(requested_format, error);
        }
        exits.push(progressed.exit());
        let rotation = RotationObject::new(&progressed.stored);
        let object = ResumedObject {
            outcome: outcome(&progressed),
            detail: rotation.detail(),
            rotation,
        };
        let row = object.rotation.resumed_row(object.outcome);
        results.add(output, &object, row)?;
        output.flush()?;
    }
    Ok(exits)
}

async fn ask(rotations: &Rotations<'_>, ids: &BTreeSet<OperationId>) -> Result<()> {
    let mut lines = Vec::new();
    for id in ids {
        let stored = rotations.find(*id).await?;
        lines.extend(RotationObject::new(&stored).lines());
    }
    question::show(lines);
    let question = "Go on? The old secret is revoked once every sink holds the new one. [y/N] ";
    if question::is_confirmed(question) {
        return Ok(());
    }
    Err(Error::invalid_input("not confirmed: nothing was changed"))
}

async fn resume_one(
    rotations: &Rotations<'_>,
    id: OperationId,
    arguments: &ResumeArguments,
    stop: &Stop,
) -> Result<Progressed> {
    let stored = rotations.find(id).await?;
    // Before anything is changed: the account may be read-only, or another one by now.
    rotations.prepare(stored.clone()).await?;
    let store = &rotations.store;
    if arguments.adopt && !store.adopt(id).await? {
        return Err(in_other_hands(id));
    }
    let is_parked = stored.record.rotation.parked.is_some();
    let is_resumed = if arguments.after_restore {
        store.resume_after_restore(id).await?
    } else {
        !is_parked || store.resume(id).await?
    };
    if !is_resumed {
        return Err(in_other_hands(id));
    }
    let prepared = rotations.prepare(rotations.find(id).await?).await?;
    let account = stored.record.account;
    let progress = || format!("{account}: rotating");
    let prepared = prepared.retrying_now();
    with_progress(progress, prepared.advance(Duration::ZERO, stop)).await
}

/// Gives a rotation up and returns it as it is then.
pub(super) async fn abandon(
    accounts: &Accounts,
    stored: StoredRotation,
    is_confirmed: bool,
) -> Result<StoredRotation> {
    if !is_confirmed {
        let mut lines = RotationObject::new(&stored).lines();
        lines.extend(after_abandoning(&stored));
        question::show(lines);
        let question = "Give this rotation up? Nothing is revoked, and the sinks keep what they \
                        hold. [y/N] ";
        if !question::is_confirmed(question) {
            return Err(Error::invalid_input("not confirmed: nothing was changed"));
        }
    }
    let rotations = Rotations::open(accounts).await?;
    let id = stored.task.id;
    if !rotations.store.abandon(id).await? {
        return Err(in_other_hands(id));
    }
    let abandoned = rotations.find(id).await?;
    warn_of_doubts(&rotations, &abandoned).await;
    Ok(abandoned)
}

/// Warns of the places of a rotation of which nobody knows whose secret they hold: it may be that
/// of a token that looks superfluous.
async fn warn_of_doubts(rotations: &Rotations<'_>, abandoned: &StoredRotation) {
    let Ok(mut places) = StampedPlaces::collect(rotations).await else {
        return;
    };
    let locate = command_line("locate --secret-file FILE");
    for place in &abandoned.record.sinks {
        if let Some(doubt) = places.doubt(place).await {
            print_warning(&format!(
                "whose secret {place} holds is not known ({doubt}): revoke none of the tokens of \
                 this rotation before `{locate}` has told it"
            ));
        }
    }
}

/// Gives a rotation up whose record cannot be read, for this reason.
pub(super) async fn abandon_unread(
    accounts: &Accounts,
    (id, reason): (OperationId, &Error),
    is_confirmed: bool,
) -> Result<()> {
    if !is_confirmed {
        question::show([reason.to_string()]);
        let question = "Give this rotation up without knowing what it did? Nothing is revoked, and \
                        the sinks keep what they hold. [y/N] ";
        if !question::is_confirmed(question) {
            return Err(Error::invalid_input("not confirmed: nothing was changed"));
        }
    }
    let rotations = Rotations::open(accounts).await?;
    if rotations.store.abandon(id).await? {
        Ok(())
    } else {
        Err(in_other_hands(id))
    }
}

fn outcome(progressed: &Progressed) -> &'static str {
    match &progressed.advanced {
        Ok(Some(Advanced::Done)) => "done",
        Ok(Some(Advanced::Waiting { .. })) => "waiting",
        Ok(Some(Advanced::Parked(_))) => "parked",
        Ok(Some(Advanced::NotOurs)) => "under_way",
        Ok(_) => "stopped",
        Err(_) => "failed",
    }
}

fn in_other_hands(id: OperationId) -> Error {
    let message = format!("a worker holds the queue of the rotation {id}");
    Error::new(ErrorKind::Conflict, Fate::NotSent, message).with_advice(
        "try again when it has ended; the claim of a worker that was killed runs out by itself, \
         after 25 seconds or after the longest time of the command that it ran",
    )
}
