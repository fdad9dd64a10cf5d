//! The proof that a secret is dead, and what survives it.

use tokenfleet::capability::TokenField;
use tokenfleet::{
    Account, Liveness, Query, Secret, Token, TokenProvider, TokenProviderExt, TokenState, Verdict,
};

use super::candidate::{Answer, Candidate};
use super::done::Done;
use crate::progress::with_progress;

/// Asks whether the secret is dead now.
pub(super) async fn prove(
    provider: &dyn TokenProvider,
    secret: &Secret,
) -> (Answer, Option<String>) {
    if !provider.capabilities().verify {
        let reason = "the platform cannot say whether a secret is alive";
        return (Answer::Unknown, Some(reason.to_owned()));
    }
    let asking = || format!("asking {} whether it is dead", provider.account());
    match with_progress(asking, provider.verify(secret)).await {
        Ok(Liveness::Alive) => (Answer::Alive, None),
        Ok(Liveness::Dead) => (Answer::Dead, None),
        Ok(Liveness::Unknown { reason }) => (Answer::Unknown, Some(reason)),
        Ok(other) => (Answer::Unknown, Some(format!("{other:?}"))),
        Err(error) => (Answer::Failed, Verdict::Failed(error).reason()),
    }
}

/// Returns the tokens that work and were created with this token, where the platform shows that.
///
/// Whoever had the secret may have made them, and they survive it.
pub(super) async fn descendants(provider: &dyn TokenProvider, token: &Token) -> Vec<Token> {
    let capabilities = provider.capabilities();
    let shows_creators = capabilities.reported_fields.contains(&TokenField::Creator);
    if capabilities.list.is_none() || !shows_creators {
        return Vec::new();
    }
    let Ok(list) = provider.list_all(Query::new()).await else {
        return Vec::new();
    };
    let is_descendant = |other: &Token| {
        let creator = other.creator.known().map(|creator| creator.id());
        let is_dead = matches!(other.state, TokenState::Revoked | TokenState::Expired);
        creator == Some(token.id.as_str()) && !is_dead
    };
    list.tokens.into_iter().filter(is_descendant).collect()
}

/// Returns the accounts that accepted the secret, where nothing was revoked, and that are not known
/// to refuse it now.
pub(super) async fn living(
    candidates: &[Candidate],
    done: &[Done],
    secret: &Secret,
) -> Vec<Account> {
    let is_stopped = done.iter().any(|done| done.is_stopped);
    let mut living = Vec::new();
    for candidate in candidates.iter().filter(|one| one.answer == Answer::Alive) {
        let is_proven = done.iter().any(|done| {
            let account = done.provider.account();
            account.name() == candidate.account.name() || candidate.has_tokens_of(account)
        });
        let Some(provider) = candidate.provider.as_ref().filter(|_| !is_proven) else {
            continue;
        };
        if is_stopped || prove(&**provider, secret).await.0 != Answer::Dead {
            living.push(candidate.account.clone());
        }
    }
    living
}
