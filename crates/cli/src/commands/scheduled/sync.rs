//! Which tasks the ledger has for the schedules and policies of a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokenfleet::journal::OperationId;
use tokenfleet::{Result, Timestamp};
use tokenfleet_ledger::{NewTask, Task, Tasks};

use super::tasks::{Claimed, ScheduledTasks, claim};
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
    /// Closes the tasks of the selected accounts that the configuration no longer has, makes due
    /// sooner what is due later than it says, and opens those that are missing. Returns those that
    /// are left because another worker holds their queues, for [`sync_these`](Self::sync_these).
    ///
    /// # Errors
    ///
    /// The ledger does not answer.
    pub(in crate::commands) async fn sync(&self) -> Result<Vec<Task>> {
        let open = self.tasks().open_tasks_of(KIND).await?;
        self.sync_these(open).await
    }

    /// Does the same for the tasks that were left, as they were read.
    ///
    /// # Errors
    ///
    /// The ledger does not answer.
    pub(in crate::commands) async fn sync_these(&self, tasks: Vec<Task>) -> Result<Vec<Task>> {
        let wanted = self.wanted().await?;
        let mut left = Vec::new();
        for task in tasks {
            let Some(task) = ScheduledTask::read(task) else {
                continue;
            };
            if self.policies.is_none() && matches!(task.record.of, Subject::Policy(_)) {
                continue;
            }
            let wanted = wanted.get(&task.task.subject);
            let is_elsewhere = wanted.is_some_and(|wanted| wanted.queue != task.task.queue);
            let is_done =
                if is_elsewhere || (wanted.is_none() && self.is_selected(&task.record.account)) {
                    close(self.tasks(), &task.task).await?
                } else if let Some(wanted) = wanted
                    && task.task.due.is_none_or(|due| due > wanted.latest)
                {
                    set_due(self.tasks(), &task.task, wanted.latest).await?
                } else {
                    true
                };
            if !is_done {
                left.push(task.task);
            }
        }
        self.open_missing(wanted).await?;
        Ok(left)
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
}

/// Closes a task. Returns `false` if another worker has its queue.
async fn close(tasks: Arc<dyn Tasks>, read: &Task) -> Result<bool> {
    let Some((claim, task)) = Claim::take(Arc::clone(&tasks), read.id).await? else {
        return is_closed(&*tasks, read).await;
    };
    let closed = async {
        claim.record(&task.state, true).await?;
        Ok((None, true))
    };
    claim.then_release(task.due, closed).await
}

/// Makes a task due, if it is still as it was read. Returns `false` if another worker has its
/// queue.
async fn set_due(tasks: Arc<dyn Tasks>, read: &Task, due: Timestamp) -> Result<bool> {
    match claim(Arc::clone(&tasks), read).await? {
        Claimed::Ours(claim) => claim.release(Some(due)).await.map(|()| true),
        // It has its due time from that.
        Claimed::CarriedOn => Ok(true),
        Claimed::InOtherHands => is_closed(&*tasks, read).await,
    }
}

async fn is_closed(tasks: &dyn Tasks, read: &Task) -> Result<bool> {
    let task = tasks.task(read.id).await?;
    Ok(task.is_none_or(|task| !task.is_open()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenfleet_ledger::MemoryLedger;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    async fn opened(tasks: &Arc<dyn Tasks>, subject: &str, due: Timestamp) -> Task {
        let id = OperationId::random();
        let task = NewTask::new(id, KIND, "iot", subject, "{}");
        tasks.open_task(&task.with_due(due)).await.unwrap();
        tasks.task(id).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_task_is_made_due_once_its_queue_is_free_unless_it_was_carried_on_meanwhile() {
        let tasks: Arc<dyn Tasks> = Arc::new(MemoryLedger::new());
        let now = tasks.due_queues().await.unwrap().at;
        let later = now.saturating_add(HOUR);
        let read = opened(&tasks, "schedules.nightly iot", later).await;
        let other = opened(&tasks, "schedules.hourly iot", later).await;
        let due = async |id| tasks.task(id).await.unwrap().unwrap().due;
        let set_due = |read| set_due(Arc::clone(&tasks), read, now);

        // Another task of the queue is worked on.
        let taken = Claim::take(Arc::clone(&tasks), other.id).await.unwrap();
        assert!(!set_due(&read).await.unwrap());
        assert_eq!(due(read.id).await, read.due);
        taken.unwrap().0.release(Some(later)).await.unwrap();
        assert!(set_due(&read).await.unwrap());
        assert_eq!(due(read.id).await, Some(now));

        // The task itself is.
        let taken = Claim::take(Arc::clone(&tasks), other.id).await.unwrap();
        assert!(!set_due(&other).await.unwrap());
        let next = later.saturating_add(HOUR);
        taken.unwrap().0.release(Some(next)).await.unwrap();
        assert!(set_due(&other).await.unwrap());
        assert_eq!(due(other.id).await, Some(next));
        assert!(close(Arc::clone(&tasks), &other).await.unwrap());
        assert!(set_due(&other).await.unwrap());
        assert!(close(Arc::clone(&tasks), &other).await.unwrap());
    }
}
