//! How a worker carries the tasks of schedules and policies on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokenfleet::Result;
use tokenfleet_ledger::{TaskClaim, Tasks};

use crate::accounts::Accounts;
use crate::exit::Exit;
use crate::output::{Format, print_error};
use crate::policies::{ConfiguredPolicy, Policies};
use crate::rotations::{Rotations, Stop};
use crate::schedules::{Ended, Schedule, ScheduledTask, Subject};

/// The time for which a claim lasts that is not extended, and between two extensions: those of a
/// rotation.
pub(super) const CLAIM: Duration = Duration::from_secs(25);
const HEARTBEAT: Duration = Duration::from_secs(5);

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
            let due = task.due;
            let Some(task) = ScheduledTask::read(task).filter(|task| self.has(task)) else {
                continue;
            };
            if self.stop.is_requested() {
                break;
            }
            let Some(claim) = tasks.claim_task(id, CLAIM).await? else {
                return Ok(Progress::InOtherHands);
            };
            // Another worker has carried it on since it was read.
            if claim.task.due != due {
                tasks.release_claim(id, claim.epoch, claim.task.due).await?;
                continue;
            }
            self.carry_on(task, &claim).await?;
            progress = Progress::Something;
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

    /// Carries a task on that was claimed, and gives it back.
    async fn carry_on(&self, mut task: ScheduledTask, claim: &TaskClaim) -> Result<()> {
        let (tasks, id, epoch) = (self.tasks(), claim.task.id, claim.epoch);
        // By the clock of the database.
        let begun = claim
            .task
            .claimed_until
            .and_then(|until| until.checked_sub(CLAIM));
        let begun = begun.unwrap_or(claim.task.opened_at);
        let ended = if claim.task.starts > MAX_STARTS {
            Some(Ended::failed(format!(
                "{MAX_STARTS} workers were lost in it: look why, before another one is"
            )))
        } else {
            let running = self.run(&task.record, begun);
            match self.under_claim(claim, running).await {
                Some(ended) => ended,
                // Another worker has taken it.
                None => return Ok(()),
            }
        };
        let Some(ended) = ended else {
            // Asked to stop: whoever comes next carries it on.
            return tasks.release_claim(id, epoch, claim.task.due).await;
        };
        let before = task.record.clone();
        let due = task.record.end(&ended, begun);
        if task.record != before {
            let state = task.record.to_json()?;
            if !tasks.record_task(id, epoch, &state, false).await? {
                return Ok(());
            }
        }
        tasks.release_claim(id, epoch, Some(due)).await
    }

    /// Runs something while a claim lasts, or returns `None` if another worker has taken over.
    async fn under_claim<T>(
        &self,
        claim: &TaskClaim,
        running: impl Future<Output = T>,
    ) -> Option<T> {
        let tasks = self.tasks();
        let lost = async {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                // What runs may be begun anew, so a ledger that does not answer ends nothing.
                let extended = tasks.extend_claim(claim.task.id, claim.epoch, CLAIM);
                if let Ok(false) = extended.await {
                    return;
                }
            }
        };
        tokio::select! {
            ended = running => Some(ended),
            () = lost => None,
        }
    }
}
