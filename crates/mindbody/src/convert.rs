//! Between Mindbody's words and the model.

use sha2::{Digest, Sha256};
use tokenfleet_core::model::Principal;
use tokenfleet_core::{
    Error, ErrorKind, Fact, IssuedToken, Operation, RenewedToken, Result, Secret, Timestamp, Token,
    TokenId, TokenState,
};
use tokenfleet_http::{ApiResponse, ErrorBody, Fields, parse_json};

use crate::wire;

/// How a token is known here: the first half of the SHA-256 of its secret, in hexadecimal.
pub(crate) fn fingerprint(secret: &Secret) -> TokenId {
    let digest = Sha256::digest(secret.expose().as_bytes());
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    TokenId::new(hex)
}

/// The secret is read first: a record that cannot be read must not cost it.
pub(crate) fn issued(answer: &ApiResponse) -> Result<IssuedToken> {
    let issued: wire::Issued = answer.json()?;
    match issued.access_token {
        Some(secret) if !secret.expose().is_empty() => {
            Ok(IssuedToken::new(token(answer, &secret), secret))
        }
        _ => Err(answer.violation("the answer to the issue holds no token")),
    }
}

/// The answer to a renewal is not specified, it may be nothing at all: what it does not say is not reported.
pub(crate) fn renewed(secret: &Secret, answer: &ApiResponse) -> RenewedToken {
    let issued: wire::Issued = answer.json().unwrap_or_default();
    let changed = issued
        .access_token
        .filter(|new| !new.expose().is_empty() && new.expose() != secret.expose());
    let token = token(answer, changed.as_ref().unwrap_or(secret));
    RenewedToken::new(token, changed)
}

fn token(answer: &ApiResponse, secret: &Secret) -> Token {
    let wire = answer.json::<Fields<wire::UserToken<'_>>>();
    let wire = wire.map(|Fields(wire)| wire).unwrap_or_default();
    let mut token = Token::new(fingerprint(secret), TokenState::Active);
    let expires = Fact::from_optional(wire.expires.into_known());
    token.expiry = token.attributes.parse_time("Expires", expires, time);
    token.owner = Fact::from_optional(wire.user.into_known().and_then(owner));
    token.attributes.extend(wire.rest);
    token
}

/// An id of 0 stands for every admin and owner; without one nobody is named.
fn owner(user: wire::User) -> Option<Principal> {
    let names: Vec<_> = [user.first_name, user.last_name]
        .into_iter()
        .flatten()
        .collect();
    let name = Some(names.join(" ")).filter(|name| !name.is_empty());
    let id = user.id?.to_string();
    Some(Principal::new(id).with_kind(user.kind).with_name(name))
}

/// `Expires` is in UTC, also when it names no zone.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

pub(crate) fn refusal(operation: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let Some(refused) = parse_json::<wire::Refused>(body) else {
        return ErrorBody::default();
    };
    let (message, code) = match refused.error {
        Some(error) => (error.message, error.code),
        None => (refused.message, None),
    };
    let refusal = ErrorBody::from_message(message).with_code(code);
    match (operation, status) {
        // A wrong user name or password is answered with 403.
        (Operation::Create, 403) => refusal
            .with_kind(ErrorKind::Unauthenticated)
            .with_advice(
                "check user name, password, API key and site; a second issue within seconds is refused too",
            ),
        _ => refusal,
    }
}

/// Whether Mindbody itself refuses a token: not for lack of a right, and not because the token belongs to another site,
/// where it may live on.
pub(crate) fn may_be_gone(error: &Error) -> bool {
    let said = error.platform_message().map(str::to_ascii_lowercase);
    let about_something_else = ["site", "subscriber", "permission"];
    matches!(error.status(), Some(401 | 403))
        && error.code().is_some()
        && said.is_some_and(|said| !about_something_else.iter().any(|word| said.contains(word)))
}

/// Whether two refusals are the same, word by word.
pub(crate) fn same_refusal(a: &Error, b: &Error) -> bool {
    let words = |error: &Error| {
        let said = error.platform_message().map(str::to_owned);
        (error.status(), error.code().map(str::to_owned), said)
    };
    words(a) == words(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_does_not_hold_the_secret_and_is_stable() {
        let secret = Secret::new("b1a5c0ffee");
        let id = fingerprint(&secret);
        assert_eq!(id, fingerprint(&secret.duplicate()));
        assert_eq!(id.as_str().len(), 32);
        assert!(!id.as_str().contains(secret.expose()));
    }

    #[test]
    fn an_expiry_without_a_zone_is_in_utc() {
        for text in [
            "2016-03-13T12:52:32",
            "2016-03-13T12:52:32Z",
            "2016-03-13T12:52:32.000Z",
        ] {
            assert_eq!(
                time(text).unwrap().to_string(),
                "2016-03-13T12:52:32Z",
                "{text}"
            );
        }
    }
}
