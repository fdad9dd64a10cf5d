//! Strings that are borrowed from a JSON body.

use std::fmt;
use std::ops::Deref;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// A JSON string that borrows from the body unless it contains escapes.
#[derive(Clone, PartialEq, Eq)]
pub enum JsonStr<'a> {
    /// The string as it stands in the body.
    Borrowed(&'a str),
    /// The string with its escapes resolved.
    Unescaped(String),
}

impl Deref for JsonStr<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Unescaped(text) => text,
        }
    }
}

impl AsRef<str> for JsonStr<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<JsonStr<'_>> for String {
    fn from(text: JsonStr<'_>) -> Self {
        match text {
            JsonStr::Borrowed(text) => text.to_owned(),
            JsonStr::Unescaped(text) => text,
        }
    }
}

/// Omits the text, which may be a credential.
impl fmt::Debug for JsonStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonStr(..)")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonStr<'a> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(JsonStrVisitor)
    }
}

struct JsonStrVisitor;

impl<'a> Visitor<'a> for JsonStrVisitor {
    type Value = JsonStr<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<JsonStr<'a>, E> {
        Ok(JsonStr::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<JsonStr<'a>, E> {
        Ok(JsonStr::Unescaped(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<JsonStr<'a>, E> {
        Ok(JsonStr::Unescaped(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_borrowed_unless_it_contains_escapes() {
        let read: Vec<JsonStr<'_>> = serde_json::from_str(r#"["plain", "a\"b", ""]"#).unwrap();
        assert!(matches!(read[0], JsonStr::Borrowed("plain")));
        assert!(matches!(&read[1], JsonStr::Unescaped(text) if text == "a\"b"));
        assert!(matches!(read[2], JsonStr::Borrowed("")));
    }

    #[test]
    fn debug_omits_the_text() {
        assert!(!format!("{:?}", JsonStr::Borrowed("SK-PrjW98OTY1h8QTY9hUA")).contains("SK"));
    }
}
