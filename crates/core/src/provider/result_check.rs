//! The check of an adapter's result against the request (law 6, decision 0015).
//!
//! A field that the platform does not report contradicts nothing, except the state after a
//! suspension: nobody would look at a token again that is said to be suspended.

use std::collections::BTreeSet;

use crate::error::{Error, Fate, Operation, Result, is_credential_like};
use crate::model::{
    Attribute, Fact, Identity, IssuedToken, RenewedToken, Secret, Token, TokenId, TokenRef,
    TokenState,
};
use crate::provider::sent_expiry::SentExpiry;
use crate::provider::{
    ArgumentValue, CreateToken, Liveness, RenewedSecret, RequestedExpiry, Revocation,
    RevocationEffect, RevocationOutcome, RevokeCapability, Suspension, TokenProvider, UpdateToken,
};

/// The maximum length of an id that is shown: that of a UUID.
const MAX_SHOWN_ID_LENGTH: usize = 36;

/// Rejects a token with another id than the requested one.
pub(super) fn check_id<P: TokenProvider>(
    provider: &P,
    operation: Operation,
    requested: &TokenId,
    returned: &TokenId,
) -> Result<()> {
    if requested == returned {
        return Ok(());
    }
    let returned = describe(returned);
    let message = format!("the response is about {returned}, not about the requested one");
    Err(violation(provider, operation, message)
        .with_advice("a proxy or a cache may have answered: read the token again past it"))
}

/// Rejects an updated token that is not as requested. A new name tells the token whose id it
/// changes.
pub(super) fn check_updated<P: TokenProvider>(
    provider: &P,
    id: &TokenId,
    change: &UpdateToken,
    token: &Token,
) -> Result<()> {
    let update = provider.capabilities().update.as_ref();
    let may_change_id = change.name.is_some()
        && token.name.is_reported()
        && update.is_some_and(|update| update.id_follows_name);
    if !may_change_id {
        check_id(provider, Operation::Update, id, &token.id)?;
    }
    let suspension = match (change.suspension, token.state) {
        (Some(Suspension::Suspend), TokenState::Active) => Some("is still active"),
        (Some(Suspension::Resume), TokenState::Suspended) => Some("is still suspended"),
        (Some(Suspension::Resume), TokenState::Revoked) => Some("is revoked"),
        (Some(Suspension::Suspend), TokenState::Unknown) => {
            Some("does not show that it is suspended")
        }
        (Some(Suspension::Resume), TokenState::Unknown) => Some("does not show that it is active"),
        _ => None,
    };
    let name = change.name.as_deref();
    let name = is_other_name(name, token).then_some("has another name than requested");
    let description = is_other_description(change.description.as_deref(), token)
        .then_some("has another description than requested");
    match suspension.or(name).or(description) {
        None => Ok(()),
        Some(what) => {
            let message = format!("the platform reports success, but the token {what}");
            Err(violation(provider, Operation::Update, message)
                .with_advice("read the token again before relying on the change"))
        }
    }
}

/// Rejects an identity without an id, which names nobody.
pub(super) fn check_identity<P: TokenProvider>(provider: &P, identity: &Identity) -> Result<()> {
    if identity.principal.id().is_empty() {
        let message = "the response does not say whom the account acts as";
        return Err(violation(provider, Operation::Whoami, message));
    }
    Ok(())
}

/// Rejects a masked secret of a token that was rotated.
pub(super) fn check_rotated<P: TokenProvider>(provider: &P, issued: &IssuedToken) -> Result<()> {
    if issued.secret.is_masked() {
        return Err(lost_secret(provider, Operation::Rotate, &issued.token.id));
    }
    Ok(())
}

/// Rejects a renewal whose new secret did not arrive, and drops a secret that is not a new one.
///
/// A masked secret does not say whether it stands for a new one. Where the platform does not
/// declare that either, the old secret tells: if it still works, it was not replaced.
pub(super) async fn check_renewed<P: TokenProvider>(
    provider: &P,
    old: &Secret,
    mut renewed: RenewedToken,
) -> Result<RenewedToken> {
    let is_masked = renewed.secret.as_ref().is_some_and(Secret::is_masked);
    renewed.secret = (renewed.secret).filter(|new| !new.is_masked() && !new.is_same(old));
    let declared = provider.capabilities().renew.as_ref();
    let is_lost = match declared.map(|renew| renew.secret).unwrap_or_default() {
        _ if renewed.secret.is_some() => false,
        RenewedSecret::Replaced => true,
        RenewedSecret::Kept => false,
        RenewedSecret::Unknown => is_masked && !is_alive(provider, old).await,
    };
    if is_lost {
        return Err(lost_secret(provider, Operation::Renew, &renewed.token.id));
    }
    Ok(renewed)
}

/// Returns `true` if the platform can say that a secret works, and says so.
async fn is_alive<P: TokenProvider>(provider: &P, secret: &Secret) -> bool {
    provider.capabilities().verify && matches!(provider.verify(secret).await, Ok(Liveness::Alive))
}

/// Rejects the revocation of another token, and a replacement that is none.
pub(super) fn check_revoked<P: TokenProvider>(
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
pub(super) async fn check_gone<P: TokenProvider>(
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

/// Rejects a new token that may do more than requested, or whose secret did not arrive, and revokes
/// it: nobody else would.
///
/// A token that is different in a harmless way is returned as the platform reports it, because its
/// secret is shown only once: see [`CreateToken::differences`].
pub(super) async fn check_created<P: TokenProvider>(
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

impl CreateToken {
    /// Returns the fields in which a new token differs from this request, as the platform reports
    /// it: `name`, `description`, `expiry`, `scopes`, `arguments` or `state`.
    ///
    /// A provider already rejects and revokes a token that may do more than requested. What is left
    /// is harmless, such as a name without the white space around it, a missing scope, or a scope
    /// that the platform declares to add, but may surprise; or it cannot be told, such as
    /// [arguments](Self::unconfirmed_arguments) that the token does not report.
    #[must_use]
    pub fn differences(&self, token: &Token) -> Vec<&'static str> {
        let requests_expiry = self.expiry != RequestedExpiry::PlatformDefault;
        let scopes_differ = self.misses_scopes(token) || !self.added_scopes(token).is_empty();
        let state_differs = match token.state {
            TokenState::Active => false,
            // Nobody knows whether it works already.
            TokenState::Unknown => self.suspended,
            TokenState::Suspended => !self.suspended,
            _ => true,
        };
        [
            (is_other_name(self.name.as_deref(), token), "name"),
            (
                is_other_description(self.description.as_deref(), token),
                "description",
            ),
            (
                is_unconfirmed(token, requests_expiry, token.expiry.is_reported()),
                "expiry",
            ),
            (scopes_differ, "scopes"),
            (!self.unconfirmed_arguments(token).is_empty(), "arguments"),
            (state_differs, "state"),
        ]
        .into_iter()
        .filter_map(|(differs, field)| differs.then_some(field))
        .collect()
    }

    /// Returns `true` if a new token misses a requested scope, or if its scopes cannot be read.
    #[must_use]
    pub fn misses_scopes(&self, token: &Token) -> bool {
        match (&self.scopes, &token.scopes) {
            (Some(requested), Fact::Known(scopes)) => {
                requested.iter().any(|scope| !scopes.contains(scope))
            }
            (requested, scopes) => is_unconfirmed(token, requested.is_some(), scopes.is_reported()),
        }
    }

    /// Returns the names of the requested [arguments](Self::arguments) that a new token does not
    /// report as requested: it has no attribute of that name, or one that is no such value.
    #[must_use]
    pub fn unconfirmed_arguments(&self, token: &Token) -> Vec<&str> {
        let arguments = self.arguments.iter();
        let unconfirmed = arguments.filter(|(name, value)| keeps(value, token, name) != Some(true));
        unconfirmed.map(|(name, _)| name.as_str()).collect()
    }

    /// Returns `true` if a new token reports another value for a requested argument, with which it
    /// may be able to do more.
    fn has_other_argument(&self, token: &Token) -> bool {
        let mut arguments = self.arguments.iter();
        arguments.any(|(name, value)| keeps(value, token, name) == Some(false))
    }

    /// Returns the scopes of a new token that were not requested, or none if the request left them
    /// to the platform.
    #[must_use]
    pub fn added_scopes<'a>(&self, token: &'a Token) -> Vec<&'a str> {
        match (&self.scopes, &token.scopes) {
            (Some(requested), Fact::Known(scopes)) => {
                let added = scopes.iter().filter(|scope| !requested.contains(scope));
                added.map(String::as_str).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Returns `true` if a requested field is not reported by a token whose fields could not all be
/// read.
fn is_unconfirmed(token: &Token, is_requested: bool, is_reported: bool) -> bool {
    is_requested && !is_reported && token.attributes.unreadable().next().is_some()
}

/// Returns whether a token has the requested value of an argument, in any order if it is a list, or
/// `None` if it reports no value of that type, or one that could not be read.
fn keeps(requested: &ArgumentValue, token: &Token, name: &str) -> Option<bool> {
    if token.attributes.is_unreadable(name) {
        return None;
    }
    match (requested, token.attributes.get(name)?) {
        (ArgumentValue::Boolean(requested), Attribute::Boolean(kept)) => Some(requested == kept),
        (ArgumentValue::Integer(requested), Attribute::Integer(kept)) => Some(requested == kept),
        (ArgumentValue::Text(requested), Attribute::Text(kept)) => Some(requested == kept),
        (ArgumentValue::List(requested), Attribute::List(kept)) => {
            let kept: Option<BTreeSet<&str>> = kept.iter().map(text_of).collect();
            let requested: BTreeSet<&str> = requested.iter().map(String::as_str).collect();
            Some(kept? == requested)
        }
        _ => None,
    }
}

fn text_of(attribute: &Attribute) -> Option<&str> {
    match attribute {
        Attribute::Text(text) => Some(text),
        _ => None,
    }
}

fn is_other_name(requested: Option<&str>, token: &Token) -> bool {
    requested.is_some_and(|name| token.name.is_reported() && !token.is_named(name))
}

fn is_other_description(requested: Option<&str>, token: &Token) -> bool {
    requested.is_some_and(|requested| {
        let is_readable = !token.attributes.is_unreadable("description");
        let description = match &token.description {
            Fact::Known(description) => description.as_str(),
            Fact::Absent => "",
            Fact::NotReported => return false,
        };
        description != requested || !is_readable
    })
}

/// Returns `true` if the response to a creation shows a token that somebody else created: it has
/// neither the requested name nor one that a platform would make of it, in another case or with
/// other separators.
fn is_about_another_token(request: &CreateToken, token: &Token) -> bool {
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

/// Creates an error for a response that contradicts the request.
fn violation<P: TokenProvider>(
    provider: &P,
    operation: Operation,
    message: impl Into<String>,
) -> Error {
    Error::protocol_violation(operation.fate_if_unanswered(), message)
        .with_account(provider.account())
        .with_operation(operation)
}

/// Creates an error for a new secret of this token that did not arrive.
fn lost_secret<P: TokenProvider>(provider: &P, operation: Operation, id: &TokenId) -> Error {
    let message = "the new secret is masked or missing in the response";
    violation(provider, operation, message)
        .with_left_behind([id.as_str()])
        .with_advice(
            "find out whether the old secret still works: if it does not, nobody has the new one, \
             and the token must be replaced; check whether a proxy masks responses",
        )
}

/// Names a token by the id that the platform sent, if it is a plain word and does not look like a
/// credential. Any other id is not shown: it could be a secret.
fn describe(id: &TokenId) -> String {
    let text = id.as_str();
    let plain = (1..=MAX_SHOWN_ID_LENGTH).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if plain && !is_credential_like(text) {
        format!("token {text}")
    } else {
        "a token whose id is not shown".to_owned()
    }
}

#[cfg(test)]
mod tests;
