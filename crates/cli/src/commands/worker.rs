//! `worker`: carries on the rotations that are due, begins those of the policies, and runs the
//! commands of the schedules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use tokenfleet::Result;
use tokenfleet_ledger::Task;
use tokenfleet_rotation::runner::StoredRotation;

use super::due_rotations::{
    begin_due, carry_on_and_print, is_due, report_unreadable, stopped_before, until_insisted,
};
use super::revocations::{Working, carry_on_due};
use super::rotation_report::claim;
use super::scheduled::ScheduledTasks;
use super::serving::{Serving, watched};
use crate::accounts::Accounts;
use crate::arguments::WorkerArguments;
use crate::claim::LEASE;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error, print_warning};
use crate::policies::Policies;
use crate::rotations::{Rotations, Stop};
use crate::schedules::Schedule;

/// The number of held queues that are named.
const NAMED_QUEUES: usize = 3;

/// The time after which a worker opens the tasks again that another one, with another
/// configuration, has closed.
const OPEN_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The time after which it tries again if the ledger does not answer. If another worker holds a
/// queue whose tasks are to be changed, that is tried again as soon as the claim of a killed one is
/// over.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &WorkerArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let rotations = Rotations::open(accounts).await?;
    let policies = Policies::read(accounts.configuration(), &rotations.sinks)?;
    let schedules = Schedule::read_all(accounts.configuration())?;
    let stop = Stop::listen().await;
    let worker = Worker {
        rotations: &rotations,
        policies: &policies,
        schedules: &schedules,
        stop: &stop,
        // What is logged can be read by programs.
        requested_format: requested_format.or((!arguments.once).then_some(Format::Ndjson)),
    };
    let working = Box::pin(async {
        if arguments.once {
            worker.once(output).await
        } else {
            worker.serve(arguments).await
        }
    });
    until_insisted(working, &stop, worker.requested_format).await
}

/// The rotations that were opened for the policies of the selected accounts.
#[derive(Default)]
struct Begun<'a> {
    rotations: Vec<StoredRotation>,
    /// The exit codes of what could not be rotated or listed.
    exits: Vec<Exit>,
    /// The policies whose tokens were not all read before a request to stop.
    unread: Vec<&'a str>,
}

struct Worker<'a> {
    rotations: &'a Rotations<'a>,
    policies: &'a Policies,
    schedules: &'a [Schedule],
    stop: &'a Stop,
    requested_format: Option<Format>,
}

impl<'a> Worker<'a> {
    /// Does what is due now, first what is open already, and prints each rotation.
    async fn once(&self, output: &mut Output) -> Result<Exit, Failure> {
        // In an incident, nothing is more urgent.
        let mut exits = carry_on_due(&self.revocations(false)).await?;
        let mut due = self.due().await?;
        let begun = self.begin().await?;
        due.extend(begun.rotations);
        exits.extend(begun.exits);
        if !begun.unread.is_empty() {
            print_error(self.requested_format, &stopped_before(&begun.unread));
            exits.push(Exit::OutcomeUnknown);
        }
        let (rotations, stop, format) = (self.rotations, self.stop, self.requested_format);
        exits.extend(carry_on_and_print(rotations, due, |_| true, stop, format, output).await?);
        let written = output.flush();
        // The accounts of the policies were listed before, due or not.
        let scheduled = self.scheduled(None, output.format());
        scheduled.sync().await?;
        scheduled.advance_all().await?;
        exits.extend(scheduled.into_exits());
        Exit::combine(exits).after_writing(written)
    }

    fn revocations(&self, comes_back: bool) -> Working<'a> {
        Working {
            accounts: self.rotations.accounts,
            ledger: self.rotations.ledger(),
            stop: self.stop,
            requested_format: self.requested_format,
            comes_back,
        }
    }

    /// Does what is due until the program is asked to stop.
    async fn serve(&self, arguments: &WorkerArguments) -> Result<Exit, Failure> {
        let queues = tokenfleet_worker::Worker::new(self.rotations.tasks())
            .with_max_queues(arguments.max_queues);
        let _watched = watched(arguments.health, &queues).await?;
        if let Err(error) = self.name_held_queues().await {
            print_error(self.requested_format, &error);
        }
        let serving = Serving {
            rotations: self.rotations,
            revocations: self.revocations(true),
            scheduled: self.scheduled(Some(self.policies), Format::Ndjson),
            stop: self.stop,
            requested_format: self.requested_format,
        };
        tokio::select! {
            () = queues.run(&serving, self.stop.requested()) => {}
            () = self.keep_open(&serving.scheduled, &queues) => {}
        }
        Ok(Exit::Success)
    }

    /// Names the queues with something to do that other workers hold. If those were killed, nothing
    /// happens before their claims run out.
    async fn name_held_queues(&self) -> Result<()> {
        let tasks = self.rotations.tasks();
        let now = tasks.due_queues().await?.at;
        let (mut due, mut claims) = (BTreeSet::new(), BTreeMap::new());
        for task in tasks.open_tasks().await? {
            if let Some(until) = task.claimed_until.filter(|until| *until > now) {
                claims.insert(task.queue.clone(), until);
            }
            if task.due.is_some_and(|due| due <= now) {
                due.insert(task.queue);
            }
        }
        claims.retain(|queue, _| due.contains(queue));
        for (queue, until) in claims.iter().take(NAMED_QUEUES) {
            print_warning(&format!("{queue}: {}", claim(Some(*until))));
        }
        if let Some(more @ 1..) = claims.len().checked_sub(NAMED_QUEUES) {
            print_warning(&format!("other workers have claimed {more} more queues"));
        }
        Ok(())
    }

    fn scheduled(&self, policies: Option<&'a Policies>, format: Format) -> ScheduledTasks<'a> {
        ScheduledTasks {
            rotations: self.rotations,
            policies,
            schedules: self.schedules,
            stop: self.stop,
            format,
            exits: Mutex::default(),
        }
    }

    /// Sees to it that the ledger has the tasks of the schedules and policies, for ever.
    async fn keep_open(&self, scheduled: &ScheduledTasks<'_>, queues: &tokenfleet_worker::Worker) {
        // The tasks that are to be changed still, once the first time went well.
        let mut left: Option<Vec<Task>> = None;
        loop {
            let opened = async {
                match left.clone() {
                    None => {
                        report_unreadable(self.rotations, self.requested_format).await?;
                        scheduled.sync().await
                    }
                    Some(left) if left.is_empty() => scheduled.open().await.map(|()| left),
                    Some(left) => scheduled.sync_these(left).await,
                }
            };
            let pause = match opened.await {
                Ok(still_left) => {
                    queues.wake();
                    let pause = match still_left.is_empty() {
                        true => OPEN_INTERVAL,
                        false => LEASE,
                    };
                    left = Some(still_left);
                    pause
                }
                Err(error) => {
                    print_error(self.requested_format, &error);
                    RETRY_INTERVAL
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Returns the open rotations for which there is something to do.
    async fn due(&self) -> Result<Vec<StoredRotation>> {
        let now = self.rotations.now().await?;
        let mut open = self.rotations.open_ones().await?;
        open.retain(|stored| is_due(stored, now));
        Ok(open)
    }

    /// Opens the rotations that are due by the policies of the selected accounts.
    async fn begin(&self) -> Result<Begun<'a>> {
        let mut all = Begun {
            exits: report_unreadable(self.rotations, self.requested_format).await?,
            ..Begun::default()
        };
        for policy in self.policies.iter() {
            let mut selected = self.rotations.accounts.each();
            if !selected.any(|account| account.name() == policy.config.account) {
                continue;
            }
            let (rotations, policies, format) =
                (self.rotations, self.policies, self.requested_format);
            match begin_due(rotations, policies, policy, self.stop, format).await {
                Ok(begun) => {
                    all.rotations.extend(begun.rotations);
                    all.exits.extend(begun.exits);
                    if begun.is_stopped {
                        all.unread.push(policy.name());
                    }
                }
                // The other policies do not wait for it.
                Err(error) => {
                    print_error(format, &error);
                    all.exits.push(Exit::from_error(&error));
                }
            }
        }
        Ok(all)
    }
}
