//! Which tasks the ledger has for the schedules and policies of a configuration.

use std::collections::BTreeMap;

use tokenfleet::journal::OperationId;
use tokenfleet::{Result, Timestamp};
use tokenfleet_ledger::NewTask;

use super::tasks::ScheduledTasks;
use crate::claim::Claim;
use crate::schedules::{KIND, Record, ScheduledTask, Subject};

/// A task that the configuration wants.
struct Wanted {
    record: Record,
    queue: String,
    /// The time of its first run.
    first: Timestamp,
    /// The latest time of its next run.
    latest: Timestamp,
}

impl ScheduledTasks<'_> {
    /// Closes the tasks of the selected accounts that the configuration no longer has, and opens
    /// those that are missing. A queue that another worker holds is left for the next time.
    ///
    /// # Errors
    ///
    /// The ledger does not answer.
    pub(in crate::commands) async fn sync(&self) -> Result<()> {
        let wanted = self.wanted().await?;
        for task in self.tasks().open_tasks_of(KIND).await? {
            let Some(task) = ScheduledTask::read(task) else {
                continue;
            };
            if self.policies.is_none() && matches!(task.record.of, Subject::Policy(_)) {
                continue;
            }
            let wanted = wanted.get(&task.task.subject);
            let is_elsewhere = wanted.is_some_and(|wanted| wanted.queue != task.task.queue);
            if is_elsewhere || (wanted.is_none() && self.is_selected(&task.record.account)) {
                self.close(&task).await?;
            } else if let Some(wanted) = wanted
                && task.task.due.is_none_or(|due| due > wanted.latest)
            {
                self.set_due(&task, wanted.latest).await?;
            }
        }
        self.open_missing(wanted).await
    }

    /// Opens the tasks that are missing.
    ///
    /// # Errors
    ///
    /// The ledger does not answer.
    pub(in crate::commands) async fn open(&self) -> Result<()> {
        let wanted = self.wanted().await?;
        self.open_missing(wanted).await
    }

    async fn open_missing(&self, wanted: BTreeMap<String, Wanted>) -> Result<()> {
        for (subject, wanted) in wanted {
            let state = wanted.record.to_json()?;
            let id = OperationId::random();
            let task = NewTask::new(id, KIND, wanted.queue, subject, state);
            // One that is open already stays as it is.
            self.tasks().open_task(&task.with_due(wanted.first)).await?;
        }
        Ok(())
    }

    /// Returns the tasks that the configuration wants, by their subjects.
    async fn wanted(&self) -> Result<BTreeMap<String, Wanted>> {
        // By the clock of the database.
        let now = self.tasks().due_queues().await?.at;
        let mut all = BTreeMap::new();
        for account in self.accounts().selected() {
            let mut add = |of, first, latest| {
                let record = Record::new(account.name(), of);
                let queue = account.queue().to_owned();
                let wanted = Wanted {
                    record,
                    queue,
                    first,
                    latest,
                };
                all.insert(wanted.record.subject(), wanted);
            };
            let policies = self.policies.iter();
            for policy in policies.flat_map(|policies| policies.for_account(account.name())) {
                // A worker that starts may have been given another policy.
                add(Subject::Policy(policy.name().to_owned()), now, now);
            }
            for schedule in self.schedules {
                if schedule.concerns(account.name()) {
                    let of = Subject::Schedule(schedule.name.clone());
                    add(of, schedule.first(now), schedule.next(now));
                }
            }
        }
        Ok(all)
    }

    fn is_selected(&self, account: &str) -> bool {
        let mut selected = self.accounts().each();
        selected.any(|selected| selected.name() == account)
    }

    async fn close(&self, task: &ScheduledTask) -> Result<()> {
        if let Some((claim, task)) = Claim::take(self.tasks(), task.task.id).await? {
            claim.record(&task.state, true).await?;
            claim.release(None).await?;
        }
        Ok(())
    }

    async fn set_due(&self, task: &ScheduledTask, due: Timestamp) -> Result<()> {
        if let Some((claim, _)) = Claim::take(self.tasks(), task.task.id).await? {
            claim.release(Some(due)).await?;
        }
        Ok(())
    }
}
