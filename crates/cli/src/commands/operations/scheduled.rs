//! The tasks of schedules and policies among the operations.

use std::sync::Arc;

use tokenfleet::journal::OperationId;
use tokenfleet::{Error, ErrorKind, Fate, Result};
use tokenfleet_ledger::{Ledger, Tasks};

use crate::accounts::Accounts;
use crate::claim::Claim;
use crate::commands::question;
use crate::schedules::ScheduledTask;

/// Gives up the task of a schedule or policy whose account the configuration does not have any
/// more. Returns `None` if the id is that of no such task that is open.
///
/// # Errors
///
/// [`InvalidInput`](ErrorKind::InvalidInput) if it has the account: workers would open the task
/// again, and close it by themselves if it is not wanted any more.
pub(super) async fn abandon(
    accounts: &Accounts,
    ledger: &Arc<dyn Ledger>,
    id: OperationId,
    is_confirmed: bool,
) -> Result<Option<ScheduledTask>> {
    let found = find(ledger, id).await?;
    let Some(found) = found.filter(|found| found.task.is_open()) else {
        return Ok(None);
    };
    let object = found.object();
    if accounts.configuration().account(object.account).is_ok() {
        let message = format!("the operation {id} is scheduled, and its account is configured");
        return Err(Error::invalid_input(message).with_advice(
            "remove the schedule or policy from the configuration: a worker that starts closes the \
             operation then",
        ));
    }
    if !is_confirmed {
        question::show([object.row().join("  ")]);
        if !question::is_confirmed("Give this up? [y/N] ") {
            return Err(Error::invalid_input("not confirmed: nothing was changed"));
        }
    }
    let tasks: Arc<dyn Tasks> = Arc::<dyn Ledger>::clone(ledger);
    if let Some((claim, task)) = Claim::take(tasks, id).await? {
        claim.record(&task.state, true).await?;
        claim.release(None).await?;
    }
    let found = find(ledger, id).await?;
    if let Some(closed) = found.filter(|found| !found.task.is_open()) {
        return Ok(Some(closed));
    }
    let message = format!("a worker holds the queue of the operation {id}");
    Err(Error::new(ErrorKind::Conflict, Fate::NotSent, message)
        .with_advice("try again when it has ended"))
}

async fn find(ledger: &Arc<dyn Ledger>, id: OperationId) -> Result<Option<ScheduledTask>> {
    Ok(ledger.task(id).await?.and_then(ScheduledTask::read))
}
