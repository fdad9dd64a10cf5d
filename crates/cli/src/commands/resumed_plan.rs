//! A plan that is carried out again: what an earlier run did is not asked twice.

use std::collections::HashSet;

use sha2::{Digest, Sha256};
use tokenfleet::journal::OperationId;
use tokenfleet::{
    Result, Revocation, RevocationEffect, RevocationOutcome, RevocationPlan, TokenId, TokenProvider,
};
use tokenfleet_ledger::Write;

/// Returns the id of the operation that carries out these plans: the same for the same plans,
/// whichever process carries them out.
pub(super) fn operation_id(plans: &[RevocationPlan]) -> Result<OperationId> {
    let mut hash = Sha256::new();
    for plan in plans {
        hash.update(plan.to_string());
    }
    let digits = hash
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    digits.parse()
}

/// Returns the revocations of the tokens of this plan that are known to be dead.
///
/// A revoked token stays dead. One that is replaced keeps its id, and an id that is given again
/// belongs to another token: there, nothing is known beforehand.
pub(super) fn confirmed(
    provider: &dyn TokenProvider,
    plan: &RevocationPlan,
    dead: &HashSet<TokenId>,
) -> Vec<Revocation> {
    let capabilities = provider.capabilities();
    let effect = capabilities.revoke.as_ref().map(|revoke| revoke.effect);
    let outcome = match effect {
        Some(RevocationEffect::Deleted) => RevocationOutcome::AlreadyGone,
        Some(RevocationEffect::Marked) => RevocationOutcome::AlreadyRevoked,
        _ => return Vec::new(),
    };
    let (false, Some(effect)) = (capabilities.reused_ids, effect) else {
        return Vec::new();
    };
    let confirmed = plan.tokens().filter(|id| dead.contains(*id));
    let confirmed = confirmed.map(|id| Revocation::new(outcome, effect).with_id(id.clone()));
    confirmed.collect()
}

/// Returns the tokens that a write has revoked, as the platform confirmed.
pub(super) fn revoked_by(write: &Write) -> impl Iterator<Item = &TokenId> {
    let tokens = write.tokens().into_iter();
    tokens.filter(|id| write.has_revoked(id))
}
