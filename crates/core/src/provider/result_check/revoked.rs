//! A token that was revoked, or is said to be gone.

use super::ids::check_id;
use super::violation::{lost_secret, violation};
use crate::error::{Fate, Operation, Result};
use crate::model::{TokenRef, TokenState};
use crate::provider::{Revocation, RevocationOutcome, TokenProvider};

/// Rejects the revocation of another token, and a replacement that is none.
pub(crate) fn check_revoked<P: TokenProvider>(
    provider: &P,
    token: TokenRef<'_>,
    revocation: &Revocation,
) -> Result<()> {
    if let (TokenRef::Id(requested), Some(returned)) = (token, &revocation.id) {
        check_id(provider, Operation::Revoke, requested, returned)?;
    }
    let Some(replacement) = &revocation.replacement else {
        return Ok(());
    };
    match token {
        TokenRef::Secret(old) if old.is_same(&replacement.secret) => {
            let message = "the platform replaced the secret by the same one, so it is still alive";
            Err(violation(provider, Operation::Revoke, message))
        }
        _ if replacement.secret.is_masked() => {
            let id = &replacement.token.id;
            Err(lost_secret(provider, Operation::Revoke, id))
        }
        _ => Ok(()),
    }
}

/// Rejects the claim that a token is gone already where the platform still shows it: a platform may
/// say in the same words that this credential, or this version of the API, deletes no tokens.
pub(crate) async fn check_gone<P: TokenProvider>(
    provider: &P,
    token: TokenRef<'_>,
    revocation: &Revocation,
) -> Result<()> {
    let (TokenRef::Id(id), RevocationOutcome::AlreadyGone) = (token, revocation.outcome) else {
        return Ok(());
    };
    if !provider.capabilities().get {
        return Ok(());
    }
    match provider.get(id).await {
        Ok(shown) if shown.state != TokenState::Revoked => {
            let message = "the platform does not find the token to revoke, and still shows it";
            Err(violation(provider, Operation::Revoke, message)
                .with_fate(Fate::Rejected)
                .with_advice("it may be alive: check whether the credential may revoke tokens"))
        }
        _ => Ok(()),
    }
}
