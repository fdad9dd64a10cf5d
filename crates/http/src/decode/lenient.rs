//! The second reading of a body that is not as documented: one odd value never hides the rest
//! (decision 0016).
//!
//! A body is first read as it should be, which is fast. Only if that fails is it repaired and read
//! field by field, and each field that is odd is kept as the platform sent it and marked.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::value::RawValue;
use tokenfleet_core::Result;
use tokenfleet_core::model::Attribute;

use crate::decode::{FromFields, JsonStr, RepairedBody};

impl RepairedBody {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// A body that is no object, however it is read.
    pub(crate) fn record<'a, R: FromFields<'a>>(&'a self) -> serde_json::Result<R> {
        let Members(members) = serde_json::from_str(self.first_value())?;
        let mut record = R::default();
        self.read_members(&mut record, members);
        Ok(record)
    }

    /// Reads a page, and converts its records, which are the elements of `field`. The error of a
    /// conversion says which record it is about.
    ///
    /// # Errors
    ///
    /// A body that is no page, however it is read.
    pub(crate) fn page<'a, P: FromFields<'a>, R: FromFields<'a>, T>(
        &'a self,
        field: &str,
        convert: &mut impl FnMut(R) -> Result<T>,
    ) -> serde_json::Result<Result<(P, Vec<T>)>> {
        let Members(mut members) = serde_json::from_str(self.text())?;
        let records = members.iter().position(|(name, _)| **name == *field);
        let records = records.map(|index| members.remove(index).1);
        let records =
            records.ok_or_else(|| serde_json::Error::custom("the records are missing"))?;
        if members.iter().any(|(name, _)| **name == *field) {
            return Err(serde_json::Error::custom("the records appear twice"));
        }
        let mut page = P::default();
        self.read_members(&mut page, members);
        let converted = self.convert_records(records.get(), convert)?;
        Ok(converted.map(|records| (page, records)))
    }

    /// Reads a body that is a list of records, and converts them as [`page`](Self::page) does.
    ///
    /// # Errors
    ///
    /// A body that is no list, however it is read.
    pub(crate) fn records<'a, R: FromFields<'a>, T>(
        &'a self,
        convert: &mut impl FnMut(R) -> Result<T>,
    ) -> serde_json::Result<Result<Vec<T>>> {
        self.convert_records(self.text(), convert)
    }

    fn convert_records<'a, R: FromFields<'a>, T>(
        &'a self,
        records: &'a str,
        convert: &mut impl FnMut(R) -> Result<T>,
    ) -> serde_json::Result<Result<Vec<T>>> {
        let records: Vec<&RawValue> = serde_json::from_str(records)?;
        let mut converted = Vec::with_capacity(records.len());
        for (number, record) in (1..).zip(records) {
            // What is no object has no fields, so its conversion fails and names it.
            let members = serde_json::from_str(record.get()).map(|Members(members)| members);
            let members = members.unwrap_or_default();
            let mut record = R::default();
            self.read_members(&mut record, members);
            match convert(record) {
                Ok(token) => converted.push(token),
                Err(error) => {
                    return Ok(Err(error.with_message_prefix(&format!("record {number}"))));
                }
            }
        }
        Ok(Ok(converted))
    }

    fn read_members<'a, R: FromFields<'a>>(
        &'a self,
        record: &mut R,
        members: Vec<(JsonStr<'a>, &'a RawValue)>,
    ) {
        let mut values: HashMap<&str, Vec<&'a RawValue>> = HashMap::with_capacity(members.len());
        for (name, value) in &members {
            values.entry(name).or_default().push(value);
        }
        for (name, _) in &members {
            match values.remove(&**name).as_deref() {
                None => {}
                Some([value]) => self.read_member(record, name, value),
                Some(several) => read_repeated(record, name, several),
            }
        }
    }

    /// Reads a member as documented, else as the text that stands there, else not at all.
    fn read_member<'a, R: FromFields<'a>>(
        &'a self,
        record: &mut R,
        name: &str,
        value: &'a RawValue,
    ) {
        let is_read = record.read(name, &mut OneValue(Some(value))).is_ok();
        if is_read && !self.is_repaired(value) {
            return;
        }
        if is_read || read_otherwise(record, name, value.get()) {
            if let Some(attributes) = record.attributes() {
                attributes.mark_unreadable(name);
            }
        } else {
            keep_unreadable(record, name, attribute(value));
        }
    }
}

/// Reads a scalar as a text, or a text as the scalar that it spells. Returns `false` if the record
/// takes neither.
fn read_otherwise<'a, R: FromFields<'a>>(record: &mut R, name: &str, value: &str) -> bool {
    let content = match value.as_bytes().first() {
        Some(b'{' | b'[') | None => return false,
        Some(b'"') => serde_json::from_str(value).unwrap_or_default(),
        Some(_) => value.to_owned(),
    };
    // `3.0` is a whole number, too.
    let number = content.trim();
    let number = match number.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|digit| digit == b'0') => whole,
        _ => number,
    };
    let scalar = serde_json::from_str::<serde_json::Value>(number);
    let is_text = record.read(name, &mut OneValue(Some(Text(content))));
    is_text.is_ok()
        || scalar.is_ok_and(|scalar| {
            (scalar.is_number() || scalar.is_boolean())
                && record.read(name, &mut OneValue(Some(scalar))).is_ok()
        })
}

/// Reads a member that appears more than once: either value could be meant, so a known field counts
/// as not reported.
fn read_repeated<'a, R: FromFields<'a>>(record: &mut R, name: &str, values: &[&'a RawValue]) {
    let read_all = |record: &mut R| {
        let mut values = values.iter();
        values.all(|value| record.read(name, &mut OneValue(Some(*value))).is_ok())
    };
    // Unknown fields may be repeated, and the last value counts.
    if read_all(&mut R::default()) {
        read_all(record);
        return;
    }
    let values = values.iter().filter_map(|value| attribute(value));
    keep_unreadable(record, name, Some(Attribute::List(values.collect())));
}

fn keep_unreadable<'a, R: FromFields<'a>>(record: &mut R, name: &str, value: Option<Attribute>) {
    let Some(attributes) = record.attributes() else {
        return;
    };
    match value {
        Some(value) => attributes.insert_unreadable(name, value),
        None => attributes.mark_unreadable(name),
    }
}

/// Returns a value as an attribute; a scalar that is none as its text. A list or map that is nested
/// too deeply is dropped: its text could hold a credential that nothing would find.
fn attribute(value: &RawValue) -> Option<Attribute> {
    let text = value.get();
    let is_scalar = !text.starts_with(['{', '[']);
    let read = serde_json::from_str(text).ok();
    read.or_else(|| is_scalar.then(|| Attribute::from(text)))
}

/// The members of an object, in their order.
struct Members<'a>(Vec<(JsonStr<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = entries.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The value of one member, for [`FromFields::read`].
struct OneValue<D>(Option<D>);

impl<'de, D: Deserializer<'de, Error = serde_json::Error>> MapAccess<'de> for OneValue<D> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        _: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        let value = self.0.take();
        seed.deserialize(value.ok_or_else(|| Self::Error::custom("there is one value"))?)
    }
}

/// A text to deserialise from.
struct Text(String);

impl<'de> Deserializer<'de> for Text {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests;
