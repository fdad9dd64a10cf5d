//! A plan that is carried out again: what an earlier run did is not asked twice.

use sha2::{Digest, Sha256};
use tokenfleet::journal::OperationId;
use tokenfleet::{
    Result, Revocation, RevocationEffect, RevocationOutcome, RevocationPlan, TokenProvider,
};

use crate::accounts::Accounts;

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

/// Returns the revocations of this plan that the ledger knows as confirmed.
///
/// A revoked token stays dead. One that is replaced keeps its id, and an id that is given again
/// belongs to another token: there, nothing is known beforehand.
pub(super) async fn confirmed(
    accounts: &Accounts,
    operation: Option<OperationId>,
    provider: &dyn TokenProvider,
    plan: &RevocationPlan,
) -> Result<Vec<Revocation>> {
    let (Some(operation), Some(ledger)) = (operation, accounts.ledger().await?) else {
        return Ok(Vec::new());
    };
    let capabilities = provider.capabilities();
    let effect = capabilities.revoke.as_ref().map(|revoke| revoke.effect);
    let outcome = match effect {
        Some(RevocationEffect::Deleted) => RevocationOutcome::AlreadyGone,
        Some(RevocationEffect::Marked) => RevocationOutcome::AlreadyRevoked,
        _ => return Ok(Vec::new()),
    };
    let (false, Some(effect)) = (capabilities.reused_ids, effect) else {
        return Ok(Vec::new());
    };
    let writes = ledger.writes(operation).await?;
    let is_confirmed = |id: &&_| {
        let mut writes = writes.iter();
        writes.any(|write| write.intent.account == *provider.account() && write.has_revoked(id))
    };
    let confirmed = plan.tokens().filter(is_confirmed);
    let confirmed = confirmed.map(|id| Revocation::new(outcome, effect).with_id(id.clone()));
    Ok(confirmed.collect())
}
