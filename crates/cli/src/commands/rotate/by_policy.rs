//! The rotations of a policy: of each token that is due.

use crate::accounts::Accounts;
use crate::commands::due_rotations::{begin_due, carry_on_and_print, is_due, report_unreadable};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output};
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
    let mut due = rotations.open_ones().await?;
    due.retain(|stored| stored.record.policy.as_deref() == Some(name) && is_due(stored));
    let begun = begin_due(&rotations, &policies, policy, requested_format).await?;
    due.extend(begun.rotations);
    let unreadable = report_unreadable(&rotations, requested_format).await?;
    let exits = carry_on_and_print(&rotations, due, &stop, requested_format, output).await?;
    let exit = Exit::combine(exits.into_iter().chain(begun.exits).chain(unreadable));
    exit.after_writing(output.flush())
}
