//! The revocations by workers among the operations.

use std::collections::HashMap;
use std::sync::Arc;

use tokenfleet::journal::OperationId;
use tokenfleet::{Error, Result};
use tokenfleet_ledger::Ledger;

use super::{COLUMNS, LESS_IMPORTANT, Listed, WriteObject, unknown};
use crate::accounts::Accounts;
use crate::commands::question;
use crate::commands::revocations::{
    self, AccountObject, PlanObject, StoredAccount, StoredPlan, StoredPlans,
};
use crate::exit::{Exit, Failure};
use crate::ledger::turned_off;
use crate::output::{Format, Output, Results, print_warning};

const LEAVE_THE_REST: &str = "Leave the tokens alone that are not begun? [y/N] ";

/// Returns the plans that are to be listed, the oldest first.
pub(super) async fn listed(
    ledger: Option<&Arc<dyn Ledger>>,
    listed: Listed,
) -> Result<StoredPlans> {
    match (ledger, listed) {
        (None, _) => Ok(StoredPlans::default()),
        (Some(ledger), Listed::Open) => StoredPlans::open(&**ledger).await,
        (Some(ledger), Listed::Done) => StoredPlans::closed(&**ledger).await,
    }
}

/// Shows a plan with its accounts, or one account with its writes. Returns `false` if the id is
/// that of neither.
pub(super) async fn show(
    ledger: &dyn Ledger,
    id: OperationId,
    output: &mut Output,
) -> Result<bool, Failure> {
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    if let Some(plan) = StoredPlan::find(ledger, id).await? {
        let object = PlanObject::new(&plan);
        results.add(output, &object, object.operation_row())?;
        let now = ledger.due_queues().await?.at;
        for account in plan.accounts(ledger, &mut HashMap::new()).await? {
            let object = AccountObject::new(&account, now);
            results.add(output, &object, object.operation_row())?;
        }
    } else if let Some(account) = StoredAccount::find(ledger, id).await? {
        let object = AccountObject::new(&account, ledger.due_queues().await?.at);
        results.add(output, &object, object.operation_row())?;
        for write in &ledger.writes(id).await? {
            let object = WriteObject::new(write);
            results.add(output, &object, object.row())?;
        }
    } else {
        return Ok(false);
    }
    results.finish(output)?;
    Ok(true)
}

/// Prints the verdicts of a plan as they come.
pub(in crate::commands) async fn watch(
    accounts: &Accounts,
    id: OperationId,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ledger = accounts.journals().existing_ledger().await?;
    let ledger = ledger.ok_or_else(turned_off)?;
    if StoredPlan::find(&*ledger, id).await?.is_none() {
        return Err(unknown(id).into());
    }
    revocations::watch(accounts, &*ledger, id, requested_format, output).await
}

/// Lets a plan go on although its canary wave failed. Returns `None` if the id is that of no plan.
pub(super) async fn resume(
    ledger: &Arc<dyn Ledger>,
    id: OperationId,
    is_confirmed: bool,
) -> Result<Option<StoredPlan>> {
    let question = "Revoke the other tokens nevertheless? [y/N] ";
    if !is_known_and_confirmed(ledger, id, is_confirmed, question).await? {
        return Ok(None);
    }
    revocations::resume(ledger, id).await.map(Some)
}

/// Gives up what is not begun of a plan. Returns `None` if the id is that of no plan.
pub(super) async fn abandon(
    ledger: &Arc<dyn Ledger>,
    id: OperationId,
    is_confirmed: bool,
) -> Result<Option<StoredPlan>> {
    if !is_known_and_confirmed(ledger, id, is_confirmed, LEAVE_THE_REST).await? {
        return Ok(None);
    }
    let (plan, at_work) = revocations::abandon(ledger, id).await?;
    if !at_work.is_empty() {
        let count = at_work.len();
        print_warning(&format!(
            "the queues of {count} accounts are still held: their workers stop, or the next ones \
             will"
        ));
    }
    Ok(Some(plan))
}

/// Gives up what is not begun of one account of a plan. Returns `None` if the id is that of none
/// that is open.
pub(super) async fn abandon_account(
    ledger: &Arc<dyn Ledger>,
    id: OperationId,
    is_confirmed: bool,
) -> Result<Option<StoredAccount>> {
    let found = StoredAccount::find(&**ledger, id).await?;
    let Some(account) = found.filter(|found| found.task.is_open()) else {
        return Ok(None);
    };
    if !is_confirmed {
        let object = AccountObject::new(&account, ledger.due_queues().await?.at);
        question::show([object.operation_row().join("  ")]);
        confirm(LEAVE_THE_REST)?;
    }
    revocations::abandon_account(ledger, id).await.map(Some)
}

/// Asks whether a plan is to be changed. Returns `false` if the id is that of no plan.
async fn is_known_and_confirmed(
    ledger: &Arc<dyn Ledger>,
    id: OperationId,
    is_confirmed: bool,
    question: &str,
) -> Result<bool> {
    let Some(plan) = StoredPlan::find(&**ledger, id).await? else {
        return Ok(false);
    };
    if is_confirmed {
        return Ok(true);
    }
    let object = PlanObject::new(&plan);
    question::show([object.operation_row().join("  ")]);
    confirm(question).map(|()| true)
}

fn confirm(question: &str) -> Result<()> {
    if question::is_confirmed(question) {
        return Ok(());
    }
    Err(Error::invalid_input("not confirmed: nothing was changed"))
}
