//! The response to a creation or rotation.

use tokenfleet_core::{IssuedToken, Result, Secret, Token, TokenId, TokenState};

use crate::ApiResponse;

/// Combines a secret with the record from the same response, so that a bad record cannot lose the
/// secret.
///
/// The response is the only place where the secret is ever shown, so it is decoded first, on its
/// own (decision 0007). `record` returns the token, with nothing but an id if the rest cannot be
/// decoded, or `None` if the response does not contain an id either: then the id is empty.
///
/// A secret that is missing beside an id, or [masked](Secret::is_masked), is returned as it is: the
/// check of the result revokes the token (decision 0015).
///
/// # Errors
///
/// [`ProtocolViolation`](tokenfleet_core::ErrorKind::ProtocolViolation) without a secret and an id.
pub fn issued(
    response: &ApiResponse,
    secret: Option<Secret>,
    record: impl FnOnce(&Secret) -> Option<Token>,
) -> Result<IssuedToken> {
    let secret = secret.unwrap_or_else(|| Secret::new(""));
    match record(&secret) {
        Some(token) => Ok(IssuedToken::new(token, secret)),
        None if !secret.is_masked() => {
            let mut token = Token::new(TokenId::new(""), TokenState::Unknown);
            token.attributes.mark_unreadable("id");
            Ok(IssuedToken::new(token, secret))
        }
        None => Err(response.violation("the response contains no token")),
    }
}
