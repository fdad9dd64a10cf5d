//! The response to a creation or rotation.

use tokenfleet_core::{IssuedToken, Operation, Result, Secret, Token, TokenId, TokenState};

use crate::ApiResponse;

/// Combines a secret with the record from the same response, so that a bad record cannot lose the
/// secret.
///
/// The response is the only place where the secret is ever shown, so it is decoded first, on its
/// own (decision 0007). `record` returns the token, with nothing but an id if the rest cannot be
/// decoded, or `None` if the response does not contain an id either: then the id is empty.
///
/// The time of the response is kept, so that a lifetime can be judged by the platform's own clock
/// (decision 0023).
///
/// A secret that is missing beside an id, or [masked](Secret::is_masked), is returned as it is: the
/// check of the result revokes the token (decision 0015). So is a new token whose secret is one
/// that was sent with the request, as something that repeats requests returns it: that secret is
/// none of the new token, and counts as missing.
///
/// # Errors
///
/// [`ProtocolViolation`](tokenfleet_core::ErrorKind::ProtocolViolation) without a secret and an id,
/// and if a rotation returns the credential that was sent: then nothing was replaced.
pub fn issued(
    response: &ApiResponse,
    secret: Option<Secret>,
    record: impl FnOnce(&Secret) -> Option<Token>,
) -> Result<IssuedToken> {
    let was_sent = |secret: &Secret| response.secrets.iter().any(|sent| sent.is_same(secret));
    let secret = match secret {
        Some(secret) if !was_sent(&secret) => secret,
        Some(_) if response.operation != Operation::Create => {
            return Err(response
                .violation("the response holds the credential in use, so nothing was replaced")
                .with_advice("it is still alive: repeat the call, or use the platform's website"));
        }
        _ => Secret::new(""),
    };
    let issued = |token, secret| {
        let mut issued = IssuedToken::new(token, secret);
        issued.served_at = response.served_at();
        issued
    };
    match record(&secret) {
        Some(token) => Ok(issued(token, secret)),
        None if !secret.is_masked() => {
            let mut token = Token::new(TokenId::new(""), TokenState::Unknown);
            token.attributes.mark_unreadable("id");
            Ok(issued(token, secret))
        }
        None => Err(response.violation("the response contains no token")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::tests::response;

    #[test]
    fn a_secret_or_an_id_is_returned_and_neither_is_an_error() {
        let response = response(Operation::Create, &[], "{}");
        let secret = || Some(Secret::new("hunter2hunter2"));
        let token = |_: &Secret| Some(Token::new(TokenId::new("7"), TokenState::Active));
        let both = issued(&response, secret(), token).unwrap();
        assert_eq!(both.token.id.as_str(), "7");
        assert_eq!(both.token.attributes.unreadable().count(), 0);
        let lost = issued(&response, None, token).unwrap();
        assert_eq!(lost.token.id.as_str(), "7");
        let nameless = issued(&response, secret(), |_| None).unwrap();
        assert_eq!(nameless.token.id.as_str(), "");
        assert!(nameless.token.attributes.unreadable().eq(["id"]));
        for nothing in [None, Some(Secret::new("********"))] {
            assert!(issued(&response, nothing, |_| None).is_err());
        }
    }

    #[test]
    fn a_secret_that_was_sent_is_no_new_one() {
        let token = |_: &Secret| Some(Token::new(TokenId::new("7"), TokenState::Active));
        let sent = || Some(Secret::new("hunter2hunter2"));
        let answer = |operation| {
            let mut response = response(operation, &[], "{}");
            response.secrets.push(Secret::new("hunter2hunter2"));
            issued(&response, sent(), token)
        };
        let created = answer(Operation::Create).unwrap();
        assert_eq!(created.secret.expose(), "");
        for operation in [Operation::Rotate, Operation::Revoke] {
            let error = answer(operation).unwrap_err();
            assert!(error.may_have_applied(), "{error}");
        }
    }
}
