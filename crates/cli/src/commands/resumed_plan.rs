//! A plan that is carried out again: what an earlier run did is not asked twice.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use tokenfleet::journal::{Journal, OperationId, Resolution};
use tokenfleet::{
    Account, Operation, Query, Result, Revocation, RevocationEffect, RevocationOutcome,
    RevocationPlan, Token, TokenId, TokenProvider, TokenProviderExt, TokenState,
};
use tokenfleet_ledger::Write;

use crate::accounts::Accounts;
use crate::output::{displayed_id, print_warning};
use crate::progress::with_progress;

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

/// The number of tokens that are fetched one by one rather than in a listing of their account.
const MAX_FETCHED: usize = 8;

/// Returns the revocations of the tokens of this plan that were confirmed before, and that the
/// platform still shows as dead: one that was restored from a backup has them again.
///
/// One that is replaced keeps its id, and an id that is given again belongs to another token:
/// there, nothing is known beforehand.
pub(super) async fn confirmed(
    provider: &dyn TokenProvider,
    plan: &RevocationPlan,
    dead: &HashSet<TokenId>,
) -> Vec<Revocation> {
    or_again(provider, still_dead(provider, plan, dead).await)
}

/// Returns the revocations that were found, or warns that the tokens are revoked again.
pub(super) fn or_again(
    provider: &dyn TokenProvider,
    found: Result<Vec<Revocation>>,
) -> Vec<Revocation> {
    found.unwrap_or_else(|error| {
        // Whoever revokes them again is told the same, or that they are dead.
        print_warning(&format!(
            "{}: what was revoked before is revoked again: {error}",
            provider.account()
        ));
        Vec::new()
    })
}

/// Returns the revocations of the tokens of this plan that were [confirmed](confirmed) before.
///
/// # Errors
///
/// The platform does not say whether they are dead still.
pub(super) async fn still_dead(
    provider: &dyn TokenProvider,
    plan: &RevocationPlan,
    dead: &HashSet<TokenId>,
) -> Result<Vec<Revocation>> {
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
    let confirmed: Vec<_> = plan.tokens().filter(|id| dead.contains(*id)).collect();
    let states = current_states(provider, effect, &confirmed).await?;
    let mut still_dead = Vec::new();
    for id in confirmed {
        match states.get(id) {
            Some(State::Dead) => {
                still_dead.push(Revocation::new(outcome, effect).with_id(id.clone()));
            }
            Some(State::Alive) => print_warning(&format!(
                "{}: token {} was revoked before, and the platform has it again: it is revoked once \
                 more",
                provider.account(),
                displayed_id(id),
            )),
            None => {}
        }
    }
    Ok(still_dead)
}

/// Closes the revocations of an operation that a run which was killed left open, and whose tokens
/// are dead by now.
pub(super) async fn close_dead(
    accounts: &Accounts,
    operation: Option<OperationId>,
    dead: &[(&Account, TokenId)],
) -> Result<()> {
    let (Some(operation), Some(ledger)) = (operation, accounts.ledger().await?) else {
        return Ok(());
    };
    let journals = accounts.journals();
    for write in ledger.writes(operation).await? {
        let intent = &write.intent;
        let is_dead = intent.operation == Operation::Revoke
            && (dead.iter()).any(|(account, id)| {
                intent.account == **account && intent.token.as_ref() == Some(id)
            });
        // Whoever is still running closes it.
        if write.is_open() && is_dead && !journals.is_running(&intent.run) {
            let resolution = Resolution::Applied(Vec::new());
            journals.record_resolution(&intent.id, &resolution).await;
        }
    }
    Ok(())
}

/// The state of a token that was revoked before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Dead,
    Alive,
}

/// Looks at tokens that were revoked before, and returns the state of those of which it is certain.
async fn current_states<'a>(
    provider: &dyn TokenProvider,
    effect: RevocationEffect,
    confirmed: &[&'a TokenId],
) -> Result<HashMap<&'a TokenId, State>> {
    let capabilities = provider.capabilities();
    let mut states = HashMap::new();
    if confirmed.is_empty() {
        return Ok(states);
    }
    let state = |token: &Token| match token.state {
        TokenState::Revoked => State::Dead,
        _ => State::Alive,
    };
    // Where a record stays, one that is missing proves nothing.
    let if_absent = (effect == RevocationEffect::Deleted).then_some(State::Dead);
    if capabilities.get && confirmed.len() <= MAX_FETCHED {
        for id in confirmed {
            let found = match provider.get(id).await {
                Ok(token) => Some(state(&token)),
                Err(error) if error.is_not_found() && error.is_in_own_form() => if_absent,
                Err(error) => return Err(error),
            };
            states.extend(found.map(|found| (*id, found)));
        }
        return Ok(states);
    }
    if capabilities.list.is_none() {
        return Ok(states);
    }
    let account = provider.account();
    let reading = || format!("{account}: looking at what was revoked before");
    let list = with_progress(reading, provider.list_all(Query::new())).await?;
    if list.completeness.is_complete_as_shown() {
        let absent = confirmed.iter().copied();
        states.extend(absent.filter_map(|id| Some((id, if_absent?))));
    }
    let listed: HashMap<_, _> = list.tokens.iter().map(|token| (&token.id, token)).collect();
    for id in confirmed {
        states.extend(listed.get(id).map(|token| (*id, state(token))));
    }
    Ok(states)
}

/// Returns the tokens that a write has revoked, as the platform confirmed.
pub(super) fn revoked_by(write: &Write) -> impl Iterator<Item = &TokenId> {
    let tokens = write.tokens().into_iter();
    tokens.filter(|id| write.has_revoked(id))
}
