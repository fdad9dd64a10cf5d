//! The rotations of a policy: of each token that is due.

use tokenfleet::{Error, Result, Timestamp};
use tokenfleet_rotation::policy::Due;
use tokenfleet_rotation::runner::StoredRotation;

use crate::accounts::Accounts;
use crate::commands::worker::carry_on_and_print;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error, print_warning};
use crate::policies::{ConfiguredPolicy, Policies};
use crate::rotations::{Rotations, Stop, look};

/// The rotations that a look at a policy has opened or found, and what it could not see to.
pub(crate) struct BegunByPolicy {
    pub(crate) rotations: Vec<StoredRotation>,
    /// The exit codes of what could not be rotated or listed.
    pub(crate) exits: Vec<Exit>,
    /// The earliest time at which another token is due.
    pub(crate) next: Option<Timestamp>,
}

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
    let exits = carry_on_and_print(&rotations, due, &stop, requested_format, output).await?;
    let exit = Exit::combine(exits.into_iter().chain(begun.exits));
    exit.after_writing(output.flush())
}

/// Returns `true` if there is something to do for an open rotation.
pub(crate) fn is_due(stored: &StoredRotation) -> bool {
    stored.task.due.is_some_and(|due| due <= Timestamp::now())
}

/// Opens a rotation of each token that is due by a policy. What cannot be rotated is reported.
pub(crate) async fn begin_due(
    rotations: &Rotations<'_>,
    policies: &Policies,
    policy: &ConfiguredPolicy,
    requested_format: Option<Format>,
) -> Result<BegunByPolicy> {
    let looked = look(rotations, policies, policy).await?;
    let mut begun = BegunByPolicy {
        rotations: Vec::new(),
        exits: Vec::new(),
        next: None,
    };
    if let Some(reason) = &looked.incomplete {
        let account = &policy.config.account;
        print_warning(&format!("{account}: a token may not have been seen: {reason}"));
        begun.exits.push(Exit::Incomplete);
    }
    for (id, covered) in looked.covered {
        let covered = match covered {
            Ok(covered) => covered,
            Err(error) => {
                let error = match &id {
                    Some(id) => error.with_message_prefix(&format!("token {id}")),
                    None => error,
                };
                print_error(requested_format, &error);
                begun.exits.push(Exit::AnswerIsNo);
                continue;
            }
        };
        if !covered.is_due() {
            if let Due::At(at) = covered.due {
                begun.next = Some(begun.next.map_or(at, |next| next.min(at)));
            }
            continue;
        }
        match rotations.begin(&covered.record).await {
            // One that was open before is carried on when it is due itself.
            Ok(opened) if opened.is_new => begun.rotations.push(opened.stored),
            Ok(_) => {}
            Err(error) => {
                print_error(requested_format, &error.with_account(&covered.record.account));
                begun.exits.push(Exit::AnswerIsNo);
            }
        }
    }
    Ok(begun)
}

/// Returns the exit code of a policy at which nothing could be looked.
pub(crate) fn exit_of_failed_look(requested_format: Option<Format>, error: &Error) -> Exit {
    print_error(requested_format, error);
    Exit::from_error(error)
}
