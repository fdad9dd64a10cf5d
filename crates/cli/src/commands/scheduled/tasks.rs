//! How a worker carries the tasks of schedules and policies on.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use tokenfleet::Result;
use tokenfleet_ledger::{Task, Tasks};
use tokenfleet_worker::Advanced;

use crate::accounts::Accounts;
use crate::claim::{Claim, LEASE};
use crate::exit::Exit;
use crate::output::{Format, print_error};
use crate::policies::{ConfiguredPolicy, Policies};
use crate::rotations::{Rotations, Stop};
use crate::schedules::{Ended, Schedule, ScheduledTask, Subject};

/// The number of queues that are worked on at a time.
const MAX_QUEUES: usize = 16;

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
pub(in crate::commands) struct Progress {
    /// The worst of what became of its tasks.
    pub(in crate::commands) advanced: Advanced,
    /// `true` if another worker has the queue by now.
    pub(in crate::commands) is_in_other_hands: bool,
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
        let mut due = Vec::new();
        for id in tasks.due_tasks(queue).await? {
            let task = tasks.task(id).await?.and_then(ScheduledTask::read);
            due.extend(task.filter(|task| self.has(task)));
        }
        let is_stopped = || self.stop.is_requested();
        each(&tasks, due, is_stopped, |claim, task| {
            self.carry_on(claim, task)
        })
        .await
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
    async fn carry_on(&self, claim: Claim, mut task: ScheduledTask) -> Result<bool> {
        let claim = Arc::new(claim);
        let begun = claim.now();
        let ended = match claim.exhausted() {
            Some(error) => Some(Ended::failed(error.to_string())),
            None => self.run(&claim, &task.record, begun).await,
        };
        let Some(ended) = ended else {
            if self.stop.is_requested() {
                // Whoever comes next carries it on.
                return claim.release(task.task.due).await.map(|()| true);
            }
            let error = claim.ran_out(&task.task.subject);
            print_error(Some(self.format), &error);
            self.note(Exit::from_error(&error));
            return Ok(false);
        };
        let before = task.record.clone();
        let due = Some(task.record.end(&ended, begun));
        let recorded = async {
            if task.record != before {
                claim.record(&task.record.to_json()?, false).await?;
            }
            Ok((due, ()))
        };
        claim.then_release(due, recorded).await?;
        Ok(ended.failure.is_none())
    }
}

/// Carries tasks on that were read, one after the other, until another worker has their queue.
/// `carry_on` returns `false` for one that failed.
async fn each<F: Future<Output = Result<bool>>>(
    tasks: &Arc<dyn Tasks>,
    due: Vec<ScheduledTask>,
    is_stopped: impl Fn() -> bool,
    carry_on: impl Fn(Claim, ScheduledTask) -> F,
) -> Result<Progress> {
    let mut progress = Progress {
        advanced: Advanced::Nothing,
        is_in_other_hands: false,
    };
    for task in due {
        if is_stopped() {
            break;
        }
        match claim(Arc::clone(tasks), &task.task).await? {
            Claimed::Ours(claim) => {
                let advanced = match carry_on(claim, task).await? {
                    true => Advanced::Something,
                    false => Advanced::Failed {
                        is_anything_done: true,
                    },
                };
                progress.advanced = progress.advanced.and(advanced);
            }
            Claimed::CarriedOn => {}
            Claimed::InOtherHands => {
                progress.is_in_other_hands = true;
                break;
            }
        }
    }
    Ok(progress)
}

/// The result of the claim of a task that was read before.
pub(super) enum Claimed {
    Ours(Claim),
    /// Another worker has carried it on since it was read.
    CarriedOn,
    /// Another worker has its queue.
    InOtherHands,
}

/// Claims a task, if it is still as it was read.
pub(super) async fn claim(tasks: Arc<dyn Tasks>, read: &Task) -> Result<Claimed> {
    // Not shortened for tests of whole processes: a listing that is cut off may look like a failed
    // login, and no test shortens the time for which a platform remembers these.
    let Some((claim, task)) = Claim::take_for(tasks, read.id, LEASE).await? else {
        return Ok(Claimed::InOtherHands);
    };
    if task.due != read.due {
        claim.release(task.due).await?;
        return Ok(Claimed::CarriedOn);
    }
    Ok(Claimed::Ours(claim))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenfleet::journal::OperationId;
    use tokenfleet_ledger::{MemoryLedger, NewTask};

    use super::*;
    use crate::schedules::{KIND, Record};

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
        assert!(matches!(claimed, Claimed::Ours(_)));
    }

    #[tokio::test]
    async fn what_was_done_before_another_worker_took_the_queue_is_not_forgotten() {
        let tasks: Arc<dyn Tasks> = Arc::new(MemoryLedger::new());
        let mut due = Vec::new();
        for name in ["first", "second", "third"] {
            let record = Record::new("iot", Subject::Schedule(name.to_owned()));
            let (id, state) = (OperationId::random(), record.to_json().unwrap());
            let task = NewTask::new(id, KIND, "iot", record.subject(), state);
            tasks.open_task(&task).await.unwrap();
            let task = tasks.task(id).await.unwrap().unwrap();
            due.push(ScheduledTask::read(task).unwrap());
        }
        let third = due[2].task.id;
        for failing in [
            None,
            Some("schedules.first iot"),
            Some("schedules.second iot"),
        ] {
            let again = due.iter().map(|due| {
                let (task, record) = (due.task.clone(), due.record.clone());
                ScheduledTask { task, record }
            });
            let ended = each(
                &tasks,
                again.collect(),
                || false,
                |claim, task| {
                    let tasks = Arc::clone(&tasks);
                    async move {
                        claim.release(None).await?;
                        if task.task.subject == "schedules.second iot" {
                            let other = Claim::take(tasks, third).await?;
                            assert!(other.is_some());
                        }
                        Ok(Some(&*task.task.subject) != failing)
                    }
                },
            );
            let progress = ended.await.unwrap();
            assert!(progress.is_in_other_hands);
            let advanced = match failing {
                None => Advanced::Something,
                Some(_) => Advanced::Failed {
                    is_anything_done: true,
                },
            };
            assert_eq!(progress.advanced, advanced, "{failing:?}");
            let other = tasks.task(third).await.unwrap().unwrap();
            assert!(other.claimed_until.is_some());
            for epoch in 0..20 {
                tasks.release_claim(third, epoch, None).await.unwrap();
            }
        }
    }
}
