//! The search for what became of a write that is open, at the platform and in the ledger.

use tokenfleet::journal::Resolution;
use tokenfleet::workflow::{Marker, Reconciliation, UnknownWrite};
use tokenfleet::{
    Operation, Result, RevocationEffect, Suspension, Timestamp, Token, TokenId, TokenProvider,
    TokenProviderExt, TokenState,
};
use tokenfleet_ledger::{Ledger, Write};

use super::finding::{Finding, is_masked};
use super::{absence, unmarked};
use crate::accounts::Accounts;
use crate::commands::operations::ids_text;

/// Says that the ledger does not know the token that a write was to change.
fn unknown_id() -> Finding {
    let why = "the ledger does not hold the id of the token, because it looks like a secret: look \
               for the token, and repeat the change if it is needed";
    Finding::Unknown(why.to_owned())
}

/// Looks for what became of a write, and changes nothing.
pub(super) async fn find(
    accounts: &Accounts,
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
) -> Result<Finding> {
    let active = active_tokens(write);
    if !active.is_empty() {
        return of_active(ledger, provider, write, active).await;
    }
    if is_superseded(ledger, write).await? {
        return Ok(Finding::applied());
    }
    match write.intent.operation {
        Operation::Create => of_creation(ledger, provider, write).await,
        Operation::Update => of_update(ledger, provider, write).await,
        Operation::Rotate => of_rotation(accounts, provider).await,
        Operation::Revoke => of_revocation(accounts, provider, write).await,
        Operation::Renew => Ok(until_dead(
            write.dead_by(),
            "a renewal cannot be looked for: it may count towards the platform's maximum",
        )),
        _ => Ok(Finding::settled(Resolution::NotApplied)),
    }
}

/// Returns the tokens of a write that are said to be active without an owner of their secret.
fn active_tokens(write: &Write) -> Vec<TokenId> {
    if let Some(Resolution::Applied(ids)) = &write.resolution {
        return ids.clone();
    }
    let outcome = write.outcome.as_ref();
    outcome.map_or_else(Vec::new, |outcome| outcome.left_behind.clone())
}

/// Returns `true` if a later write makes it irrelevant what became of this one: the token was
/// revoked, or the same change was made again and confirmed.
async fn is_superseded(ledger: &dyn Ledger, write: &Write) -> Result<bool> {
    let intent = &write.intent;
    let Some(id) = intent.token.as_ref().filter(|id| !is_masked(id.as_str())) else {
        return Ok(false);
    };
    let writes = ledger
        .writes_to(&intent.account, std::slice::from_ref(id))
        .await?;
    let later = writes
        .iter()
        .skip_while(|other| other.intent.id != intent.id);
    Ok(later.skip(1).any(|other| {
        let is_same = other.intent.operation == intent.operation
            && other.intent.token == intent.token
            && intent.operation == Operation::Rotate
            && other.outcome.as_ref().is_some_and(|o| o.result.is_ok());
        is_same || other.has_revoked(id)
    }))
}

/// Says what to do about tokens whose secrets nobody has.
async fn of_active(
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
    active: Vec<TokenId>,
) -> Result<Finding> {
    let mut orphans = Vec::new();
    for id in &active {
        let writes = ledger
            .writes_to(&write.intent.account, std::slice::from_ref(id))
            .await?;
        if !write.is_followed_by_revocation_of(id, &writes) {
            orphans.push(id.clone());
        }
    }
    if orphans.is_empty() {
        return Ok(Finding::settled(Resolution::TakenBack(active)));
    }
    match write.intent.operation {
        Operation::Create if provider.capabilities().reused_ids => Ok(Finding::Unknown(format!(
            "token {} was created, and its secret may be lost, but the platform gives the ids of \
             deleted tokens to new ones: look whether it is still the same and who uses it, and \
             revoke it if nobody does",
            ids_text(&orphans)
        ))),
        Operation::Create if revokes_by_id(provider) => Ok(match write.outcome {
            // Without an outcome, the response arrived with the secret.
            None => Finding::Undelivered(orphans),
            Some(_) => Finding::LeftBehind(orphans),
        }),
        Operation::Rotate | Operation::Revoke if is_superseded(ledger, write).await? => {
            Ok(Finding::applied())
        }
        Operation::Rotate | Operation::Revoke if revoking_replaces(provider) => {
            Ok(Finding::Replaced)
        }
        Operation::Rotate => Ok(Finding::Unknown(format!(
            "token {} was rotated, and the new secret may be lost: look whether it is in use, \
             and rotate it again if it is not",
            ids_text(&orphans)
        ))),
        _ => Ok(until_dead(
            write.dead_by(),
            "nobody has its secret, and the platform revokes by the secret only",
        )),
    }
}

fn revokes_by_id(provider: &dyn TokenProvider) -> bool {
    let revoke = provider.capabilities().revoke.as_ref();
    revoke.is_some_and(|revoke| revoke.by_id && revoke.effect != RevocationEffect::Replaced)
}

fn revoking_replaces(provider: &dyn TokenProvider) -> bool {
    let revoke = provider.capabilities().revoke.as_ref();
    revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced)
}

/// Waits for the time at which everything that a write may have issued is dead.
fn until_dead(dead_by: Option<Timestamp>, why: &str) -> Finding {
    match dead_by {
        Some(at) if at < Timestamp::now() => Finding::settled(Resolution::Expired),
        Some(at) => Finding::Unknown(format!("{why}; it is counted until it is dead, by {at}")),
        None => Finding::Unknown(format!("{why}, and no time is known at which it is dead")),
    }
}

async fn of_creation(
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
) -> Result<Finding> {
    let intent = &write.intent;
    if provider.capabilities().list.is_none() {
        return Ok(until_dead(
            write.dead_by(),
            "a token may exist whose secret nobody has, and the platform cannot list it",
        ));
    }
    let marker = intent
        .marker()
        .and_then(|marker| marker.parse::<Marker>().ok());
    let Some(marker) = marker else {
        return unmarked::find(ledger, provider, write).await;
    };
    let name = intent.name.as_deref().filter(|name| !is_masked(name));
    let marked = UnknownWrite::Marked {
        marker: &marker,
        name,
    };
    Ok(match provider.reconcile(marked).await? {
        Reconciliation::Applied(tokens) => {
            let is_dead = |token: &&Token| token.state == TokenState::Revoked;
            let (dead, alive): (Vec<_>, Vec<_>) = tokens.iter().partition(is_dead);
            let ids = |tokens: Vec<&Token>| tokens.iter().map(|token| token.id.clone()).collect();
            if alive.is_empty() {
                Finding::settled(Resolution::TakenBack(ids(dead)))
            } else {
                Finding::Orphans(ids(alive))
            }
        }
        Reconciliation::NotApplied if absence::is_proof(ledger, provider, write).await? => {
            Finding::settled(Resolution::NotApplied)
        }
        Reconciliation::NotApplied => until_dead(write.dead_by(), absence::UNPROVEN),
        Reconciliation::Unknown { reason, .. } => until_dead(write.dead_by(), &reason),
        _ => Finding::Unknown("it cannot be looked for".to_owned()),
    })
}

/// Reads an updated token back.
async fn of_update(
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
) -> Result<Finding> {
    let intent = &write.intent;
    let Some(id) = &intent.token else {
        return Ok(Finding::settled(Resolution::NotApplied));
    };
    if is_masked(id.as_str()) {
        return Ok(unknown_id());
    }
    let mut texts = [&intent.name, &intent.description].into_iter().flatten();
    if texts.any(|text| is_masked(text)) {
        let why = "the ledger does not hold the text as it was, because a part of it looks like a \
                   secret: make the change again";
        return Ok(Finding::Unknown(why.to_owned()));
    }
    let token = match provider.look_up(id).await {
        Ok(token) => token,
        Err(error) if error.is_not_found() && error.is_in_own_form() => {
            return Ok(if absence::is_gone(ledger, provider, write, id).await? {
                Finding::Settled(Resolution::NotApplied, "the token is gone".to_owned())
            } else {
                Finding::Unknown(absence::UNPROVEN.to_owned())
            });
        }
        Err(error) => return Err(error),
    };
    let is_text = |requested: &Option<String>, found: Option<&String>| {
        requested.is_none() || requested.as_ref() == found
    };
    let is_suspended = match intent.suspension {
        None => true,
        Some(Suspension::Suspend) => token.state == TokenState::Suspended,
        Some(_) => token.state != TokenState::Suspended,
    };
    let is_applied = is_text(&intent.name, token.name.known())
        && is_text(&intent.description, token.description.known())
        && is_suspended;
    Ok(if is_applied {
        Finding::applied()
    } else {
        Finding::Settled(
            Resolution::NotApplied,
            "the token does not show the change: make it again".to_owned(),
        )
    })
}

async fn of_rotation(accounts: &Accounts, provider: &dyn TokenProvider) -> Result<Finding> {
    let Some(old) = accounts.current_key(provider).await else {
        let why = "the platform does not reveal whether the token was rotated: rotate it again, \
                   which makes a lost secret dead";
        return Ok(Finding::Unknown(why.to_owned()));
    };
    let rotation = UnknownWrite::Rotation { old: &old };
    Ok(match provider.reconcile(rotation).await? {
        Reconciliation::Applied(_) => Finding::Replaced,
        Reconciliation::NotApplied => {
            Finding::Settled(Resolution::NotApplied, "the key in use is alive".to_owned())
        }
        Reconciliation::Unknown { reason, .. } => Finding::Unknown(reason),
        _ => Finding::Unknown("the platform does not reveal the outcome".to_owned()),
    })
}

async fn of_revocation(
    accounts: &Accounts,
    provider: &dyn TokenProvider,
    write: &Write,
) -> Result<Finding> {
    let intent = &write.intent;
    let Some(id) = &intent.token else {
        return Ok(until_dead(
            longest_life(provider, intent.at),
            "the token was named by its secret, which the ledger does not know: revoke it again \
             with the secret to be sure",
        ));
    };
    if revoking_replaces(provider) {
        return of_rotation(accounts, provider).await;
    }
    if is_masked(id.as_str()) {
        return Ok(unknown_id());
    }
    if !revokes_by_id(provider) {
        return Ok(Finding::Unknown(
            "the platform does not revoke by id".to_owned(),
        ));
    }
    if provider.capabilities().reused_ids {
        return Ok(Finding::Unknown(
            "the platform gives the ids of deleted tokens to new ones: look whether the id still \
             belongs to the token, and revoke it by what it shows now"
                .to_owned(),
        ));
    }
    let options = intent.revoke_options.unwrap_or_default();
    Ok(Finding::Revocable(id.clone(), options))
}

/// Returns the time at which every secret that exists at a time is dead, if the platform limits
/// their life.
fn longest_life(provider: &dyn TokenProvider, from: Timestamp) -> Option<Timestamp> {
    let capabilities = provider.capabilities();
    let life = capabilities.create.as_ref()?.max_lifetime?;
    let renewals = match &capabilities.renew {
        Some(renew) => renew.extension.saturating_mul(renew.max_renewals?),
        None => std::time::Duration::ZERO,
    };
    from.checked_add(life.saturating_add(renewals))
}
