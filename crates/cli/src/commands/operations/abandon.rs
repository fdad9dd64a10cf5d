//! `operations abandon`: a person decides that nothing is left to do.

use tokenfleet::Error;
use tokenfleet::journal::{Journal, Resolution};

use super::{COLUMNS, LESS_IMPORTANT, WriteObject, revocations, rotations, scheduled, unknown};
use crate::accounts::Accounts;
use crate::arguments::AbandonArguments;
use crate::commands::question;
use crate::commands::revocations::{AccountObject, PlanObject};
use crate::commands::rotation_report::RotationObject;
use crate::exit::{Exit, Failure};
use crate::ledger::turned_off;
use crate::output::{Output, Results};

/// Records that a task, or the open writes of an operation, are given up. Nothing is sent.
pub(crate) async fn run(
    accounts: &Accounts,
    arguments: AbandonArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if !arguments.yes && !question::is_possible() {
        return Err(question::impossible().into());
    }
    let ledger = accounts.journals().shared_ledger().await?;
    let ledger = ledger.ok_or_else(turned_off)?;
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    if let Some(plan) = revocations::abandon(&ledger, arguments.id, arguments.yes).await? {
        let object = PlanObject::new(&plan);
        results.add(output, &object, object.operation_row())?;
        results.finish(output)?;
        return Ok(Exit::Success);
    }
    let account = revocations::abandon_account(&ledger, arguments.id, arguments.yes);
    if let Some(account) = account.await? {
        let object = AccountObject::new(&account, ledger.due_queues().await?.at);
        results.add(output, &object, object.operation_row())?;
        results.finish(output)?;
        return Ok(Exit::Success);
    }
    let task = scheduled::abandon(accounts, &ledger, arguments.id, arguments.yes);
    if let Some(task) = task.await? {
        let object = task.object();
        results.add(output, &object, object.row())?;
        results.finish(output)?;
        return Ok(Exit::Success);
    }
    let open = rotations::open(Some(&ledger)).await?;
    let mut unreadable = open.unreadable.iter();
    let unreadable = unreadable.find(|stored| stored.task.id == arguments.id);
    let mut readable = open.rotations.into_iter();
    let rotation = readable.find(|stored| stored.task.id == arguments.id);
    let writes = ledger.writes(arguments.id).await?;
    if writes.is_empty() && rotation.is_none() && unreadable.is_none() {
        return Err(unknown(arguments.id).into());
    }
    // The question about the rotation is about its writes too.
    let is_asked = arguments.yes || rotation.is_some() || unreadable.is_some();
    if let Some(stored) = rotation {
        let abandoned = rotations::abandon(accounts, stored, arguments.yes).await?;
        let object = RotationObject::new(&abandoned);
        results.add(output, &object, object.operation_row())?;
    }
    if let Some(stored) = unreadable {
        let reason = (arguments.id, &stored.error);
        rotations::abandon_unread(accounts, reason, arguments.yes).await?;
    }
    let open: Vec<_> = writes.into_iter().filter(|write| write.is_open()).collect();
    if !is_asked && !open.is_empty() {
        question::show(open.iter().map(|write| {
            let object = WriteObject::new(write);
            format!("{}: {}", object.account, object.action_text())
        }));
        let question = "Give these changes up, whatever became of them? [y/N] ";
        if !question::is_confirmed(question) {
            return Err(Error::invalid_input("not confirmed: nothing was changed").into());
        }
    }
    for mut write in open {
        let resolution = Resolution::Abandoned;
        let id = write.intent.id.clone();
        accounts
            .journals()
            .record_resolution(&id, &resolution)
            .await;
        write.resolution = Some(resolution);
        let object = WriteObject::new(&write);
        results.add(output, &object, object.row())?;
    }
    results.finish(output)?;
    Ok(Exit::Success)
}
