//! A token that was made with another expiry than asked for must not live.

use tokenfleet_core::{
    Error, Fact, Fate, RequestedExpiry, RevokeOptions, Token, TokenId, TokenProvider,
};

use crate::Answer;

/// Whether a token stops when it was asked to, to the second: platforms cut what is smaller.
#[must_use]
pub fn expires_as_asked(asked: RequestedExpiry, token: &Token) -> bool {
    match (asked, token.expiry) {
        (RequestedExpiry::At(asked), Fact::Known(got)) => {
            asked.whole_seconds() == got.whole_seconds()
        }
        (RequestedExpiry::At(_), _) => false,
        (RequestedExpiry::Never, expiry) => expiry.is_none(),
        _ => true,
    }
}

/// Revokes a token that the platform made otherwise than asked, and says what became of it.
pub async fn revoke_unwanted(provider: &dyn TokenProvider, id: &TokenId, answer: &Answer) -> Error {
    match provider.revoke(id.into(), RevokeOptions::default()).await {
        Ok(_) => answer
            .violation(format!(
                "the platform made token {id} with another expiry than asked for, so it was revoked"
            ))
            .with_fate(Fate::Rejected)
            .with_advice("ask for an expiry that the platform accepts"),
        Err(error) => answer
            .violation(format!(
                "the platform made token {id} with another expiry than asked for, and it could not be revoked"
            ))
            .with_source(error)
            .with_advice(format!("revoke token {id}: it is alive and nobody has its secret")),
    }
}
