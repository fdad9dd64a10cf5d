//! What the ledger knows of a plan that is carried out again.

use std::collections::{HashMap, HashSet};

use tokenfleet::journal::OperationId;
use tokenfleet::{
    Account, Error, ErrorKind, Fate, Result, Revocation, RevocationPlan, TokenId, TokenProvider,
};
use tokenfleet_ledger::Ledger;

use super::record::ACCOUNT;
use super::stored::{StoredAccount, StoredPlans};
use crate::commands::resumed_plan;
use crate::program_name::command_line;

/// The tokens of a plan that are known to be dead, whoever revoked them for it.
#[derive(Debug, Default)]
pub(in crate::commands) struct Known(HashMap<Account, HashSet<TokenId>>);

impl Known {
    /// Reads what earlier runs and workers have confirmed of the operation of a plan.
    pub(in crate::commands) async fn read(
        ledger: Option<&dyn Ledger>,
        operation: OperationId,
    ) -> Result<Self> {
        let mut known = Self::default();
        let Some(ledger) = ledger else {
            return Ok(known);
        };
        for write in ledger.writes(operation).await? {
            let dead = known.0.entry(write.intent.account.clone()).or_default();
            dead.extend(resumed_plan::revoked_by(&write).cloned());
        }
        for task in ledger.closed_tasks(ACCOUNT).await? {
            // One of a newer version says nothing, so its tokens are asked for again.
            let Ok(stored) = StoredAccount::read(task) else {
                continue;
            };
            let (record, account) = (stored.record, stored.part.account().clone());
            if record.operation != operation {
                continue;
            }
            let verdicts = record
                .verdicts
                .into_iter()
                .filter(|verdict| verdict.is_dead());
            let dead = verdicts.map(|verdict| verdict.token);
            known.0.entry(account).or_default().extend(dead);
        }
        Ok(known)
    }

    /// Returns the revocations of the tokens of this account that are known to be dead, and that
    /// the platform still shows as dead.
    pub(in crate::commands) async fn confirmed(
        &self,
        provider: &dyn TokenProvider,
        plan: &RevocationPlan,
    ) -> Vec<Revocation> {
        match self.0.get(provider.account()) {
            Some(dead) => resumed_plan::confirmed(provider, plan, dead).await,
            None => Vec::new(),
        }
    }
}

/// Rejects a plan that workers carry out: two would ask for the same tokens.
pub(in crate::commands) async fn check_not_at_work(
    ledger: Option<&dyn Ledger>,
    operation: OperationId,
) -> Result<()> {
    let Some(ledger) = ledger else {
        return Ok(());
    };
    let open = StoredPlans::open(ledger).await?;
    let mut plans = open.plans.iter();
    let Some(plan) = plans.find(|plan| plan.record.operation == operation) else {
        return Ok(());
    };
    let message = format!(
        "workers carry this plan out, as the operation {}",
        plan.task.id
    );
    let watch = command_line(&format!("operations show {} --watch", plan.task.id));
    Err(Error::new(ErrorKind::Conflict, Fate::NotSent, message)
        .with_advice(format!("watch them with `{watch}`")))
}
