//! Reading the objects of an answer with as few copies as can be.

use std::fmt;
use std::ops::Deref;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokenfleet_core::Fact;

/// An object as a platform spells it, whose unknown fields count too.
///
/// Each field goes straight to where it is kept, and what is kept of a text may be [borrowed](JsonStr) from the answer. An
/// [`Fields`] of it is read by serde.
///
/// ```
/// use serde::de::MapAccess;
/// use tokenfleet_core::model::{Attribute, Attributes};
/// use tokenfleet_core::Fact;
/// use tokenfleet_http::{Fields, FromFields, JsonStr, read_unique};
///
/// #[derive(Default)]
/// struct Key<'a> {
///     slug: Fact<JsonStr<'a>>,
///     rest: Attributes,
/// }
///
/// impl<'de: 'a, 'a> FromFields<'de> for Key<'a> {
///     fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
///         match name {
///             "slug" => read_unique(&mut self.slug, values)?,
///             other => self.rest.insert(other, values.next_value()?),
///         }
///         Ok(())
///     }
/// }
///
/// let Fields::<Key>(key) = serde_json::from_str(r#"{"slug":"abc","region":"eu"}"#).unwrap();
/// assert_eq!(key.slug.known().map(AsRef::as_ref), Some("abc"));
/// assert_eq!(key.rest.get("region"), Some(&Attribute::from("eu")));
/// ```
pub trait FromFields<'de>: Default {
    /// Reads the value of the field of that name. It must be read exactly once, be it into
    /// [`IgnoredAny`](serde::de::IgnoredAny).
    ///
    /// # Errors
    ///
    /// Those of reading the value.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error>;
}

/// Nothing of the object counts.
impl<'de> FromFields<'de> for () {
    fn read<A: MapAccess<'de>>(&mut self, _: &str, values: &mut A) -> Result<(), A::Error> {
        values.next_value().map(|_: IgnoredAny| ())
    }
}

/// Reads the value of a field that the record knows.
///
/// # Errors
///
/// When it was read before: which of two values is meant, nobody knows. And those of reading the value.
pub fn read_unique<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    field: &mut Fact<T>,
    values: &mut A,
) -> Result<(), A::Error> {
    if field.is_reported() {
        return Err(A::Error::custom("a field comes twice"));
    }
    *field = values.next_value()?;
    Ok(())
}

/// A [`FromFields`] that is read field by field.
#[derive(Debug)]
pub struct Fields<R>(pub R);

impl<'de, R: FromFields<'de>> Deserialize<'de> for Fields<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut record = R::default();
        FieldsSeed(&mut record).deserialize(deserializer)?;
        Ok(Self(record))
    }
}

/// Reads the fields of an object into a record, where it lies: it is large, and there are many.
pub(crate) struct FieldsSeed<'r, R>(pub(crate) &'r mut R);

impl<'de, R: FromFields<'de>> DeserializeSeed<'de> for FieldsSeed<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: FromFields<'de>> Visitor<'de> for FieldsSeed<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<JsonStr<'de>>()? {
            self.0.read(&name, &mut fields)?;
        }
        Ok(())
    }
}

/// A text of an answer: a piece of the answer itself unless characters of it were escaped.
#[derive(Clone, PartialEq, Eq)]
pub enum JsonStr<'a> {
    /// As it stands in the answer.
    Borrowed(&'a str),
    /// As it is meant.
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

/// It may be a credential.
impl fmt::Debug for JsonStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonStr(..)")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonStr<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(JsonStrVisitor)
    }
}

struct JsonStrVisitor;

impl<'a> Visitor<'a> for JsonStrVisitor {
    type Value = JsonStr<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

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

    #[derive(Default)]
    struct Key(Fact<u8>);

    impl<'de> FromFields<'de> for Key {
        fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
            match name {
                "id" => read_unique(&mut self.0, values),
                _ => values.next_value().map(|_: IgnoredAny| ()),
            }
        }
    }

    #[test]
    fn a_known_field_that_comes_twice_is_refused_however_it_is_spelt() {
        let read = |text| serde_json::from_str::<Fields<Key>>(text).is_ok();
        assert!(read(r#"{"id":1,"_etag":1,"_etag":2}"#));
        for twice in [
            r#"{"id":1,"_etag":2,"id":1}"#,
            r#"{"id":null,"id":2}"#,
            r#"{"id":1,"id":null}"#,
            r#"{"id":1,"\u0069d":2}"#,
        ] {
            assert!(!read(twice), "{twice}");
        }
    }

    #[test]
    fn a_text_is_borrowed_unless_it_is_escaped() {
        let read: Vec<JsonStr<'_>> = serde_json::from_str(r#"["plain", "a\"b", ""]"#).unwrap();
        assert!(matches!(read[0], JsonStr::Borrowed("plain")));
        assert!(matches!(&read[1], JsonStr::Unescaped(text) if text == "a\"b"));
        assert!(matches!(read[2], JsonStr::Borrowed("")));
    }

    #[test]
    fn a_text_is_not_shown() {
        assert!(!format!("{:?}", JsonStr::Borrowed("SK-PrjW98OTY1h8QTY9hUA")).contains("SK"));
    }
}
