//! The values of a record, as serde reads them: plain ones here, every other one by `serde_json`.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Reader, Unusual};

/// The value of one field, for [`FromFields::read`](crate::decode::FromFields::read).
pub(super) struct Member<'r, 'a> {
    reader: &'r mut Reader<'a>,
    is_read: bool,
}

impl<'r, 'a> Member<'r, 'a> {
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'a>) -> Self {
        Self {
            reader,
            is_read: false,
        }
    }
}

impl<'a> MapAccess<'a> for Member<'_, 'a> {
    type Error = Unusual;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, _: K) -> Result<Option<K::Value>, Unusual> {
        self.reader.noted(Err(Unusual))
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Unusual> {
        if std::mem::replace(&mut self.is_read, true) {
            return self.reader.noted(Err(Unusual));
        }
        let read = seed.deserialize(Value {
            reader: self.reader,
            is_element: false,
        });
        self.reader.noted(read)
    }
}

/// A value, at which the reader stands.
struct Value<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// `true` for an element of a list: a list within it is left to `serde_json`.
    is_element: bool,
}

/// Leaves methods to `serde_json`.
macro_rules! delegate {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
            self.reader.delegate(|value| value.$method(visitor))
        }
    )+};
}

/// Reads whole numbers as `serde_json` does, which visits all that have no sign as `u64`.
macro_rules! numbers {
    ($($method:ident)+) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
            match self.reader.whole_number() {
                Some(number) => self.reader.noted(visitor.visit_u64(number)),
                None => self.reader.delegate(|value| value.$method(visitor)),
            }
        }
    )+};
}

/// Reads strings without escapes, which `serde_json` lends from the text as well.
macro_rules! strings {
    ($($method:ident)+) => {$(
        #[inline]
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
            match self.reader.plain_string() {
                Some(text) => self.reader.noted(visitor.visit_borrowed_str(text)),
                None => self.reader.delegate(|value| value.$method(visitor)),
            }
        }
    )+};
}

impl<'a> Deserializer<'a> for Value<'_, 'a> {
    type Error = Unusual;

    #[inline]
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
        if let Some(text) = self.reader.plain_string() {
            self.reader.noted(visitor.visit_borrowed_str(text))
        } else if self.reader.word(b"null") {
            self.reader.noted(visitor.visit_unit())
        } else if let Some(boolean) = self.reader.boolean() {
            self.reader.noted(visitor.visit_bool(boolean))
        } else {
            // Numbers too: a feature of `serde_json` changes what they are to a visitor of any.
            self.reader.delegate(|value| value.deserialize_any(visitor))
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
        if self.reader.word(b"null") {
            self.reader.noted(visitor.visit_none())
        } else {
            visitor.visit_some(self)
        }
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.reader.boolean() {
            Some(boolean) => self.reader.noted(visitor.visit_bool(boolean)),
            None => self
                .reader
                .delegate(|value| value.deserialize_bool(visitor)),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
        let rest = self.reader.bytes.get(self.reader.at..).unwrap_or_default();
        if self.is_element || !rest.starts_with(b"[\"") {
            return self.reader.delegate(|value| value.deserialize_seq(visitor));
        }
        self.reader.at += 1;
        let list = visitor.visit_seq(Elements {
            reader: &mut *self.reader,
            is_first: true,
        });
        let list = list.and_then(|list| self.reader.expect(b']').map(|()| list));
        self.reader.noted(list)
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
        let is_skipped = match self.reader.peek() {
            Some(b'"') => self.reader.skip_string().is_some(),
            _ => self.reader.boolean().is_some() || self.reader.word(b"null"),
        };
        if is_skipped {
            self.reader.noted(visitor.visit_unit())
        } else {
            (self.reader).delegate(|value| value.deserialize_ignored_any(visitor))
        }
    }

    strings! { deserialize_str deserialize_string }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    delegate! {
        deserialize_i128 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_map
        deserialize_identifier
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        (self.reader).delegate(|value| value.deserialize_unit_struct(name, visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        (self.reader).delegate(|value| value.deserialize_newtype_struct(name, visitor))
    }

    fn deserialize_tuple<V: Visitor<'a>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        (self.reader).delegate(|value| value.deserialize_tuple(length, visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        (self.reader).delegate(|value| value.deserialize_tuple_struct(name, length, visitor))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        (self.reader).delegate(|value| value.deserialize_struct(name, fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        (self.reader).delegate(|value| value.deserialize_enum(name, variants, visitor))
    }
}

/// The elements of a list.
struct Elements<'r, 'a> {
    reader: &'r mut Reader<'a>,
    is_first: bool,
}

impl<'a> SeqAccess<'a> for Elements<'_, 'a> {
    type Error = Unusual;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unusual> {
        if !std::mem::take(&mut self.is_first) {
            match self.reader.skip_whitespace() {
                Some(b',') => self.reader.at += 1,
                Some(b']') => return Ok(None),
                _ => return self.reader.noted(Err(Unusual)),
            }
            self.reader.skip_whitespace();
        }
        let start = self.reader.at;
        let element = seed.deserialize(Value {
            reader: &mut *self.reader,
            is_element: true,
        });
        let element = element.and_then(|element| match self.reader.at {
            at if at == start => Err(Unusual),
            _ => Ok(element),
        });
        self.reader.noted(element).map(Some)
    }
}
