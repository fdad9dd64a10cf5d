//! Conversions between Mindbody's bodies and the model.

use sha2::{Digest, Sha256};
use tokenfleet_core::model::{Attribute, Principal};
use tokenfleet_core::{
    Error, ErrorKind, Fact, IssuedToken, Operation, RenewedToken, Result, Secret, Timestamp, Token,
    TokenId, TokenState,
};
use tokenfleet_http::decode::parse_fields;
use tokenfleet_http::{ApiResponse, ErrorBody, adapter};

use crate::wire;

/// Returns the id of a token: the first half of the SHA-256 of its secret, in hexadecimal.
pub(crate) fn fingerprint(secret: &Secret) -> TokenId {
    let digest = Sha256::digest(secret.expose().as_bytes());
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    TokenId::new(hex)
}

/// Decodes the response to an issue request, the secret first.
pub(crate) fn issued(response: &ApiResponse) -> Result<IssuedToken> {
    let issued: wire::Issued = response.record()?;
    adapter::issued(response, issued.secret(), |secret| {
        (!secret.is_masked()).then(|| token(response, secret))
    })
}

/// Decodes the response to a renewal. It is not specified and may be empty, so whatever it lacks is
/// not reported. Without a new secret it must not report an error.
pub(crate) fn renewed(old: &Secret, response: &ApiResponse) -> Result<RenewedToken> {
    let secret = response
        .record::<wire::Issued>()
        .unwrap_or_default()
        .secret();
    let current = secret.as_ref().filter(|new| !new.is_masked());
    if current.is_none() {
        response.check_no_error()?;
    }
    let token = token(response, current.unwrap_or(old));
    Ok(RenewedToken::new(token, secret))
}

fn token(response: &ApiResponse, secret: &Secret) -> Token {
    let wire: wire::UserToken<'_> = response.record().unwrap_or_default();
    let mut token = Token::new(fingerprint(secret), TokenState::Active);
    let expires = Fact::from_optional(wire.expires.into_known());
    token.expiry = token.attributes.parse_time("Expires", expires, time);
    if token.expiry.known().is_some_and(|at| response.is_past(*at)) {
        token.state = TokenState::Expired;
    }
    token.owner = Fact::from_optional(wire.user.into_known().and_then(owner));
    token.attributes.extend(wire.rest);
    token
}

/// Returns the owner, unless the user has no id. The id 0 stands for every admin and owner.
fn owner(user: wire::User) -> Option<Principal> {
    let names: Vec<_> = [user.first_name, user.last_name]
        .into_iter()
        .flatten()
        .collect();
    let name = Some(names.join(" ")).filter(|name| !name.is_empty());
    let id = user.id?.to_string();
    Some(Principal::new(id).with_kind(user.kind).with_name(name))
}

/// Parses `Expires`, which is in UTC even without a zone.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// Parses an error response.
pub(crate) fn error_body(operation: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let Some(response) = parse_fields::<wire::ErrorResponse>(body) else {
        return ErrorBody::default();
    };
    let is_own = response.has_failed;
    let (message, code) = match response.error.into_known() {
        Some(Attribute::Map(error)) => {
            let part = |name: &str| error.get(name).and_then(adapter::error_text);
            (part("Message"), part("Code"))
        }
        Some(error) => (adapter::error_text(&error), None),
        None => (response.message.into_known(), None),
    };
    let error_body = ErrorBody::from_message(message)
        .with_code(code)
        .with_own_form(is_own);
    match (operation, status) {
        // Mindbody responds with 403 to a wrong user name or password.
        (Operation::Create, 403) if is_own => error_body
            .with_kind(ErrorKind::Unauthenticated)
            .with_advice(
                "check the user name, password, API key and site; a second token requested within \
                 seconds is rejected too",
            ),
        _ => error_body,
    }
}

/// Rejects a success that is neither empty nor an object: Mindbody documents no other.
pub(crate) fn check_success(response: &ApiResponse) -> Result<()> {
    if response.is_empty() {
        return Ok(());
    }
    response.record()
}

/// Returns `true` if Mindbody itself rejected a token: not for lack of a permission, and not
/// because the token belongs to another site, where it may still be valid (decision 0004).
pub(crate) fn may_be_rejected(error: &Error) -> bool {
    let message = error.platform_message().map(str::to_ascii_lowercase);
    let other_reasons = ["site", "subscriber", "permission"];
    matches!(error.status(), Some(401 | 403))
        && error.code().is_some()
        && message.is_some_and(|message| !other_reasons.iter().any(|word| message.contains(word)))
}

/// Returns `true` if two error responses have the same status and code. Their words may differ by a
/// reference number, a clock or the attempts that are left.
pub(crate) fn is_same_response(a: &Error, b: &Error) -> bool {
    (a.status(), a.code()) == (b.status(), b.code())
}

#[cfg(test)]
mod tests;
