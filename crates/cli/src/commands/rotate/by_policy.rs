//! The rotations of a policy: of each token that is due.

use tokenfleet_rotation::runner::StoredRotation;

use crate::accounts::Accounts;
use crate::commands::due_rotations::{
    begin_due, carry_on_and_print, is_due, report_unreadable, stopped_before, until_insisted,
};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error};
use crate::policies::Policies;
use crate::rotations::{Rotations, Stop};

pub(super) async fn run(
    accounts: &Accounts,
    name: &str,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let rotations = Rotations::open(accounts).await?;
    let policies = Policies::read(accounts.configuration(), &rotations.sinks)?;
    let policy = policies.named(name)?;
    let stop = Stop::listen().await;
    let working = Box::pin(async {
        let is_of_policy = |stored: &StoredRotation| stored.record.policy.as_deref() == Some(name);
        let now = rotations.now().await?;
        let mut due = rotations.open_ones().await?;
        due.retain(|stored| is_of_policy(stored) && is_due(stored, now));
        let begun = begin_due(&rotations, &policies, policy, &stop, requested_format).await?;
        let mut exits = begun.exits;
        if begun.is_stopped {
            print_error(requested_format, &stopped_before(&[name]));
            exits.push(Exit::OutcomeUnknown);
        }
        due.extend(begun.rotations);
        exits.extend(report_unreadable(&rotations, requested_format).await?);
        let printed = carry_on_and_print(
            &rotations,
            due,
            is_of_policy,
            &stop,
            requested_format,
            output,
        );
        exits.extend(printed.await?);
        Exit::combine(exits).after_writing(output.flush())
    });
    until_insisted(working, &stop, requested_format).await
}
