//! Decoding of objects field by field, with as few copies as possible.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokenfleet_core::Fact;
use tokenfleet_core::model::Attributes;

use crate::decode::JsonStr;

/// A record that is decoded field by field, so that it can keep unknown fields.
///
/// Each value goes straight to where it is stored, and strings may be [borrowed](JsonStr) from the
/// body. Wrap the record in [`Fields`] to decode it with serde.
///
/// ```
/// use serde::de::MapAccess;
/// use tokenfleet_core::model::{Attribute, Attributes};
/// use tokenfleet_core::Fact;
/// use tokenfleet_http::decode::{Fields, FromFields, JsonStr, read_unique};
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
///
///     fn attributes(&mut self) -> Option<&mut Attributes> {
///         Some(&mut self.rest)
///     }
/// }
///
/// let Fields::<Key>(key) = serde_json::from_str(r#"{"slug":"abc","region":"eu"}"#).unwrap();
/// assert_eq!(key.slug.known().map(AsRef::as_ref), Some("abc"));
/// assert_eq!(key.rest.get("region"), Some(&Attribute::from("eu")));
/// ```
pub trait FromFields<'de>: Default {
    /// Decodes the value of the field `name`. It must be consumed exactly once; use
    /// [`IgnoredAny`](serde::de::IgnoredAny) to skip it.
    ///
    /// # Errors
    ///
    /// Those of decoding the value.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error>;

    /// Returns where fields that cannot be read are kept and marked (decision 0016). Without it,
    /// they are dropped.
    fn attributes(&mut self) -> Option<&mut Attributes> {
        None
    }
}

/// Skips every field.
impl<'de> FromFields<'de> for () {
    fn read<A: MapAccess<'de>>(&mut self, _: &str, values: &mut A) -> Result<(), A::Error> {
        values.next_value().map(|_: IgnoredAny| ())
    }
}

/// Decodes the value of a known field, and rejects a field that appears twice.
///
/// # Errors
///
/// A field that was decoded before, since either value could be meant, and those of decoding the
/// value.
#[inline]
pub fn read_unique<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    field: &mut Fact<T>,
    values: &mut A,
) -> Result<(), A::Error> {
    if field.is_reported() {
        return Err(A::Error::custom("a field appears twice"));
    }
    *field = values.next_value()?;
    Ok(())
}

/// A wrapper that implements [`Deserialize`] for a [`FromFields`] record.
#[derive(Debug)]
pub struct Fields<R>(pub R);

impl<'de, R: FromFields<'de>> Deserialize<'de> for Fields<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut record = R::default();
        FieldsSeed(&mut record).deserialize(deserializer)?;
        Ok(Self(record))
    }
}

/// Implements [`FromFields`](crate::decode::FromFields) for a record whose members have the names
/// of its fields, or the names that are given for them.
///
/// Each field is a [`Fact`](tokenfleet_core::Fact). The field after the braces keeps all other
/// members as [`Attributes`](tokenfleet_core::model::Attributes); without it they are skipped.
///
/// ```
/// use tokenfleet_core::Fact;
/// use tokenfleet_core::model::{Attribute, Attributes};
/// use tokenfleet_http::decode::{Fields, JsonStr, from_fields};
///
/// #[derive(Default)]
/// struct Key<'a> {
///     slug: Fact<JsonStr<'a>>,
///     created_at: Fact<String>,
///     rest: Attributes,
/// }
///
/// from_fields!(Key<'a> { slug, created_at = "createdAt" } rest);
///
/// let text = r#"{"slug":"abc","createdAt":"2030-01-01","region":"eu"}"#;
/// let Fields::<Key>(key) = serde_json::from_str(text).unwrap();
/// assert_eq!(key.slug.known().map(AsRef::as_ref), Some("abc"));
/// assert_eq!(key.created_at.known().map(AsRef::as_ref), Some("2030-01-01"));
/// assert_eq!(key.rest.get("region"), Some(&Attribute::from("eu")));
/// ```
#[macro_export]
macro_rules! from_fields {
    (
        $record:ident<$life:lifetime> { $($field:ident $(= $name:literal)?),+ $(,)? } $($rest:ident)?
    ) => {
        impl<'de: $life, $life> $crate::decode::FromFields<'de> for $record<$life> {
            $crate::from_fields!(@methods 'de $($field $(= $name)?)+, $($rest)?);
        }
    };
    ($record:ident { $($field:ident $(= $name:literal)?),+ $(,)? } $($rest:ident)?) => {
        impl<'de> $crate::decode::FromFields<'de> for $record {
            $crate::from_fields!(@methods 'de $($field $(= $name)?)+, $($rest)?);
        }
    };
    (@name $field:ident) => { stringify!($field).trim_start_matches("r#") };
    (@name $field:ident $name:literal) => { $name };
    (@methods $de:lifetime $($field:ident $(= $name:literal)?)+, $($rest:ident)?) => {
        fn read<A: $crate::decode::MapAccess<$de>>(
            &mut self,
            name: &str,
            values: &mut A,
        ) -> ::std::result::Result<(), A::Error> {
            match name {
                $(_ if name == $crate::from_fields!(@name $field $($name)?) => {
                    $crate::decode::read_unique(&mut self.$field, values)
                })+
                $(_ => {
                    self.$rest.insert(name, values.next_value()?);
                    Ok(())
                })?
                #[allow(unreachable_patterns, reason = "other members are kept")]
                _ => $crate::decode::FromFields::read(&mut (), name, values),
            }
        }

        $(fn attributes(&mut self) -> Option<&mut $crate::decode::Attributes> {
            Some(&mut self.$rest)
        })?
    };
}

/// A seed that decodes an object into an existing record: records are large, and moving each of
/// many would cost time.
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

    /// A record whose reading is written by the macro.
    #[derive(Default)]
    struct Written {
        id: Fact<u8>,
        r#type: Fact<String>,
        last_used: Fact<String>,
        rest: Attributes,
    }

    from_fields!(Written { id, r#type, last_used = "lastUsed" } rest);

    #[derive(Default)]
    struct Bare {
        id: Fact<u8>,
    }

    from_fields!(Bare { id });

    #[test]
    fn the_macro_reads_known_fields_once_and_keeps_or_skips_the_others() {
        let text = r#"{"id":1,"type":"user","lastUsed":null,"last_used":"","last_used":"x"}"#;
        let Fields::<Written>(written) = serde_json::from_str(text).unwrap();
        assert_eq!(written.id, Fact::Known(1));
        assert_eq!(written.r#type, Fact::Known("user".to_owned()));
        assert_eq!(written.last_used, Fact::Absent);
        let kept: Vec<_> = written.rest.iter().map(|(name, _)| name).collect();
        assert_eq!(kept, ["last_used"], "its own name is not that of its field");
        let Fields::<Bare>(bare) = serde_json::from_str(text).unwrap();
        assert_eq!(bare.id, Fact::Known(1));
        for twice in [
            r#"{"id":1,"id":2}"#,
            r#"{"type":"a","type":"b"}"#,
            r#"{"lastUsed":null,"lastUsed":null}"#,
        ] {
            assert!(serde_json::from_str::<Fields<Written>>(twice).is_err());
        }
    }

    #[test]
    fn a_known_field_that_appears_twice_is_rejected_however_it_is_escaped() {
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
}
