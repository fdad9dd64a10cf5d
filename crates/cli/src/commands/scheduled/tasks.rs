//! How a worker carries the tasks of schedules and policies on.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use tokenfleet::Result;
use tokenfleet_ledger::{Task, Tasks};

use crate::accounts::Accounts;
use crate::claim::{Claim, LEASE};
use crate::exit::Exit;
use crate::output::{Format, print_error};
use crate::policies::{ConfiguredPolicy, Policies};
use crate::rotations::{Rotations, Stop};
use crate::schedules::{Ended, Schedule, ScheduledTask, Subject};

/// The number of queues that are worked on at a time.
const MAX_QUEUES: usize = 16;

/// The number of workers that a task may lose before it waits like one that failed.
const MAX_STARTS: u32 = 10;

/// The schedules and policies of a worker, and what it takes to carry their tasks on.
pub(in crate::commands) struct ScheduledTasks<'a> {
    pub(in crate::commands) rotations: &'a Rotations<'a>,
    /// The policies, or `None` if their tasks are left alone.
    pub(in crate::commands) policies: Option<&'a Policies>,
    pub(in crate::commands) schedules: &'a [Schedule],
    pub(in crate::commands) stop: &'a Stop,
    /// The format of what the commands print.
    pub(in crate::commands) format: Format,
    /// The exit codes so far.
    pub(in crate::commands) exits: Mutex<Vec<Exit>>,
}

/// The result of a call for a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Progress {
    Something,
    /// Something was done, and a run failed.
    Failed,
    Nothing,
    /// Another worker has the queue.
    InOtherHands,
}

impl ScheduledTasks<'_> {
    pub(super) fn accounts(&self) -> &Accounts {
        self.rotations.accounts
    }

    pub(super) fn tasks(&self) -> Arc<dyn Tasks> {
        self.rotations.tasks()
    }

    pub(super) fn note(&self, exit: Exit) {
        let mut exits = self.exits.lock().unwrap_or_else(PoisonError::into_inner);
        if !exits.contains(&exit) {
            exits.push(exit);
        }
    }

    /// Returns the exit codes of all that was carried on.
    pub(in crate::commands) fn into_exits(self) -> Vec<Exit> {
        self.exits
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries on what is due now in all queues, several at a time.
    ///
    /// # Errors
    ///
    /// The ledger does not answer.
    pub(in crate::commands) async fn advance_all(&self) -> Result<()> {
        let due = self.tasks().due_queues().await?.queues;
        let advancing = due.into_iter().map(|queue| async move {
            if let Err(error) = self.advance(&queue.name).await {
                print_error(Some(self.format), &error);
                self.note(Exit::from_error(&error));
            }
        });
        let advancing = futures_util::stream::iter(advancing);
        advancing
            .for_each_concurrent(MAX_QUEUES, |advanced| advanced)
            .await;
        Ok(())
    }

    /// Carries on the tasks of a queue that are due and that this configuration has.
    ///
    /// # Errors
    ///
    /// The ledger does not answer.
    pub(in crate::commands) async fn advance(&self, queue: &str) -> Result<Progress> {
        let tasks = self.tasks();
        let mut progress = Progress::Nothing;
        for id in tasks.due_tasks(queue).await? {
            let Some(task) = tasks.task(id).await? else {
                continue;
            };
            let Some(task) = ScheduledTask::read(task).filter(|task| self.has(task)) else {
                continue;
            };
            if self.stop.is_requested() {
                break;
            }
            match claim(self.tasks(), &task.task).await? {
                Claimed::Ours(claim, starts) => {
                    let is_well = self.carry_on(claim, starts, task).await?;
                    progress = match progress {
                        Progress::Failed => Progress::Failed,
                        _ if !is_well => Progress::Failed,
                        _ => Progress::Something,
                    };
                }
                Claimed::CarriedOn => {}
                Claimed::InOtherHands => return Ok(Progress::InOtherHands),
            }
        }
        Ok(progress)
    }

    /// Returns `true` if the configuration of this worker has what a task carries out.
    fn has(&self, task: &ScheduledTask) -> bool {
        let mut selected = self.accounts().each();
        selected.any(|account| account.name() == task.record.account)
            && match &task.record.of {
                Subject::Policy(name) => self.policy(name).is_some(),
                Subject::Schedule(name) => {
                    let schedule = self.schedule(name);
                    schedule.is_some_and(|schedule| schedule.concerns(&task.record.account))
                }
            }
    }

    pub(super) fn policy(&self, name: &str) -> Option<(&Policies, &ConfiguredPolicy)> {
        let policies = self.policies?;
        let policy = policies.iter().find(|policy| policy.name() == name)?;
        Some((policies, policy))
    }

    pub(super) fn schedule(&self, name: &str) -> Option<&Schedule> {
        self.schedules.iter().find(|schedule| schedule.name == name)
    }

    /// Carries a task on that was claimed, and gives it back. Returns `false` if its run failed.
    async fn carry_on(&self, claim: Claim, starts: u32, mut task: ScheduledTask) -> Result<bool> {
        let claim = Arc::new(claim);
        let begun = claim.now();
        let ended = if starts > MAX_STARTS {
            Some(Ended::failed(format!(
                "{MAX_STARTS} workers were lost in it: look why, before another one is"
            )))
        } else {
            self.run(&claim, &task.record, begun).await
        };
        let Some(ended) = ended else {
            // Whoever comes next carries it on.
            return claim.release(task.task.due).await.map(|()| true);
        };
        let before = task.record.clone();
        let due = task.record.end(&ended, begun);
        if task.record != before && !claim.record(&task.record.to_json()?, false).await? {
            return Ok(true);
        }
        claim.release(Some(due)).await?;
        Ok(ended.failure.is_none())
    }
}

/// The result of the claim of a task that was read before.
enum Claimed {
    /// It is ours, with so many starts since something was done.
    Ours(Claim, u32),
    /// Another worker has carried it on since it was read.
    CarriedOn,
    /// Another worker has its queue.
    InOtherHands,
}

/// Claims a task, if it is still as it was read.
async fn claim(tasks: Arc<dyn Tasks>, read: &Task) -> Result<Claimed> {
    // Not shortened for tests of whole processes: a listing that is cut off may look like a failed
    // login, and no test shortens the time for which a platform remembers these.
    let Some((claim, task)) = Claim::take_for(tasks, read.id, LEASE).await? else {
        return Ok(Claimed::InOtherHands);
    };
    if task.due != read.due {
        claim.release(task.due).await?;
        return Ok(Claimed::CarriedOn);
    }
    Ok(Claimed::Ours(claim, task.starts))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenfleet::journal::OperationId;
    use tokenfleet_ledger::{MemoryLedger, NewTask};

    use super::*;

    #[tokio::test]
    async fn a_task_that_another_worker_has_carried_on_since_it_was_read_is_not_carried_on_again() {
        let tasks: Arc<dyn Tasks> = Arc::new(MemoryLedger::new());
        let id = OperationId::random();
        let task = NewTask::new(id, "schedule", "iot", "schedules.nightly iot", "{}");
        let now = tasks.due_queues().await.unwrap().at;
        tasks.open_task(&task.with_due(now)).await.unwrap();
        let read = tasks.task(id).await.unwrap().unwrap();
        let taken = Claim::take(Arc::clone(&tasks), id).await.unwrap();
        let (other, _) = taken.unwrap();
        let claimed = claim(Arc::clone(&tasks), &read).await.unwrap();
        assert!(matches!(claimed, Claimed::InOtherHands));
        let next = other.now().saturating_add(Duration::from_secs(60));
        other.release(Some(next)).await.unwrap();

        let claimed = claim(Arc::clone(&tasks), &read).await.unwrap();
        assert!(matches!(claimed, Claimed::CarriedOn));
        let left = tasks.task(id).await.unwrap().unwrap();
        assert_eq!(left.claimed_until, None);
        assert!(left.due > read.due);
        let claimed = claim(tasks, &left).await.unwrap();
        assert!(matches!(claimed, Claimed::Ours(_, 1)));
    }
}
