//! Plans and their accounts in the ledger.

use std::collections::{HashMap, HashSet};

use tokenfleet::journal::OperationId;
use tokenfleet::{Error, Result, RevocationPlan};
use tokenfleet_ledger::{Task, Tasks};

use super::record::{ACCOUNT, AccountRecord, PLAN, PlanRecord, Stage};

/// A plan in the ledger.
#[derive(Debug, Clone)]
pub(crate) struct StoredPlan {
    pub(crate) task: Task,
    pub(crate) record: PlanRecord,
}

impl StoredPlan {
    pub(super) fn read(task: Task) -> Result<Self> {
        let record = PlanRecord::from_json(&task.state).map_err(|error| named(error, &task))?;
        Ok(Self { task, record })
    }

    /// Returns a plan, open or closed.
    pub(crate) async fn find(tasks: &dyn Tasks, id: OperationId) -> Result<Option<Self>> {
        let task = tasks.task(id).await?.filter(|task| task.kind == PLAN);
        task.map(Self::read).transpose()
    }

    /// Returns `true` if it does not go on before a person does something.
    pub(crate) fn waits_for_a_person(&self) -> bool {
        self.record.stage == Stage::CanaryFailed
    }

    /// Returns the accounts of the plan, in its order. `closed` has those that are known to be
    /// closed, and gets the others that are.
    pub(crate) async fn accounts(
        &self,
        tasks: &dyn Tasks,
        closed: &mut HashMap<OperationId, StoredAccount>,
    ) -> Result<Vec<StoredAccount>> {
        let mut open = HashMap::new();
        for task in tasks.open_tasks().await? {
            if task.kind == ACCOUNT {
                open.insert(task.id, task);
            }
        }
        let mut accounts = Vec::new();
        for planned in &self.record.accounts {
            if let Some(known) = closed.get(&planned.task) {
                accounts.push(known.clone());
                continue;
            }
            let task = match open.remove(&planned.task) {
                Some(task) => Some(task),
                None => tasks.task(planned.task).await?,
            };
            if let Some(task) = task {
                let stored = StoredAccount::read(task)?;
                if !stored.task.is_open() {
                    closed.insert(planned.task, stored.clone());
                }
                accounts.push(stored);
            }
        }
        Ok(accounts)
    }

    /// Returns the accounts of the plan that are open, which takes one request.
    pub(super) async fn open_accounts(&self, tasks: &dyn Tasks) -> Result<Vec<StoredAccount>> {
        let planned = self.record.accounts.iter().map(|planned| planned.task);
        let planned: HashSet<_> = planned.collect();
        let open = tasks.open_tasks_of(ACCOUNT).await?.into_iter();
        let open = open.filter(|task| planned.contains(&task.id));
        open.map(StoredAccount::read).collect()
    }
}

/// An account of a plan in the ledger.
#[derive(Debug, Clone)]
pub(crate) struct StoredAccount {
    pub(crate) task: Task,
    pub(crate) record: AccountRecord,
    /// The part of the plan that is about the account.
    pub(crate) part: RevocationPlan,
}

impl StoredAccount {
    pub(super) fn read(task: Task) -> Result<Self> {
        let record = AccountRecord::from_json(&task.state).map_err(|error| named(error, &task))?;
        let part = record.text.parse().map_err(|error| named(error, &task))?;
        Ok(Self { task, record, part })
    }

    /// Returns what a task is, if it is one of an account and can be read.
    pub(crate) fn of(task: &Task) -> Option<Self> {
        let is_of_account = task.kind == ACCOUNT;
        is_of_account
            .then(|| Self::read(task.clone()).ok())
            .flatten()
    }

    /// Returns the task of an account, open or closed.
    pub(crate) async fn find(tasks: &dyn Tasks, id: OperationId) -> Result<Option<Self>> {
        let task = tasks.task(id).await?.filter(|task| task.kind == ACCOUNT);
        task.map(Self::read).transpose()
    }
}

/// Plans of a ledger, and the tasks of revocations.
#[derive(Debug, Default)]
pub(crate) struct StoredPlans {
    pub(crate) plans: Vec<StoredPlan>,
    /// The tasks of plans and accounts, whose writes are theirs to finish.
    pub(crate) ids: Vec<OperationId>,
    /// The reasons why some cannot be read.
    pub(crate) unreadable: Vec<Error>,
}

impl FromIterator<Task> for StoredPlans {
    fn from_iter<T: IntoIterator<Item = Task>>(tasks: T) -> Self {
        let mut all = Self::default();
        for task in tasks {
            if task.kind == PLAN || task.kind == ACCOUNT {
                all.ids.push(task.id);
            }
            if task.kind == PLAN {
                match StoredPlan::read(task) {
                    Ok(plan) => all.plans.push(plan),
                    Err(error) => all.unreadable.push(error),
                }
            }
        }
        all
    }
}

impl StoredPlans {
    /// Returns the plans that are open, the oldest first.
    pub(crate) async fn open(tasks: &dyn Tasks) -> Result<Self> {
        Ok(tasks.open_tasks().await?.into_iter().collect())
    }

    /// Returns the plans that are done or were given up, the oldest first.
    pub(crate) async fn closed(tasks: &dyn Tasks) -> Result<Self> {
        Ok(tasks.closed_tasks(PLAN).await?.into_iter().collect())
    }
}

fn named(error: Error, task: &Task) -> Error {
    error.with_message_prefix(&format!("operation {}", task.id))
}
