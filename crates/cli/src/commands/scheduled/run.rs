//! The runs of commands and policies.

use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use tokenfleet::{Error, ErrorKind, Fate, Result, Timestamp};

use super::tasks::ScheduledTasks;
use crate::accounts::Accounts;
use crate::arguments::{Arguments, Command, OperationsAction};
use crate::claim::Claim;
use crate::commands::due_rotations::begin_due;
use crate::commands::{check, operations, snapshot};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error};
use crate::policies::{ConfiguredPolicy, Policies};
use crate::rotations::Stop;
use crate::schedules::{Ended, LONGEST_WAIT, Record, SHORTEST_WAIT, Schedule, Subject};

impl ScheduledTasks<'_> {
    /// Carries out what a task is for. Returns `None` if a request to stop, or the end of the
    /// claim, came before its end.
    pub(super) async fn run(
        &self,
        claim: &Arc<Claim>,
        record: &Record,
        begun: Timestamp,
    ) -> Option<Ended> {
        let started = Instant::now();
        let ended = match &record.of {
            Subject::Policy(name) => {
                let (policies, policy) = self.policy(name)?;
                let running = self.run_policy(policies, policy, begun);
                // A future of 16 kB, which each caller would hold.
                claim.hold(Box::pin(running)).await.flatten()
            }
            Subject::Schedule(name) => {
                let schedule = self.schedule(name)?;
                self.run_command(claim, schedule, &record.account, begun)
                    .await
            }
        };
        let mut ended = ended?;
        ended.took = started.elapsed();
        Some(ended)
    }

    /// Opens the rotations that are due by a policy.
    async fn run_policy(
        &self,
        policies: &Policies,
        policy: &ConfiguredPolicy,
        begun: Timestamp,
    ) -> Option<Ended> {
        let format = Some(self.format);
        let opened = begin_due(self.rotations, policies, policy, self.stop, format);
        match opened.await {
            Ok(opened) if opened.is_stopped => None,
            Ok(opened) => {
                let latest = begun.saturating_add(LONGEST_WAIT);
                let next = opened.next.map_or(latest, |next| next.min(latest));
                let next = next.max(begun.saturating_add(SHORTEST_WAIT));
                Some(match opened.failure {
                    // Its token does not wait for the next listing, nor do others wait for it.
                    Some(failure) => Ended::failed(failure).no_later_than(next),
                    None => Ended::well(next),
                })
            }
            Err(error) => {
                print_error(format, &error);
                Some(Ended::failed(error.to_string()))
            }
        }
    }

    async fn run_command(
        &self,
        claim: &Arc<Claim>,
        schedule: &Schedule,
        account: &str,
        begun: Timestamp,
    ) -> Option<Ended> {
        let name = &schedule.name;
        let prefix = format!("schedules.{name}, account {account}");
        let accounts = match self.accounts().narrowed_to(account) {
            Ok(accounts) => accounts,
            Err(error) => return Some(Ended::failed(error.to_string())),
        };
        let words: Vec<_> = schedule.words().into_iter().map(str::to_owned).collect();
        let format = self.format;
        let running = run_apart(Arc::clone(claim), self.stop.clone(), async move || {
            run_words(&accounts, &words, format).await
        });
        let exit = running
            .await
            .unwrap_or_else(|error| Some(Err(error.into())));
        let failure = match exit? {
            Ok(exit) => {
                self.note(exit);
                let is_well = matches!(exit, Exit::Success | Exit::AnswerIsNo);
                (!is_well).then(|| "the command did not end well: its own lines say why".to_owned())
            }
            Err(failure) => {
                self.note(failure.exit());
                if let Failure::Operation(error) | Failure::Incomplete(error) = &failure {
                    print_error(Some(format), &error.clone().with_message_prefix(&prefix));
                }
                Some(failure.to_string())
            }
        };
        Some(match failure {
            None => Ended::well(schedule.next(begun)),
            Some(failure) => Ended::failed(failure),
        })
    }
}

/// Does work that stays on one thread, on a thread of its own, while a claim lasts. Returns `None`
/// if a request to stop, or the end of the claim, came before its end: what only reads is dropped.
async fn run_apart<F, T>(claim: Arc<Claim>, stop: Stop, work: F) -> Result<Option<T>>
where
    F: AsyncFnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let runtime = tokio::runtime::Handle::current();
    let working = tokio::task::spawn_blocking(move || {
        runtime.block_on(claim.hold(async {
            tokio::select! {
                done = work() => Some(done),
                () = stop.requested() => None,
            }
        }))
    });
    working.await.map(Option::flatten).map_err(|_| unfinished())
}

/// Runs the command of these words on accounts.
async fn run_words(accounts: &Accounts, words: &[String], format: Format) -> Result<Exit, Failure> {
    let words = std::iter::once("tokenfleet").chain(words.iter().map(String::as_str));
    let arguments = Arguments::try_parse_from(words);
    let command = arguments
        .map_err(|error| Error::configuration(error.to_string()))?
        .command;
    let requested = Some(format);
    let mut output = Output::new(format, true);
    output.show_annotations(accounts.is_annotated());
    let exit = match command {
        Command::Snapshot(arguments) => {
            snapshot::run(accounts, &arguments, requested, &mut output).await?
        }
        Command::Check(arguments) => {
            check::run(accounts, &arguments, requested, &mut output).await?
        }
        Command::Operations(arguments) => match arguments.action {
            Some(OperationsAction::Resume(arguments)) => {
                operations::resume(accounts, arguments, requested, &mut output).await?
            }
            _ => Exit::Usage,
        },
        _ => Exit::Usage,
    };
    exit.after_writing(output.flush())
}

fn unfinished() -> Error {
    Error::new(
        ErrorKind::Other,
        Fate::NotSent,
        "the command was not finished",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use tokenfleet::journal::OperationId;
    use tokenfleet_ledger::{MemoryLedger, NewTask, Tasks};

    use super::*;

    #[tokio::test]
    async fn a_command_that_was_stopped_does_nothing_more_once_its_claim_has_run_out() {
        let lease = Duration::from_millis(400);
        let tasks: Arc<dyn Tasks> = Arc::new(MemoryLedger::new());
        let id = OperationId::random();
        let task = NewTask::new(id, "schedule", "iot", "schedules.nightly iot", "{}");
        tasks.open_task(&task).await.unwrap();
        let claim = Claim::take_for(tasks, id, lease).await.unwrap().unwrap().0;
        let steps = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&steps);
        let running = run_apart(Arc::new(claim), Stop::requested_at(None), async move || {
            counted.fetch_add(1, Ordering::Relaxed);
            // As in a process that is stopped, no timer goes off meanwhile.
            std::thread::sleep(lease);
            tokio::task::yield_now().await;
            counted.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(running.await.unwrap(), None);
        assert_eq!(steps.load(Ordering::Relaxed), 1);
    }
}
