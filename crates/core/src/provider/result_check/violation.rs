//! The errors about responses that contradict their requests.

use crate::error::{Error, Operation, is_credential_like};
use crate::model::TokenId;
use crate::provider::TokenProvider;

/// The maximum length of an id that is shown: that of a UUID.
const MAX_SHOWN_ID_LENGTH: usize = 36;

/// Creates an error for a response that contradicts the request.
pub(super) fn violation<P: TokenProvider>(
    provider: &P,
    operation: Operation,
    message: impl Into<String>,
) -> Error {
    Error::protocol_violation(operation.fate_if_unanswered(), message)
        .with_account(provider.account())
        .with_operation(operation)
}

/// Creates an error for a new secret of this token that did not arrive.
pub(super) fn lost_secret<P: TokenProvider>(
    provider: &P,
    operation: Operation,
    id: &TokenId,
) -> Error {
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
pub(super) fn describe(id: &TokenId) -> String {
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
