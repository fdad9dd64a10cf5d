//! What a person decides about a plan: to go on, or to give up what is not begun.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet::journal::OperationId;
use tokenfleet::{Error, ErrorKind, Fate, Result};
use tokenfleet_ledger::{Ledger, Tasks};
use tokio::time::{Instant, sleep};

use super::record::Stage;
use super::stored::{StoredAccount, StoredPlan};
use super::unrecorded;
use crate::claim::Claim;
use crate::waits::scaled;

/// The time for which workers are waited for that are at work.
const PATIENCE: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(500);

/// Lets a plan go on although its canary wave failed, and returns it.
pub(in crate::commands) async fn resume(
    ledger: &Arc<dyn Ledger>,
    id: OperationId,
) -> Result<StoredPlan> {
    change(ledger, id, Stage::Rest).await
}

/// Gives up what is not begun of a plan, and returns the plan and the accounts at which a worker is
/// still at work.
pub(in crate::commands) async fn abandon(
    ledger: &Arc<dyn Ledger>,
    id: OperationId,
) -> Result<(StoredPlan, Vec<StoredAccount>)> {
    let plan = change(ledger, id, Stage::Abandoned).await?;
    let started = Instant::now();
    let mut closed = HashMap::new();
    loop {
        let mut open = plan.accounts(&**ledger, &mut closed).await?;
        open.retain(|account| account.task.is_open());
        for account in &open {
            close(ledger, account.task.id).await?;
        }
        let mut open = plan.accounts(&**ledger, &mut closed).await?;
        open.retain(|account| account.task.is_open());
        if open.is_empty() {
            close_plan(ledger, id).await?;
        }
        if open.is_empty() || started.elapsed() > scaled(PATIENCE) {
            return Ok((plan, open));
        }
        sleep(scaled(INTERVAL)).await;
    }
}

/// Gives up what is not begun of one account of a plan, and returns the account. The others go on.
pub(in crate::commands) async fn abandon_account(
    ledger: &Arc<dyn Ledger>,
    id: OperationId,
) -> Result<StoredAccount> {
    let started = Instant::now();
    loop {
        close(ledger, id).await?;
        let found = StoredAccount::find(&**ledger, id).await?;
        let account = found.ok_or_else(|| {
            let message = format!("the ledger has no revocation {id}");
            Error::new(ErrorKind::NotFound, Fate::NotSent, message)
        })?;
        if !account.task.is_open() {
            return Ok(account);
        }
        if started.elapsed() > scaled(PATIENCE) {
            let message = format!("a worker holds the queue of the revocation {id}");
            return Err(Error::new(ErrorKind::Conflict, Fate::NotSent, message)
                .with_advice("try again when it has ended, or give the whole plan up"));
        }
        sleep(scaled(INTERVAL)).await;
    }
}

/// Brings a plan to another stage.
async fn change(ledger: &Arc<dyn Ledger>, id: OperationId, stage: Stage) -> Result<StoredPlan> {
    let started = Instant::now();
    loop {
        let found = StoredPlan::find(&**ledger, id).await?;
        let plan = found.ok_or_else(|| {
            let message = format!("the ledger has no revocation plan {id}");
            Error::new(ErrorKind::NotFound, Fate::NotSent, message)
        })?;
        let is_over = matches!(plan.record.stage, Stage::Done | Stage::Abandoned);
        if plan.record.stage == stage || (is_over && stage == Stage::Abandoned) {
            return Ok(plan);
        }
        if stage == Stage::Rest && plan.record.stage == Stage::Canary {
            return Err(Error::invalid_input(format!(
                "the canary wave of the revocation plan {id} is under way; the others begin by \
                 themselves when it has passed"
            )));
        }
        if is_over {
            return Err(Error::invalid_input(format!(
                "the revocation plan {id} is closed"
            )));
        }
        if let Some((claim, task)) = Claim::take(tasks(ledger), id).await? {
            let due = task.due;
            let changed = async {
                let mut plan = StoredPlan::read(task)?;
                plan.record.stage = stage;
                plan.record.note = None;
                // One that was given up is closed after its accounts, which a worker may have.
                let is_changed = claim.record(&plan.record.to_json()?, false).await?;
                Ok((Some(claim.now()), is_changed.then_some(plan)))
            };
            if let Some(plan) = claim.then_release(due, changed).await? {
                return Ok(plan);
            }
        }
        if started.elapsed() > scaled(PATIENCE) {
            let message = format!("a worker holds the revocation plan {id}");
            return Err(Error::new(ErrorKind::Conflict, Fate::NotSent, message)
                .with_advice("try again in a minute"));
        }
        sleep(scaled(INTERVAL)).await;
    }
}

/// Closes the task of a plan whose accounts are closed, unless a worker has it, which does it then.
async fn close_plan(ledger: &Arc<dyn Ledger>, id: OperationId) -> Result<()> {
    let Some((claim, task)) = Claim::take(tasks(ledger), id).await? else {
        return Ok(());
    };
    let closed = async {
        claim.record(&task.state, true).await?;
        Ok((None, ()))
    };
    claim.then_release(task.due, closed).await
}

/// Closes the task of an account, unless a worker is at work on its queue: that one closes it.
async fn close(ledger: &Arc<dyn Ledger>, id: OperationId) -> Result<()> {
    let Some((claim, task)) = Claim::take(tasks(ledger), id).await? else {
        return Ok(());
    };
    let due = task.due;
    let closed = async {
        let StoredAccount {
            mut record, part, ..
        } = StoredAccount::read(task)?;
        // Also of a worker whose claim has run out.
        unrecorded::add_verdicts(&mut record, &part, &ledger.writes(id).await?);
        record.is_abandoned = true;
        claim.record(&record.to_json()?, true).await?;
        Ok((None, ()))
    };
    claim.then_release(due, closed).await
}

fn tasks(ledger: &Arc<dyn Ledger>) -> Arc<dyn Tasks> {
    let tasks: Arc<dyn Ledger> = Arc::clone(ledger);
    tasks
}

#[cfg(test)]
pub(super) mod tests {
    use tokenfleet::workflow::RevokeManyOptions;
    use tokenfleet::{Account, RevocationPlan, TokenId};
    use tokenfleet_ledger::{MemoryLedger, NewTask};

    use super::super::record::{ACCOUNT, AccountRecord, Options, PLAN, PlanRecord, PlannedAccount};
    use super::*;

    /// Opens a plan with one token of one account, and returns both tasks.
    pub(in super::super) async fn opened(ledger: &Arc<dyn Ledger>) -> (OperationId, OperationId) {
        let (plan, operation) = (OperationId::random(), OperationId::random());
        let part = RevocationPlan::from_ids(&Account::new("losant", "iot"), [TokenId::new("a")]);
        let options = Options::from(&RevokeManyOptions::default());
        let record = AccountRecord::new((plan, operation), &part, options, None);
        let id = OperationId::random();
        let subject = format!("{plan} iot");
        let task = NewTask::new(id, ACCOUNT, "iot", subject, record.to_json().unwrap());
        ledger.open_task(&task).await.unwrap();
        let planned = PlannedAccount {
            task: id,
            account: "iot".to_owned(),
            tokens: 1,
            canary: 1,
        };
        let record = PlanRecord::new(operation, vec![planned], None);
        let (queue, subject) = (format!("{PLAN} {plan}"), operation.to_string());
        let task = NewTask::new(plan, PLAN, queue, subject, record.to_json().unwrap());
        ledger.open_task(&task).await.unwrap();
        (plan, id)
    }

    #[tokio::test]
    async fn a_plan_that_is_given_up_stays_open_until_each_of_its_accounts_is_closed() {
        let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::new());
        let (plan, account) = opened(&ledger).await;
        let lease = Duration::from_secs(60);
        let claim = ledger.claim_task(account, lease).await.unwrap().unwrap();
        let given_up = tokio::spawn({
            let ledger = Arc::clone(&ledger);
            async move { abandon(&ledger, plan).await }
        });
        let find = || StoredPlan::find(&*ledger, plan);
        while find().await.unwrap().unwrap().record.stage != Stage::Abandoned {
            sleep(Duration::from_millis(5)).await;
        }
        // Otherwise nobody would close the account when its worker is lost.
        assert!(find().await.unwrap().unwrap().task.is_open());
        sleep(INTERVAL).await;
        assert!(find().await.unwrap().unwrap().task.is_open());
        (ledger.release_claim(account, claim.epoch, None))
            .await
            .unwrap();

        let (_, at_work) = given_up.await.unwrap().unwrap();
        assert!(at_work.is_empty());
        assert!(!find().await.unwrap().unwrap().task.is_open());
        let closed = StoredAccount::find(&*ledger, account)
            .await
            .unwrap()
            .unwrap();
        assert!(closed.record.is_abandoned && !closed.task.is_open());
    }

    #[tokio::test]
    async fn an_account_is_given_up_alone() {
        let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::new());
        let (plan, account) = opened(&ledger).await;
        let closed = abandon_account(&ledger, account).await.unwrap();
        assert!(closed.record.is_abandoned && !closed.task.is_open());
        let plan = StoredPlan::find(&*ledger, plan).await.unwrap().unwrap();
        assert!(plan.task.is_open() && plan.record.stage == Stage::Canary);
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_keeps_no_queue() {
        let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::new());
        let id = OperationId::random();
        let task = NewTask::new(id, ACCOUNT, "iot", "of a newer version", "{}");
        ledger.open_task(&task).await.unwrap();
        abandon_account(&ledger, id).await.unwrap_err();
        let claim = ledger.claim_task(id, Duration::from_secs(60)).await;
        assert!(claim.unwrap().is_some());
    }
}
