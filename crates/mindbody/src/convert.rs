//! Between Mindbody's words and the model.

use http::HeaderMap;
use sha2::{Digest, Sha256};
use tokenfleet_core::{
    Error, ErrorKind, Fact, IssuedToken, Operation, Principal, RenewedToken, Result, Secret,
    Timestamp, Token, TokenId, TokenState,
};
use tokenfleet_http::{Answer, Refusal, json_body};

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

pub(crate) fn issued(answer: &Answer) -> Result<IssuedToken> {
    let mut wire: wire::UserToken = answer.json()?;
    match wire.access_token.take() {
        Some(secret) if !secret.expose().is_empty() => {
            Ok(IssuedToken::new(token(wire, &secret), secret))
        }
        _ => Err(answer.violation("the answer to the issue holds no token")),
    }
}

/// The answer to a renewal may be anything, also nothing: what it does not say is not reported.
pub(crate) fn renewed(secret: &Secret, answer: &Answer) -> Result<RenewedToken> {
    let mut wire = if answer.is_empty() {
        wire::UserToken::default()
    } else {
        answer
            .json::<Option<wire::UserToken>>()?
            .unwrap_or_default()
    };
    let changed = wire
        .access_token
        .take()
        .filter(|new| !new.expose().is_empty() && new.expose() != secret.expose());
    let token = token(wire, changed.as_ref().unwrap_or(secret));
    Ok(RenewedToken::new(token, changed))
}

fn token(wire: wire::UserToken, secret: &Secret) -> Token {
    let mut token = Token::new(fingerprint(secret), TokenState::Active);
    let expires = Fact::from_optional(wire.expires);
    token.expiry = token.attributes.read_time("Expires", expires, time);
    token.owner = Fact::from_optional(wire.user).map(|user| {
        let id = user.id.unwrap_or_default().to_string();
        let mut owner = Principal::new(user.kind.unwrap_or_default(), id);
        let names: Vec<_> = [user.first_name, user.last_name]
            .into_iter()
            .flatten()
            .collect();
        owner.name = Some(names.join(" ")).filter(|name| !name.is_empty());
        owner
    });
    token
}

/// `Expires` is in UTC, also when it names no zone.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

pub(crate) fn refusal(operation: Operation, status: u16, _: &HeaderMap, body: &[u8]) -> Refusal {
    let Some(refused) = json_body::<wire::Refused>(body) else {
        return Refusal::default();
    };
    let (message, code) = match refused.error {
        Some(error) => (error.message, error.code),
        None => (refused.message, None),
    };
    let refusal = Refusal::saying(message).with_code(code);
    match (operation, status) {
        // A wrong user name or password is answered with 403.
        (Operation::Create, 403) => refusal
            .of_kind(ErrorKind::Unauthenticated)
            .advising(
                "check user name, password, API key and site; a second issue within seconds is refused too",
            ),
        _ => refusal,
    }
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
