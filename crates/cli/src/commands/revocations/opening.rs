//! The opening of a plan for workers.

use std::collections::HashMap;
use std::sync::Arc;

use tokenfleet::journal::OperationId;
use tokenfleet::workflow::{RevocationVerdict, RevokeManyOptions};
use tokenfleet::{Error, ErrorKind, Fate, Result, RevocationEffect, RevocationPlan, TokenProvider};
use tokenfleet_ledger::{Ledger, NewTask, Tasks};

use super::known::Known;
use super::record::{
    ACCOUNT, AccountRecord, Options, PLAN, PlanRecord, PlannedAccount, Stage, Verdict,
    account_task, derived_id,
};
use super::stored::{StoredPlan, StoredPlans};
use crate::accounts::Accounts;
use crate::ledger::turned_off;
use crate::program_name::command_line;

/// A plan that is to be handed to workers, account by account.
pub(in crate::commands) struct Handed<'a> {
    /// The operation of the plan, whoever carries it out.
    pub(in crate::commands) operation: OperationId,
    pub(in crate::commands) plans: Vec<(&'a dyn TokenProvider, RevocationPlan)>,
    pub(in crate::commands) options: RevokeManyOptions,
    /// The number of tokens to revoke before all others.
    pub(in crate::commands) canary: usize,
}

/// Returns the ledger, without which workers get nothing.
pub(in crate::commands) async fn ledger_for_workers(
    accounts: &Accounts,
) -> Result<Arc<dyn Ledger>> {
    let ledger = accounts.journals().shared_ledger().await?;
    ledger.ok_or_else(|| turned_off().with_message_prefix("--by-workers needs the ledger"))
}

/// Rejects what workers cannot do: nobody would get the secrets that take the place of others.
pub(in crate::commands) fn check_for_workers(provider: &dyn TokenProvider) -> Result<()> {
    let revoke = provider.capabilities().revoke.as_ref();
    if revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced) {
        let message = "the platform revokes a secret by issuing a new one, which a worker could \
                       give to nobody";
        return Err(Error::unsupported(message)
            .with_account(provider.account())
            .with_advice("carry out the plan of this account without --by-workers"));
    }
    Ok(())
}

/// Opens a task for each account and one for the plan, and returns the latter. If workers carry the
/// same plan out already, returns that one.
///
/// The task of the plan is the last one, and nothing begins without it: whoever was killed on the
/// way opens the rest next time.
pub(in crate::commands) async fn open(
    accounts: &Accounts,
    ledger: &dyn Ledger,
    handed: &Handed<'_>,
) -> Result<StoredPlan> {
    let Handed {
        operation,
        plans,
        options,
        ..
    } = handed;
    let options = Options::from(options);
    let reason = accounts.reason();
    let subject = operation.to_string();
    let plan = next_id(ledger, &subject, (options, handed.canary)).await?;
    let open = StoredPlans::open(ledger).await?.plans;
    if let Some(open) = (open.into_iter()).find(|open| open.record.operation == *operation) {
        if open.task.id == plan && open.record.stage != Stage::Abandoned {
            return Ok(open);
        }
        return Err(carried_out_otherwise(&open));
    }
    let known = Known::read(Some(ledger), *operation).await?;
    let mut records = Vec::new();
    for (provider, part) in plans {
        let mut record = AccountRecord::new((plan, *operation), part, options, reason);
        if !options.suspend_instead {
            for revocation in known.confirmed(*provider, part).await {
                if let Some(id) = revocation.id.clone() {
                    let verdict = RevocationVerdict::AlreadyGone(revocation);
                    record.verdicts.push(Verdict::new(id, &verdict));
                }
            }
        }
        records.push((*provider, part.tokens().count(), record));
    }
    let canaries = canaries(&records, handed.canary);
    let mut planned = Vec::new();
    for (index, (provider, tokens, mut record)) in records.into_iter().enumerate() {
        let account = provider.account();
        let id = account_task(plan, account)?;
        let canary = canaries.get(&index).copied().unwrap_or_default();
        planned.push(PlannedAccount {
            task: id,
            account: account.name().to_owned(),
            tokens,
            canary,
        });
        if canary > 0 {
            record.pause_after = Some(record.verdicts.len() + canary);
        }
        let queue = accounts.configuration_of(provider)?.queue();
        let subject = format!("{plan} {}", account.name());
        let task = NewTask::new(id, ACCOUNT, queue, subject, record.to_json()?);
        ledger.open_task(&task).await?;
    }
    let record = PlanRecord::new(*operation, planned, reason);
    let queue = format!("{PLAN} {plan}");
    let task = NewTask::new(plan, PLAN, queue, &subject, record.to_json()?);
    // By the clock of the database, as everything that is due.
    let task = task.with_due(ledger.due_queues().await?.at);
    let id = ledger.open_task(&task).await?.map_or(plan, |open| open.id);
    let opened = StoredPlan::find(ledger, id).await?;
    opened.ok_or_else(|| Error::configuration("the ledger has lost a task that was just opened"))
}

/// Creates an error for a plan that workers carry out already, but not as it is asked for.
fn carried_out_otherwise(open: &StoredPlan) -> Error {
    let id = open.task.id;
    let message = format!(
        "workers carry this plan out already with other options, or it is being given up, as the \
         operation {id}"
    );
    let watch = command_line(&format!("operations show {id} --watch"));
    let abandon = command_line(&format!("operations abandon {id}"));
    Error::new(ErrorKind::Conflict, Fate::NotSent, message).with_advice(format!(
        "wait until it is over (`{watch}`), or give it up first (`{abandon}`)"
    ))
}

/// Returns the id of the plan: that of the one that is open, or else one that was never used.
///
/// It is the same until the plan is over, so that whoever was killed while opening it goes on.
async fn next_id(
    tasks: &dyn Tasks,
    operation: &str,
    (options, canary): (Options, usize),
) -> Result<OperationId> {
    let options = serde_json::to_string(&options).unwrap_or_default();
    let options = format!("{options} {canary}");
    let mut number = 0_u32;
    loop {
        let id = derived_id([operation, &options, &number.to_string()])?;
        match tasks.task(id).await? {
            Some(task) if !task.is_open() => number += 1,
            _ => return Ok(id),
        }
    }
}

/// Chooses the accounts of the canary wave: on each platform the one with the fewest tokens that
/// are left. Returns the number of tokens of each, by its place in the plan.
fn canaries(
    records: &[(&dyn TokenProvider, usize, AccountRecord)],
    count: usize,
) -> HashMap<usize, usize> {
    let mut fewest = HashMap::<&str, (usize, usize)>::new();
    for (index, (provider, tokens, record)) in records.iter().enumerate() {
        let left = tokens.saturating_sub(record.verdicts.len());
        let best = fewest
            .entry(provider.account().provider())
            .or_insert((index, left));
        if left > 0 && (left < best.1 || best.1 == 0) {
            *best = (index, left);
        }
    }
    let chosen = fewest.into_values().filter(|(_, left)| *left > 0);
    let chosen = chosen.map(|(index, left)| (index, left.min(count)));
    chosen.filter(|(_, count)| *count > 0).collect()
}
