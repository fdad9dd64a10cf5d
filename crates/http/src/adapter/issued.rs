//! The response to a creation or rotation.

use tokenfleet_core::{IssuedToken, Result, Secret, Token};

use crate::ApiResponse;

/// Combines a secret with the record from the same response, so that a bad record cannot lose the
/// secret.
///
/// The response is the only place where the secret is ever shown, so it is decoded first, on its
/// own (decision 0007). `record` returns the token, with nothing but an id if the rest cannot be
/// decoded, or `None` if the response does not contain an id either.
///
/// # Errors
///
/// [`ProtocolViolation`](tokenfleet_core::ErrorKind::ProtocolViolation) without a secret or an id.
pub fn issued(
    response: &ApiResponse,
    secret: Option<Secret>,
    record: impl FnOnce(&Secret) -> Option<Token>,
) -> Result<IssuedToken> {
    let secret = secret.filter(|secret| !secret.expose().is_empty());
    secret
        .and_then(|secret| Some(IssuedToken::new(record(&secret)?, secret)))
        .ok_or_else(|| response.violation("the response contains no token"))
}
