//! Plans and their accounts as they are shown.

use serde::Serialize;
use tokenfleet::journal::OperationId;
use tokenfleet::{Operation, Timestamp};

use super::outages::MAX_OUTAGES;
use super::record::Stage;
use super::stored::{StoredAccount, StoredPlan};
use crate::numbers::grouped;
use crate::program_name::command_line;

/// A plan as it is shown.
#[derive(Serialize)]
pub(in crate::commands) struct PlanObject<'a> {
    operation: OperationId,
    since: Timestamp,
    action: Operation,
    state: Stage,
    accounts: usize,
    tokens: usize,
    reason: Option<&'a str>,
    why: String,
}

impl<'a> PlanObject<'a> {
    pub(in crate::commands) fn new(stored: &'a StoredPlan) -> Self {
        let record = &stored.record;
        Self {
            operation: stored.task.id,
            since: stored.task.opened_at,
            action: Operation::Revoke,
            state: record.stage,
            accounts: record.accounts.len(),
            tokens: record.tokens(),
            reason: record.reason.as_deref(),
            why: why(stored),
        }
    }

    /// Names the accounts of the plan that the configuration does not have.
    pub(in crate::commands) fn naming_lost(
        mut self,
        stored: &StoredPlan,
        is_lost: impl Fn(&str) -> bool,
    ) -> Self {
        let planned = stored.record.accounts.iter();
        let lost = planned.map(|planned| &*planned.account);
        let lost: Vec<_> = lost.filter(|name| is_lost(name)).collect();
        if !lost.is_empty() {
            let lost = lost.join(", ");
            self.why += &format!("; no worker with this configuration knows {lost}");
        }
        self
    }

    /// Returns the row in a list of operations.
    pub(in crate::commands) fn operation_row(&self) -> Vec<String> {
        let accounts = match self.accounts {
            1 => "1 account".to_owned(),
            count => format!("{} accounts", grouped(count as u64)),
        };
        vec![
            self.operation.to_string(),
            self.since.truncated_to_seconds().to_string(),
            accounts,
            format!("{} {} tokens", self.action, grouped(self.tokens as u64)),
            self.state.as_str().to_owned(),
            String::new(),
            self.why.clone(),
        ]
    }
}

fn why(stored: &StoredPlan) -> String {
    match stored.record.stage {
        Stage::Canary => "the tokens of the canary wave are revoked first".to_owned(),
        Stage::CanaryFailed => {
            let resume = command_line(&format!("operations resume {}", stored.task.id));
            let note = stored.record.note.as_deref().unwrap_or_default();
            format!(
                "a token of the canary wave was not revoked, so the others wait: {note}; to go \
                 on nevertheless: `{resume}`"
            )
        }
        Stage::Rest => match &stored.record.note {
            Some(note) => format!("workers revoke the tokens, and did not get on: {note}"),
            None => "workers revoke the tokens".to_owned(),
        },
        Stage::Done => "every token has its verdict".to_owned(),
        Stage::Abandoned => "a person gave it up".to_owned(),
    }
}

/// An account of a plan as it is shown.
#[derive(Serialize)]
pub(in crate::commands) struct AccountObject<'a> {
    operation: OperationId,
    /// The operation of the plan.
    plan: OperationId,
    account: &'a str,
    since: Timestamp,
    action: Operation,
    state: &'static str,
    tokens: usize,
    /// The tokens with the verdict that the plan asks for.
    succeeded: usize,
    /// The tokens with another verdict.
    failed: usize,
    why: String,
}

impl<'a> AccountObject<'a> {
    /// Describes an account at a time, which is one by the clock of the ledger.
    pub(in crate::commands) fn new(stored: &'a StoredAccount, now: Timestamp) -> Self {
        let (task, record) = (&stored.task, &stored.record);
        let verdicts = record.verdicts.iter();
        let succeeded = verdicts.filter(|verdict| verdict.is_success()).count();
        let failed = record.verdicts.len() - succeeded;
        let state = if record.is_abandoned {
            "abandoned"
        } else if !task.is_open() {
            "done"
        } else if task.claimed_until > Some(now) {
            "under_way"
        } else if task.due.is_none() {
            "waiting"
        } else {
            "due"
        };
        let progress = format!(
            "{} of {} tokens have a verdict",
            grouped(record.verdicts.len() as u64),
            grouped(stored.part.tokens().count() as u64)
        );
        Self {
            operation: task.id,
            plan: record.plan,
            account: stored.part.account().name(),
            since: task.opened_at,
            action: Operation::Revoke,
            state,
            tokens: stored.part.tokens().count(),
            succeeded,
            failed,
            why: match (&record.note, record.outages) {
                (Some(note), 1..) if task.is_open() => format!(
                    "{progress}; {} of {} tries failed, the last one because of: {note}",
                    record.outages,
                    MAX_OUTAGES + 1
                ),
                (Some(note), _) => format!("{progress}; {note}"),
                (None, _) => progress,
            },
        }
    }

    /// Returns the row in a list of operations.
    pub(in crate::commands) fn operation_row(&self) -> Vec<String> {
        vec![
            self.operation.to_string(),
            self.since.truncated_to_seconds().to_string(),
            self.account.to_owned(),
            format!("{} {} tokens", self.action, grouped(self.tokens as u64)),
            self.state.to_owned(),
            String::new(),
            self.why.clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenfleet::workflow::RevokeManyOptions;
    use tokenfleet::{Account, RevocationPlan, TokenId};
    use tokenfleet_ledger::{NewTask, Task};

    use super::super::record::{ACCOUNT, AccountRecord, Options};
    use super::*;

    #[test]
    fn the_state_of_an_account_is_that_at_the_time_of_the_ledger() {
        let part = RevocationPlan::from_ids(&Account::new("losant", "iot"), [TokenId::new("a")]);
        let options = Options::from(&RevokeManyOptions::default());
        let plan = (OperationId::random(), OperationId::random());
        let record = AccountRecord::new(plan, &part, options, None);
        let state = record.to_json().unwrap();
        let task = NewTask::new(OperationId::random(), ACCOUNT, "iot", "a subject", state);
        let (second, here) = (Duration::from_secs(1), Timestamp::now());
        let hours = Duration::from_secs(12 * 3_600);
        for there in [here.saturating_add(hours), here.checked_sub(hours).unwrap()] {
            let mut task = Task::new(&task.clone().with_due(there), there);
            task.claimed_until = Some(there.saturating_add(second));
            let stored = StoredAccount::read(task).unwrap();
            let state = |now| AccountObject::new(&stored, now).state;
            assert_eq!(state(there), "under_way");
            assert_eq!(state(there.saturating_add(second * 2)), "due");
        }
    }
}
