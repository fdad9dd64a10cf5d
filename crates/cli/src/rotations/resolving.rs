//! The writes of a rotation of which nothing is left to do: what became of those that are open.

use std::collections::BTreeSet;

use tokenfleet::journal::{Effect, Journal, Outcome, Resolution};
use tokenfleet::{Operation, Result, TokenId};
use tokenfleet_ledger::{Ledger, Write};
use tokenfleet_rotation::machine::{Attempt, Strategy, Successor};
use tokenfleet_rotation::runner::RotationRecord;

/// Records what became of the open writes of a rotation that is about to be done: its successor is
/// in the sinks, and whatever else it created was found and is revoked.
///
/// What nothing can list stays open, and is counted until it is dead.
pub(super) async fn resolve(
    ledger: &dyn Ledger,
    journals: &dyn Journal,
    record: &RotationRecord,
) -> Result<()> {
    let rotation = &record.rotation;
    let writes = ledger.writes(rotation.id).await?;
    let Some(successor) = &rotation.successor else {
        return Ok(());
    };
    let revoked = revoked(&writes, rotation.subject.as_ref());
    for write in writes.iter().filter(|write| write.is_open()) {
        let intent = &write.intent;
        if is_of_successor(write, successor, &rotation.attempts) {
            let mut effect = Effect::new();
            effect.token = Some(successor.token.clone());
            // The audit log has heard of it.
            let outcome = Outcome::new(intent, Ok(effect));
            ledger.record_outcome(intent, &outcome).await;
            continue;
        }
        let resolution = match intent.operation {
            Operation::Create if matches!(record.plan.strategy, Strategy::Unlisted(_)) => continue,
            Operation::Create => match &write.resolution {
                Some(Resolution::Applied(tokens)) => Resolution::TakenBack(tokens.clone()),
                _ if revoked.is_empty() => Resolution::NotApplied,
                _ => Resolution::TakenBack(revoked.iter().cloned().collect()),
            },
            // It was repeated until it was confirmed, or a later one has replaced its secret.
            _ => Resolution::Applied(Vec::new()),
        };
        journals.record_resolution(&intent.id, &resolution).await;
    }
    Ok(())
}

/// Returns `true` for the write that issued the successor.
fn is_of_successor(write: &Write, successor: &Successor, attempts: &[Attempt]) -> bool {
    if write.intent.operation != Operation::Create {
        return false;
    }
    let mut attempts = attempts.iter();
    let attempt = attempts.find(|attempt| attempt.number == successor.attempt);
    let marker = attempt.map(|attempt| attempt.marker.as_str());
    write.issued() == Some(&successor.token)
        || (marker.is_some() && write.intent.marker() == marker)
}

/// Returns the tokens that the rotation has revoked, except for the old one.
fn revoked(writes: &[Write], subject: Option<&TokenId>) -> BTreeSet<TokenId> {
    let revocations = writes
        .iter()
        .filter(|write| write.intent.operation == Operation::Revoke);
    let tokens = revocations.filter_map(|write| write.intent.token.as_ref());
    tokens
        .filter(|token| Some(*token) != subject)
        .cloned()
        .collect()
}
