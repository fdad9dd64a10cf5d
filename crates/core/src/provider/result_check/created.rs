//! A token that was created: one that may do more than requested is revoked.

use super::violation::{describe, violation};
use crate::error::{Error, Fate, Operation, Result};
use crate::model::{Fact, IssuedToken, Token, TokenRef, TokenState};
use crate::provider::sent_expiry::SentExpiry;
use crate::provider::{
    CreateToken, RevocationEffect, RevocationOutcome, RevokeCapability, TokenProvider,
};

/// Rejects a new token that may do more than requested, or whose secret did not arrive, and revokes
/// it: nobody else would.
///
/// A token that is different in a harmless way is returned as the platform reports it, because its
/// secret is shown only once: see [`CreateToken::differences`].
pub(crate) async fn check_created<P: TokenProvider>(
    provider: &P,
    request: &CreateToken,
    expiry: SentExpiry,
    issued: IssuedToken,
) -> Result<IssuedToken> {
    let create = provider.capabilities().create.as_ref();
    let may_widen = create.is_some_and(|create| create.widened_scopes);
    let wrong = if issued.secret.is_masked() {
        Wrong::Secret
    } else if !expiry.is_kept_by(&issued) {
        Wrong::Expiry
    } else if !may_widen && !request.added_scopes(&issued.token).is_empty() {
        Wrong::Scopes
    } else if request.has_other_argument(&issued.token) {
        Wrong::Arguments
    } else if request.suspended && issued.token.state == TokenState::Active {
        Wrong::Active
    } else {
        return Ok(issued);
    };
    Err(revoke_wrong(provider, request, expiry, &issued, wrong).await)
}

/// The reason why a new token must not live.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Secret,
    Expiry,
    Scopes,
    Arguments,
    Active,
}

impl Wrong {
    /// Returns the end of a sentence about the creation, and what to do once the token is revoked.
    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Secret => (
                "without showing its secret",
                "check whether a proxy masks responses, and create it again",
            ),
            Self::Expiry => (
                "with a different expiry than requested",
                "request an expiry that the platform accepts",
            ),
            Self::Scopes => (
                "with broader scopes than requested",
                "request scopes that the platform grants as they are",
            ),
            Self::Arguments => (
                "with other arguments than requested",
                "request arguments that the platform keeps as they are",
            ),
            Self::Active => (
                "active although it was requested suspended",
                "create it without suspending it, and suspend it afterwards",
            ),
        }
    }
}

/// Revokes a token that was not created as requested, and returns the error that says whether that
/// succeeded.
async fn revoke_wrong<P: TokenProvider>(
    provider: &P,
    request: &CreateToken,
    expiry: SentExpiry,
    issued: &IssuedToken,
    wrong: Wrong,
) -> Error {
    let token = describe(&issued.token.id);
    let (what, advice) = wrong.texts();
    let wrong = |then: &str| {
        let message = format!("the platform created {token} {what}, {then}");
        violation(provider, Operation::Create, message)
    };
    let innocent = if is_about_another_token(request, &issued.token) {
        Some("and reports another name than requested, so it was not revoked")
    } else if expiry.is_preceded_by(issued) {
        Some("and reports that it existed before, so it was not revoked")
    } else {
        None
    };
    if let Some(why) = innocent {
        return wrong(why).with_advice(how_to_find(provider));
    }
    match revoke_issued(provider, issued).await {
        Ok(()) => wrong("so it was revoked")
            .with_fate(Fate::Rejected)
            .with_advice(advice),
        Err(error) => wrong("and it could not be revoked")
            .with_source(error)
            .with_left_behind([issued.token.id.as_str()])
            .with_advice(how_to_revoke(provider, &token)),
    }
}

/// Returns what to do about a new token that the response does not show.
fn how_to_find<P: TokenProvider>(provider: &P) -> &'static str {
    if provider.capabilities().list.is_some() {
        "look for the new token and revoke it: nobody has its secret"
    } else {
        "a new token may be active and nobody has its secret: the platform lists no tokens, so it \
         cannot be found before it expires"
    }
}

/// Returns what to do about an active token whose secret nobody has, or that may do more than
/// requested.
fn how_to_revoke<P: TokenProvider>(provider: &P, token: &str) -> String {
    match provider.capabilities().revoke.as_ref() {
        Some(revoke) if revoke.effect == RevocationEffect::Replaced => {
            format!("replace {token}: it is active and nobody has its secret")
        }
        Some(revoke) if !revoke.by_id => format!(
            "{token} is active, and the platform revokes by the secret only, which nobody has: it \
             is dead once it expires"
        ),
        Some(_) => format!("revoke {token}: it is active and nobody has its secret"),
        None => format!(
            "revoke {token} on the platform's website: it is active and nobody has its secret"
        ),
    }
}

/// Revokes a new token by its secret, which no other token has, or by its id, whichever the
/// platform takes.
///
/// It is not read first, because a read that fails must not keep it alive.
async fn revoke_issued<P: TokenProvider>(provider: &P, issued: &IssuedToken) -> Result<()> {
    let revoke = provider.capabilities().revoke.as_ref();
    let token = match revoke {
        Some(revoke) if revoke.effect == RevocationEffect::Replaced => None,
        Some(revoke) if revoke.by_secret && !issued.secret.is_masked() => {
            Some(TokenRef::Secret(&issued.secret))
        }
        Some(revoke) if revoke.by_id => Some(TokenRef::Id(&issued.token.id)),
        _ => None,
    };
    let Some(token) = token else {
        return Err(Error::unsupported(
            "the platform has no way to revoke a new token",
        ));
    };
    let options = revoke.and_then(RevokeCapability::options_for_created);
    let options = options.ok_or_else(|| {
        Error::unsupported("revoking it may revoke other tokens too, and nobody has accepted that")
    })?;
    match provider.revoke(token, options).await?.outcome {
        RevocationOutcome::Revoked => Ok(()),
        _ => Err(violation(
            provider,
            Operation::Revoke,
            "the platform does not know the token that it has just created",
        )),
    }
}

/// Returns `true` if the response to a creation shows a token that somebody else created: it has
/// neither the requested name nor one that a platform would make of it, in another case or with
/// other separators.
pub(super) fn is_about_another_token(request: &CreateToken, token: &Token) -> bool {
    let is_separator = |c: char| c.is_whitespace() || c.is_control() || c.is_ascii_punctuation();
    let folded = |name: &str| {
        let characters = name.chars().filter(|&c| !is_separator(c));
        let folded: String = characters.flat_map(char::to_lowercase).collect();
        if folded.is_empty() {
            name.trim().to_owned()
        } else {
            folded
        }
    };
    match (&request.name, &token.name) {
        (None, _) | (_, Fact::NotReported) => false,
        (Some(requested), Fact::Absent) => !requested.trim().is_empty(),
        (Some(requested), Fact::Known(name)) => folded(requested) != folded(name),
    }
}
