//! The accounts of open tasks that the configuration does not have any more: no worker carries
//! these on.

use std::collections::BTreeMap;

use tokenfleet::journal::OperationId;
use tokenfleet::{Configuration, Error, Result};
use tokenfleet_ledger::{Task, Tasks};
use tokenfleet_rotation::runner::{LedgerRotationStore, StoredRotations};

use super::revocations::StoredAccount;
use crate::program_name::command_line;
use crate::schedules::ScheduledTask;

/// The open tasks of accounts that the configuration does not have, by the names of these.
#[derive(Debug, Default)]
pub(super) struct LostAccounts(BTreeMap<String, Vec<OperationId>>);

impl LostAccounts {
    pub(super) async fn read(tasks: &dyn Tasks, configuration: &Configuration) -> Result<Self> {
        let mut lost = BTreeMap::<_, Vec<_>>::new();
        // Without any account, nobody can tell.
        if configuration.accounts().is_empty() {
            return Ok(Self(lost));
        }
        for task in tasks.open_tasks().await? {
            let id = task.id;
            if let Some(name) = account_of(task)
                && configuration.account(&name).is_err()
            {
                lost.entry(name).or_default().push(id);
            }
        }
        Ok(Self(lost))
    }

    pub(super) fn contains(&self, account: &str) -> bool {
        self.0.contains_key(account)
    }

    /// Returns the names of the accounts, each with the error about its tasks.
    pub(super) fn errors(&self) -> impl Iterator<Item = (&str, Error)> {
        self.0
            .iter()
            .map(|(name, tasks)| (&**name, error(name, tasks)))
    }
}

/// Returns the name of the account of a task, if it is one of an account that can be read.
fn account_of(task: Task) -> Option<String> {
    if let Some(stored) = StoredAccount::of(&task) {
        return Some(stored.part.account().name().to_owned());
    }
    if task.kind == LedgerRotationStore::KIND {
        let stored: StoredRotations = [task].into_iter().collect();
        let stored = stored.rotations.first()?;
        return Some(stored.record.account.name().to_owned());
    }
    ScheduledTask::read(task).map(|scheduled| scheduled.record.account)
}

fn error(name: &str, tasks: &[OperationId]) -> Error {
    let ids: Vec<_> = tasks.iter().map(ToString::to_string).collect();
    let open = match ids.len() {
        1 => "an operation of it is open".to_owned(),
        count => format!("{count} operations of it are open"),
    };
    let message = format!(
        "no worker with this configuration knows the account {name:?}, and {open}: {}",
        ids.join(", ")
    );
    let abandon = command_line("operations abandon ID");
    Error::configuration(message).with_advice(format!(
        "put the account back into the configuration, or give each up with `{abandon}`"
    ))
}
