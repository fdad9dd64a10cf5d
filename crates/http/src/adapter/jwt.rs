//! Claims of a signed JWT, read without its key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tokenfleet_core::Secret;
use zeroize::Zeroizing;

/// The length of the longest secret that is read, in bytes: that of a credential file.
const MAX_LENGTH: usize = 64 << 10;

/// A signed JWT (RFC 7519) whose signature nobody checked: its claims are what a stranger wrote.
///
/// ```
/// use tokenfleet_core::Secret;
/// use tokenfleet_http::adapter::Jwt;
///
/// let jwt = Jwt::parse(&Secret::new("eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiI0MiJ9.c2ln")).unwrap();
/// assert_eq!(jwt.text("jti").as_deref(), Some("42"));
/// assert!(Jwt::parse(&Secret::new("fCOJb4kIJ9SYtRh4nvxTVg")).is_none());
/// ```
pub struct Jwt {
    payload: Zeroizing<Vec<u8>>,
}

impl Jwt {
    /// Parses a secret: three parts in base64url, of which the first is a JSON object.
    #[must_use]
    pub fn parse(secret: &Secret) -> Option<Self> {
        let text = secret.expose();
        if text.len() > MAX_LENGTH {
            return None;
        }
        let mut parts = text.split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || signature.is_empty() {
            return None;
        }
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map(Zeroizing::new).ok();
        let (header, payload, _) = (decode(header)?, decode(payload)?, decode(signature)?);
        let is_object = serde_json::from_slice::<&RawValue>(&header)
            .is_ok_and(|header| header.get().starts_with('{'));
        is_object.then_some(Self { payload })
    }

    /// Returns the value of a claim that is a text. A claim that appears twice says nothing.
    #[must_use]
    pub fn text(&self, claim: &str) -> Option<String> {
        let mut json = serde_json::Deserializer::from_slice(&self.payload);
        let found = TextClaim(claim).deserialize(&mut json).ok()?;
        json.end().ok()?;
        found
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jwt(..)")
    }
}

/// A reader of one claim.
struct TextClaim<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for TextClaim<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TextClaim<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut claims: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = claims.next_key::<String>()? {
            // Skipped without recursion, however deeply it is nested.
            let value = claims.next_value::<&RawValue>()?;
            if name == self.0 {
                found.push(String::deserialize(value).ok());
            }
        }
        Ok(match found.pop() {
            only if found.is_empty() => only.flatten(),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jwt(payload: &[u8]) -> Secret {
        let payload = URL_SAFE_NO_PAD.encode(payload);
        Secret::new(format!("eyJhbGciOiJIUzI1NiJ9.{payload}.c2ln"))
    }

    fn claim(payload: &str) -> Option<String> {
        Jwt::parse(&jwt(payload.as_bytes())).unwrap().text("jti")
    }

    #[test]
    fn a_claim_is_read_and_odd_payloads_say_nothing() {
        assert_eq!(
            claim(r#"{"sub":"a","jti":"b","scope":[]}"#),
            Some("b".to_owned())
        );
        assert_eq!(claim("{\"\\u006ati\":\"b\"}"), Some("b".to_owned()));
        for odd in [
            "",
            "{",
            "[]",
            "null",
            "\"jti\"",
            "{}",
            r#"{"jti":7}"#,
            r#"{"jti":null}"#,
            r#"{"jti":{"jti":"b"}}"#,
            r#"{"jti":"b","jti":"b"}"#,
            r#"{"jti":"b","jti":"c"}"#,
            r#"{"jti":"b","jti":7}"#,
            r#"{"jti":"b"} {}"#,
            r#"{"jti":"b"}x"#,
            r#"{"jti":"\ud800"}"#,
        ] {
            assert_eq!(claim(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_claim_is_read_beside_deep_nesting_and_an_overlong_secret_is_not_parsed() {
        let depth = 20_000;
        let deep = format!(
            r#"{{"a":{}{},"jti":"b"}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        );
        assert_eq!(claim(&deep), Some("b".to_owned()));
        let long = format!(r#"{{"jti":"{}"}}"#, "b".repeat(MAX_LENGTH));
        assert!(Jwt::parse(&jwt(long.as_bytes())).is_none());
    }

    #[test]
    fn a_secret_that_is_not_a_signed_jwt_is_not_parsed() {
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            "eyJhbGciOiJIUzI1NiJ9.e30",
            "eyJhbGciOiJIUzI1NiJ9.e30.",
            "eyJhbGciOiJIUzI1NiJ9.e30.c2ln.c2ln",
            "eyJhbGciOiJIUzI1NiJ9.e30=.c2ln",
            "W10.e30.c2ln",
            "eyJhbGciOiJIUzI1NiJ9.é.c2ln",
        ] {
            assert!(Jwt::parse(&Secret::new(text)).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_payload_is_survived(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Jwt::parse(&jwt(&payload)).unwrap().text("jti");
        }
    }
}
