//! Reading the objects of an answer with as few copies as can be.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An object as a platform spells it, whose unknown fields count too.
///
/// Each field goes straight to where it is kept, and what is kept of a text may be [borrowed](Text) from the answer. Implement
/// [`Deserialize`] by [`read_record`].
///
/// ```
/// use serde::de::{Deserialize, Deserializer, MapAccess};
/// use tokenfleet_core::{Attribute, Attributes};
/// use tokenfleet_http::{Record, Text, read_record};
///
/// #[derive(Default)]
/// struct Key<'a> {
///     slug: Option<Text<'a>>,
///     rest: Attributes,
/// }
///
/// impl<'a> Record<'a> for Key<'a> {
///     fn read_field<A: MapAccess<'a>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
///         match name {
///             "slug" => self.slug = values.next_value()?,
///             other => self.rest.keep(other, values.next_value()?),
///         }
///         Ok(())
///     }
/// }
///
/// impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
///     fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
///         read_record(deserializer)
///     }
/// }
///
/// let key: Key = serde_json::from_str(r#"{"slug":"abc","region":"eu"}"#).unwrap();
/// assert_eq!(key.slug.as_deref(), Some("abc"));
/// assert_eq!(key.rest.get("region"), Some(&Attribute::from("eu")));
/// ```
pub trait Record<'a>: Default {
    /// Reads the value of the field of that name. It must be read exactly once, be it into
    /// [`IgnoredAny`](serde::de::IgnoredAny).
    ///
    /// # Errors
    ///
    /// Those of reading the value.
    fn read_field<A: MapAccess<'a>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error>;
}

/// Reads an object field by field. Of a field that comes twice the second one counts.
///
/// # Errors
///
/// When it is no object, or one of its values is not what the record wants.
pub fn read_record<'a, D: Deserializer<'a>, R: Record<'a>>(deserializer: D) -> Result<R, D::Error> {
    deserializer.deserialize_map(RecordVisitor(PhantomData))
}

struct RecordVisitor<R>(PhantomData<R>);

impl<'a, R: Record<'a>> Visitor<'a> for RecordVisitor<R> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut fields: A) -> Result<R, A::Error> {
        let mut record = R::default();
        while let Some(name) = fields.next_key::<Text<'a>>()? {
            record.read_field(&name, &mut fields)?;
        }
        Ok(record)
    }
}

/// A text of an answer: a piece of the answer itself unless characters of it were escaped.
#[derive(Clone, PartialEq, Eq)]
pub enum Text<'a> {
    /// As it stands in the answer.
    Borrowed(&'a str),
    /// As it is meant.
    Unescaped(String),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Unescaped(text) => text,
        }
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        match text {
            Text::Borrowed(text) => text.to_owned(),
            Text::Unescaped(text) => text,
        }
    }
}

impl From<Text<'_>> for Arc<str> {
    fn from(text: Text<'_>) -> Self {
        match text {
            Text::Borrowed(text) => text.into(),
            Text::Unescaped(text) => text.into(),
        }
    }
}

/// It may be a credential.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'a> Visitor<'a> for TextVisitor {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Text<'a>, E> {
        Ok(Text::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'a>, E> {
        Ok(Text::Unescaped(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Text<'a>, E> {
        Ok(Text::Unescaped(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_borrowed_unless_it_is_escaped() {
        let read: Vec<Text<'_>> = serde_json::from_str(r#"["plain", "a\"b", ""]"#).unwrap();
        assert!(matches!(read[0], Text::Borrowed("plain")));
        assert!(matches!(&read[1], Text::Unescaped(text) if text == "a\"b"));
        assert!(matches!(read[2], Text::Borrowed("")));
    }

    #[test]
    fn a_text_is_not_shown() {
        assert!(!format!("{:?}", Text::Borrowed("SK-PrjW98OTY1h8QTY9hUA")).contains("SK"));
    }
}
