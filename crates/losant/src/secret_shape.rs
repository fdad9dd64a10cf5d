//! The shape of Losant's secrets.

use tokenfleet_core::{Secret, SecretShape, TokenId};
use tokenfleet_http::adapter::Jwt;

use crate::convert::check_id;

/// The claims that may hold the id of a token: the one that RFC 7519 has for "the id of this
/// token", and the name that Losant's own records give it. Losant documents no claim.
const ID_CLAIMS: [&str; 2] = ["jti", "apiTokenId"];

/// Returns the shape of a secret. Losant documents that its tokens are signed JWTs, and nothing
/// about what they contain.
///
/// The tokens of users, applications and instances look alike, and so do their ids. The session of
/// a user is a JWT too, whose claims hold no id of a token.
pub(crate) fn secret_shape(secret: &Secret) -> SecretShape {
    let Some(jwt) = Jwt::parse(secret) else {
        return SecretShape::Impossible;
    };
    let ids = ID_CLAIMS.iter().filter_map(|claim| jwt.text(claim));
    let mut ids = ids
        .map(TokenId::new)
        .filter(|id| check_id(id).is_ok())
        .collect::<Vec<_>>();
    ids.dedup();
    match ids.len() {
        1 => SecretShape::Recognized { id: ids.pop() },
        // Without an id it may be any JWT, and two ids contradict each other.
        _ => SecretShape::Possible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "575ec7417ae143cd83dc4a95";

    /// Returns the shape of a JWT with this payload.
    fn shape(payload: &str) -> SecretShape {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut encoded = String::new();
        for bytes in payload.as_bytes().chunks(3) {
            let bits = bytes
                .iter()
                .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
                << (8 * (3 - bytes.len()));
            for letter in 0..=bytes.len() {
                let index = (bits >> (18 - 6 * letter)) & 63;
                encoded.push(char::from(ALPHABET[index as usize]));
            }
        }
        secret_shape(&Secret::new(format!("eyJhbGciOiJIUzI1NiJ9.{encoded}.c2ln")))
    }

    #[test]
    fn a_jwt_that_names_one_id_is_recognized() {
        let id = Some(TokenId::new(ID));
        for payload in [
            format!(r#"{{"sub":"575ed70c7ae143cd83dc4aa9","jti":"{ID}"}}"#),
            format!(r#"{{"apiTokenId":"{ID}","scope":["all.User"]}}"#),
            format!(r#"{{"apiTokenId":"{ID}","jti":"{ID}"}}"#),
            format!(r#"{{"apiTokenId":"{ID}","jti":"of another form"}}"#),
        ] {
            let expected = SecretShape::Recognized { id: id.clone() };
            assert_eq!(shape(&payload), expected, "{payload}");
        }
    }

    #[test]
    fn any_other_jwt_is_possible_and_anything_else_is_not() {
        for payload in [
            "{}".to_owned(),
            format!(r#"{{"sub":"{ID}"}}"#),
            format!(r#"{{"jti":"{}"}}"#, ID.to_ascii_uppercase()),
            format!(r#"{{"jti":"{ID}","apiTokenId":"575ec8687ae143cd83dc4a97"}}"#),
            format!(r#"{{"jti":"{ID}","jti":"{ID}"}}"#),
            "not JSON".to_owned(),
        ] {
            assert_eq!(shape(&payload), SecretShape::Possible, "{payload}");
        }
        for text in ["fCOJb4kIJ9SYtRh4nvxTVg", ID, "a.b.c", ""] {
            let shape = secret_shape(&Secret::new(text));
            assert_eq!(shape, SecretShape::Impossible, "{text}");
        }
    }
}
