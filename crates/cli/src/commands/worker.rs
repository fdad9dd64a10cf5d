//! `worker`: carries on the rotations that are due, and begins those of the policies.

use std::time::Duration;

use tokenfleet::{Result, Timestamp};
use tokenfleet_rotation::runner::StoredRotation;

use super::due_rotations::{begin_due, carry_on_and_print, is_due, report_unreadable};
use super::rotation_report::needs_a_person;
use super::serving::{Serving, watched};
use crate::accounts::Accounts;
use crate::arguments::WorkerArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error};
use crate::policies::Policies;
use crate::rotations::{Rotations, Stop};

/// The shortest time between two listings, and the time after one that failed.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(60);

/// The longest time between two listings of the accounts of the policies.
const LIST_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The time after which a rotation that is due and does not go on is a finding.
const OVERDUE: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &WorkerArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let rotations = Rotations::open(accounts).await?;
    let policies = Policies::read(accounts.configuration(), &rotations.sinks)?;
    let stop = Stop::listen().await;
    let worker = Worker {
        rotations: &rotations,
        policies: &policies,
        stop: &stop,
        // What is logged can be read by programs.
        requested_format: requested_format.or((!arguments.once).then_some(Format::Ndjson)),
    };
    let working = async {
        if arguments.once {
            worker.once(output).await
        } else {
            worker.serve(arguments).await
        }
    };
    tokio::select! {
        biased;
        exit = working => exit,
        // What is under way is in the ledger.
        () = stop.insisted() => Ok(Exit::Success),
    }
}

struct Worker<'a> {
    rotations: &'a Rotations<'a>,
    policies: &'a Policies,
    stop: &'a Stop,
    requested_format: Option<Format>,
}

impl Worker<'_> {
    /// Does what is due now, first what is open already, and prints each rotation.
    async fn once(&self, output: &mut Output) -> Result<Exit, Failure> {
        let mut due = self.due().await?;
        let (begun, mut exits, _) = self.begin().await?;
        due.extend(begun);
        let (rotations, stop, format) = (self.rotations, self.stop, self.requested_format);
        exits.extend(carry_on_and_print(rotations, due, stop, format, output).await?);
        let open = rotations.open_ones().await?;
        if open
            .iter()
            .any(|stored| needs_a_person(stored) || is_overdue(stored))
        {
            exits.push(Exit::AnswerIsNo);
        }
        Exit::combine(exits).after_writing(output.flush())
    }

    /// Does what is due until the program is asked to stop.
    async fn serve(&self, arguments: &WorkerArguments) -> Result<Exit, Failure> {
        let queues = tokenfleet_worker::Worker::new(self.rotations.tasks());
        let _watched = watched(arguments.health, &queues).await?;
        let serving = Serving {
            rotations: self.rotations,
            stop: self.stop,
            requested_format: self.requested_format,
        };
        tokio::select! {
            () = queues.run(&serving, self.stop.requested()) => {}
            () = self.open_by_policies(&queues) => {}
        }
        Ok(Exit::Success)
    }

    /// Opens the rotations that are due by policies, whenever the time for that has come, for ever.
    async fn open_by_policies(&self, queues: &tokenfleet_worker::Worker) {
        while !self.stop.is_requested() {
            let pause = match self.begin().await {
                Ok((_, _, next)) => {
                    queues.wake();
                    let next = next.map(|next| Timestamp::now().duration_until(next));
                    next.map_or(LIST_INTERVAL, |next| {
                        next.clamp(SHORTEST_INTERVAL, LIST_INTERVAL)
                    })
                }
                Err(error) => {
                    print_error(self.requested_format, &error);
                    SHORTEST_INTERVAL
                }
            };
            tokio::time::sleep(pause).await;
        }
        std::future::pending().await
    }

    /// Returns the open rotations for which there is something to do.
    async fn due(&self) -> Result<Vec<StoredRotation>> {
        let mut open = self.rotations.open_ones().await?;
        open.retain(is_due);
        Ok(open)
    }

    /// Opens the rotations that are due by the policies of the selected accounts. Returns them, the
    /// exit codes of what could not be seen to, and the time at which the next one is due.
    async fn begin(&self) -> Result<(Vec<StoredRotation>, Vec<Exit>, Option<Timestamp>)> {
        let (mut all, mut next) = (Vec::new(), None);
        let mut exits = report_unreadable(self.rotations, self.requested_format).await?;
        for policy in self.policies.iter() {
            let mut selected = self.rotations.accounts.each();
            let is_selected = selected.any(|account| account.name() == policy.config.account);
            if !is_selected || self.stop.is_requested() {
                continue;
            }
            let format = self.requested_format;
            let begun = tokio::select! {
                biased;
                begun = begin_due(self.rotations, self.policies, policy, format) => begun,
                // Nothing is lost of a listing, and a rotation is opened at once or not at all.
                () = self.stop.requested() => break,
            };
            match begun {
                Ok(begun) => {
                    all.extend(begun.rotations);
                    exits.extend(begun.exits);
                    next = next.into_iter().chain(begun.next).min();
                }
                // The other policies do not wait for it.
                Err(error) => {
                    print_error(format, &error);
                    exits.push(Exit::from_error(&error));
                }
            }
        }
        Ok((all, exits, next))
    }
}

/// Returns `true` for a rotation that was due long ago and does not go on.
fn is_overdue(stored: &StoredRotation) -> bool {
    let latest = Timestamp::now().checked_sub(OVERDUE);
    stored
        .task
        .due
        .zip(latest)
        .is_some_and(|(due, latest)| due < latest)
}
