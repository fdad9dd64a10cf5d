//! The shape of Foreman's personal access tokens.

use tokenfleet_core::{Secret, SecretShape};

/// The length of 16 bytes in base64url without padding.
const LENGTH: usize = 22;

/// Returns the shape of a secret. Every personal access token is 16 random bytes in base64url, so
/// the last letter stands for two bits.
///
/// The password of a user may look like anything, but is no token.
pub(crate) fn secret_shape(secret: &Secret) -> SecretShape {
    let text = secret.expose().as_bytes();
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_token = text.len() == LENGTH
        && text.iter().all(is_letter)
        && text.last().is_some_and(|last| b"AQgw".contains(last));
    if is_token {
        SecretShape::Recognized { id: None }
    } else {
        SecretShape::Impossible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_tokens_are_recognized_and_other_texts_are_not() {
        for token in [
            "fCOJb4kIJ9SYtRh4nvxTVg",
            "RIlOu-ZWxaQbVyNGnWL8Yw",
            "AtfYLQ1p6d-_ZU98hvD5NA",
            "T3o7t21hI9PPqSx4Z28KGQ",
            "-COJb4kIJ9SYtRh4nvxTVw",
        ] {
            let shape = secret_shape(&Secret::new(token));
            assert_eq!(shape, SecretShape::Recognized { id: None }, "{token}");
        }
        for text in [
            "",
            "changeme",
            "fCOJb4kIJ9SYtRh4nvxTV",
            "fCOJb4kIJ9SYtRh4nvxTVh",
            "fCOJb4kIJ9SYtRh4nvxTVgg",
            "fCOJb4kIJ9SYtRh4nvx+Vg",
            "éCOJb4kIJ9SYtRh4nvxVg",
            "1234567890abcdef1234567890abcdef",
        ] {
            let shape = secret_shape(&Secret::new(text));
            assert_eq!(shape, SecretShape::Impossible, "{text}");
        }
    }
}
