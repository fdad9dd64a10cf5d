//! A token that was made with another expiry than asked for must not live.

use tokenfleet_core::{
    Error, Fact, Fate, RequestedExpiry, RevokeOptions, Token, TokenId, TokenProvider,
};

use crate::ApiResponse;

/// As long as a UUID.
const LONGEST_ID: usize = 36;

/// Whether a token stops when it was asked to, to the second: platforms cut what is smaller.
#[must_use]
pub fn expiry_matches(asked: RequestedExpiry, token: &Token) -> bool {
    match (asked, token.expiry) {
        (RequestedExpiry::At(asked), Fact::Known(got)) => {
            asked.truncated_to_seconds() == got.truncated_to_seconds()
        }
        (RequestedExpiry::At(_), _) => false,
        (RequestedExpiry::Never, expiry) => expiry.is_absent(),
        _ => true,
    }
}

/// Revokes a token that the platform made otherwise than asked, and says what became of it.
pub async fn revoke_unwanted(
    provider: &dyn TokenProvider,
    id: &TokenId,
    answer: &ApiResponse,
) -> Error {
    let shown = shown(id);
    match provider.revoke(id.into(), RevokeOptions::default()).await {
        Ok(_) => answer
            .violation(format!(
                "the platform made {shown} with another expiry than asked for, so it was revoked"
            ))
            .with_fate(Fate::Rejected)
            .with_advice("ask for an expiry that the platform accepts"),
        Err(error) => answer
            .violation(format!(
                "the platform made {shown} with another expiry than asked for, and it could not be revoked"
            ))
            .with_source(error)
            .with_advice(format!("revoke {shown}: it is alive and nobody has its secret")),
    }
}

/// A token by an id that the platform sent: one that is a number, a UUID, hexadecimal or a plain word. Anything else is
/// not shown, for nothing says that it is an id and no secret.
fn shown(id: &TokenId) -> String {
    let text = id.as_str();
    let one_case = !text.contains(|c: char| c.is_ascii_uppercase())
        || !text.contains(|c: char| c.is_ascii_lowercase());
    let plain = (1..=LONGEST_ID).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if plain && one_case {
        format!("token {text}")
    } else {
        "a token whose id is not fit to be shown".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_a_platform_sent_is_shown_only_if_it_can_be_nothing_else() {
        for id in [
            "17",
            "575ec8687ae143cd83dc4a97",
            "123e4567-e89b-12d3-a456-426614174000",
        ] {
            assert_eq!(shown(&TokenId::new(id)), format!("token {id}"));
        }
        for id in [
            "17\nadmin: all is well",
            "SK-PrjW98OTY1h8QTY9hUA",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            &"1".repeat(37),
        ] {
            assert!(!shown(&TokenId::new(id)).contains(id), "{id}");
        }
    }
}
