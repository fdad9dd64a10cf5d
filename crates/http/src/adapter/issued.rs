//! The response to a creation or rotation.

use tokenfleet_core::{IssuedToken, Result, Secret, Token};

use crate::ApiResponse;

/// Returns the issued token of a response whose secret was decoded first, on its own.
///
/// The response is the only place where the secret is ever shown, so a record that cannot be
/// decoded must not cost it (decision 0007). `record` returns the token, with only an id if need
/// be, or `None` if the response has no id either.
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
