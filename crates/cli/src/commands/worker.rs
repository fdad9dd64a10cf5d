//! `worker`: carries on the rotations that are due, and begins those of the policies.

use std::io::{self, Write};
use std::time::Duration;

use tokenfleet::{Result, Timestamp};
use tokenfleet_rotation::runner::StoredRotation;

use super::rotate::{begin_due, exit_of_failed_look, is_due};
use super::rotation_report::{COLUMNS, LESS_IMPORTANT, RotationObject, needs_a_person};
use crate::accounts::Accounts;
use crate::arguments::WorkerArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results, print_error};
use crate::policies::Policies;
use crate::rotations::{Prepared, Progressed, Rotations, Stop, carry_on};

/// The longest sleep: somebody else may open a rotation meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The shortest sleep: what is due may be in the hands of another worker.
const SHORTEST_SLEEP: Duration = Duration::from_secs(1);

/// The longest time between two looks at the accounts of the policies.
const LOOK_INTERVAL: Duration = Duration::from_secs(60 * 60);

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
        requested_format,
    };
    if arguments.once {
        return worker.once(output).await;
    }
    worker.serve().await.map_err(Failure::from)
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
        if open.iter().any(|stored| needs_a_person(stored) || is_overdue(stored)) {
            exits.push(Exit::AnswerIsNo);
        }
        Exit::combine(exits).after_writing(output.flush())
    }

    /// Does what is due until the program is asked to stop.
    async fn serve(&self) -> Result<Exit> {
        let mut looked_until = Timestamp::now();
        while !self.stop.is_requested() {
            let mut due = self.due().await?;
            if looked_until <= Timestamp::now() {
                let (begun, _, next) = self.begin().await?;
                due.extend(begun);
                let latest = Timestamp::now().saturating_add(LOOK_INTERVAL);
                looked_until = next.map_or(latest, |next| next.min(latest));
            }
            let format = Some(Format::Ndjson);
            let prepared = prepare(self.rotations, due, format, &mut Vec::new()).await;
            carry_on(prepared, self.stop, |progressed| self.log(progressed)).await;
            let open = self.rotations.open_ones().await?;
            let next = open.iter().filter_map(|stored| stored.task.due);
            let next = next.chain([looked_until]).min();
            let sleep = next.map_or(LONGEST_SLEEP, |next| Timestamp::now().duration_until(next));
            tokio::select! {
                () = tokio::time::sleep(sleep.clamp(SHORTEST_SLEEP, LONGEST_SLEEP)) => {}
                () = self.stop.requested() => {}
            }
        }
        Ok(Exit::Success)
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
        let (mut all, mut exits, mut next) = (Vec::new(), Vec::new(), None);
        for policy in self.policies.iter() {
            let mut selected = self.rotations.accounts.each();
            let is_selected = selected.any(|account| account.name() == policy.config.account);
            if !is_selected || self.stop.is_requested() {
                continue;
            }
            let format = self.requested_format;
            match begin_due(self.rotations, self.policies, policy, format).await {
                Ok(begun) => {
                    all.extend(begun.rotations);
                    exits.extend(begun.exits);
                    next = next.into_iter().chain(begun.next).min();
                }
                // The other policies do not wait for it.
                Err(error) => exits.push(exit_of_failed_look(format, &error)),
            }
        }
        Ok((all, exits, next))
    }

    /// Writes a line about a rotation to standard error.
    fn log(&self, progressed: Result<Progressed>) {
        let progressed = match progressed {
            Ok(progressed) => progressed,
            Err(error) => return print_error(Some(Format::Ndjson), &error),
        };
        if progressed.is_in_other_hands() {
            return;
        }
        if let Err(error) = &progressed.advanced {
            print_error(Some(Format::Ndjson), error);
        }
        let object = RotationObject::new(&progressed.stored);
        if let Ok(line) = serde_json::to_string(&object) {
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

/// Returns `true` for a rotation that was due long ago and does not go on.
fn is_overdue(stored: &StoredRotation) -> bool {
    let latest = Timestamp::now().checked_sub(OVERDUE);
    stored.task.due.zip(latest).is_some_and(|(due, latest)| due < latest)
}

/// Opens the accounts and the sinks of rotations. What cannot be opened is reported.
async fn prepare(
    rotations: &Rotations<'_>,
    due: Vec<StoredRotation>,
    requested_format: Option<Format>,
    exits: &mut Vec<Exit>,
) -> Vec<Prepared> {
    let mut prepared = Vec::new();
    for stored in due {
        match rotations.prepare(stored).await {
            Ok(rotation) => prepared.push(rotation),
            Err(error) => {
                print_error(requested_format, &error);
                exits.push(Exit::from_error(&error));
            }
        }
    }
    prepared
}

/// Advances rotations, prints each as soon as it stands still, and returns the exit codes.
pub(super) async fn carry_on_and_print(
    rotations: &Rotations<'_>,
    due: Vec<StoredRotation>,
    stop: &Stop,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Vec<Exit>, Failure> {
    let mut exits = Vec::new();
    let prepared = prepare(rotations, due, requested_format, &mut exits).await;
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    let mut written = Ok(());
    carry_on(prepared, stop, |progressed| {
        let progressed = match progressed {
            Ok(progressed) => progressed,
            Err(error) => {
                print_error(requested_format, &error);
                exits.push(Exit::from_error(&error));
                return;
            }
        };
        if let Err(error) = &progressed.advanced {
            print_error(requested_format, error);
        }
        if progressed.is_in_other_hands() {
            return;
        }
        exits.push(progressed.exit());
        let object = RotationObject::new(&progressed.stored);
        let row = object.row();
        let added = results.add(output, &object, row).and_then(|()| output.flush());
        if let Err(error) = added {
            // The work goes on, whoever reads.
            written = Err(error);
        }
    })
    .await;
    written?;
    results.finish(output)?;
    Ok(exits)
}
