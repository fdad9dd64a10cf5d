//! The guard on expiry: a token that was created with a different expiry than requested is revoked
//! (decision 0003).

use tokenfleet_core::{
    Error, Fact, Fate, RequestedExpiry, RevokeOptions, Token, TokenId, TokenProvider,
};

use crate::ApiResponse;

/// The maximum length of an id that is shown: that of a UUID.
const MAX_SHOWN_ID_LENGTH: usize = 36;

/// Returns `true` if a token expires when it was requested to, to the second: platforms truncate
/// fractions.
#[must_use]
pub fn expiry_matches(requested: RequestedExpiry, token: &Token) -> bool {
    match (requested, token.expiry) {
        (RequestedExpiry::At(requested), Fact::Known(expiry)) => {
            requested.truncated_to_seconds() == expiry.truncated_to_seconds()
        }
        (RequestedExpiry::At(_), _) => false,
        (RequestedExpiry::Never, expiry) => expiry.is_absent(),
        _ => true,
    }
}

/// Revokes a token that the platform created with a different expiry than requested, and returns
/// the error that says whether that succeeded.
pub async fn revoke_unwanted(
    provider: &dyn TokenProvider,
    id: &TokenId,
    response: &ApiResponse,
) -> Error {
    let token = describe(id);
    match provider.revoke(id.into(), RevokeOptions::default()).await {
        Ok(_) => response
            .violation(format!(
                "the platform created {token} with a different expiry than requested, so it was \
                 revoked"
            ))
            .with_fate(Fate::Rejected)
            .with_advice("request an expiry that the platform accepts"),
        Err(error) => response
            .violation(format!(
                "the platform created {token} with a different expiry than requested, and it could \
                 not be revoked"
            ))
            .with_source(error)
            .with_advice(format!(
                "revoke {token}: it is active and nobody has its secret"
            )),
    }
}

/// Names a token by the id that the platform sent, if it is a number, a UUID, hexadecimal or a
/// plain word. Any other id is not shown: it could be a secret.
fn describe(id: &TokenId) -> String {
    let text = id.as_str();
    let one_case = !text.contains(|c: char| c.is_ascii_uppercase())
        || !text.contains(|c: char| c.is_ascii_lowercase());
    let plain = (1..=MAX_SHOWN_ID_LENGTH).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if plain && one_case {
        format!("token {text}")
    } else {
        "a token whose id is not shown".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_only_if_it_cannot_be_a_secret() {
        for id in [
            "17",
            "575ec8687ae143cd83dc4a97",
            "123e4567-e89b-12d3-a456-426614174000",
        ] {
            assert_eq!(describe(&TokenId::new(id)), format!("token {id}"));
        }
        for id in [
            "17\nadmin: everything is fine",
            "SK-PrjW98OTY1h8QTY9hUA",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            &"1".repeat(37),
        ] {
            assert!(!describe(&TokenId::new(id)).contains(id), "{id}");
        }
    }
}
