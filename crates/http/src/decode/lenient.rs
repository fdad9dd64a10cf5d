//! The second reading of a body that is not as documented: one odd value never hides the rest
//! (decision 0016).
//!
//! A body is first read as it should be, which is fast. Only if that fails is it repaired and read
//! field by field, and each field that is odd is kept as the platform sent it and marked.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::value::RawValue;
use tokenfleet_core::Result;
use tokenfleet_core::model::Attribute;

use crate::decode::{FromFields, JsonStr};
use crate::zeroizing_buffer::ZeroizingBuffer;

/// The byte-order mark that some servers put before a body.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The largest body that is repaired. Repairs may make it seven times as large.
const MAX_SIZE: usize = 16 << 20;

/// A body whose texts and words have been made valid JSON, and where that was necessary.
pub(crate) struct RepairedBody {
    text: ZeroizingBuffer,
    /// The positions of the first repair in each text, ascending.
    repairs: Vec<usize>,
    /// `true` if the text in progress was repaired before.
    is_text_repaired: bool,
}

impl RepairedBody {
    /// Repairs a body.
    ///
    /// Half a surrogate pair, an unknown escape and a byte that is not UTF-8 become the text of
    /// their JSON escape, such as `\ud83d`. Control characters in texts are escaped, and a word or
    /// a number that JSON does not know, such as `NaN`, becomes a text. A body of more than 16 MiB
    /// is given up: it becomes empty, which is not JSON.
    pub(crate) fn new(body: &[u8]) -> Self {
        let mut repaired = Self {
            text: ZeroizingBuffer::with_capacity((body.len() + body.len() / 8).min(MAX_SIZE)),
            repairs: Vec::new(),
            is_text_repaired: false,
        };
        if body.len() > MAX_SIZE {
            return repaired;
        }
        let mut rest = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let mut in_text = false;
        while let Some(first) = rest.first().copied() {
            let length = if first == b'"' {
                in_text = !in_text;
                repaired.is_text_repaired = false;
                repaired.text.extend(b"\"");
                1
            } else if in_text {
                repaired.add_from_text(rest)
            } else {
                repaired.add_from_structure(rest)
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        repaired
    }

    /// Adds what a text continues with, and returns its length in the original.
    fn add_from_text(&mut self, rest: &[u8]) -> usize {
        match rest {
            [b'\\', b'u', ..] => match (code_unit(rest), rest.get(6..).and_then(code_unit)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => self.keep(rest, 12),
                (Some(0xd800..=0xdfff) | None, _) => self.escape_backslash(),
                (Some(_), _) => self.keep(rest, 6),
            },
            [
                b'\\',
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                ..,
            ] => self.keep(rest, 2),
            [b'\\', ..] => self.escape_backslash(),
            [control @ 0..=0x1f, ..] => {
                self.text.extend(format!("\\u{control:04x}").as_bytes());
                1
            }
            _ => {
                let plain = rest
                    .iter()
                    .take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f));
                let plain = rest.get(..plain.count()).unwrap_or_default();
                for chunk in plain.utf8_chunks() {
                    self.text.extend(chunk.valid().as_bytes());
                    for byte in chunk.invalid() {
                        self.note_repair();
                        // The escape that Python gives such a byte, too.
                        self.text.extend(format!("\\\\udc{byte:02x}").as_bytes());
                    }
                }
                plain.len()
            }
        }
    }

    /// Adds what follows outside texts, and returns its length in the original.
    fn add_from_structure(&mut self, rest: &[u8]) -> usize {
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-._".contains(*byte);
        let length = rest.iter().take_while(is_word).count();
        let word = rest.get(..length).unwrap_or_default();
        if length == 0 {
            return self.keep(rest, 1);
        }
        // A body that begins with a word, such as `OK`, is no JSON with an odd value.
        if self.text.iter().all(u8::is_ascii_whitespace) {
            return self.keep(rest, length);
        }
        if serde_json::from_slice::<IgnoredAny>(word).is_err() {
            self.repairs.push(self.text.len());
            self.text.extend(b"\"");
            self.text.extend(word);
            self.text.extend(b"\"");
            return length;
        }
        self.keep(rest, length)
    }

    fn keep(&mut self, rest: &[u8], length: usize) -> usize {
        self.text.extend(rest.get(..length).unwrap_or(rest));
        length
    }

    fn note_repair(&mut self) {
        if !std::mem::replace(&mut self.is_text_repaired, true) {
            self.repairs.push(self.text.len());
        }
    }

    /// Doubles a backslash, so that what follows is not an escape any more.
    fn escape_backslash(&mut self) -> usize {
        self.note_repair();
        self.text.extend(b"\\\\");
        1
    }

    /// Returns the repaired text.
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Returns `true` if this part of the text was repaired.
    fn is_repaired(&self, part: &RawValue) -> bool {
        let part = part.get();
        let start = part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        let next = self.repairs.partition_point(|at| *at < start);
        let next = self.repairs.get(next);
        next.is_some_and(|at| *at < start + part.len())
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// A body that is no object, however it is read.
    pub(crate) fn record<'a, R: FromFields<'a>>(&'a self) -> serde_json::Result<R> {
        let Members(members) = serde_json::from_str(self.text())?;
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
        let records: Vec<&RawValue> = serde_json::from_str(records.get())?;
        let mut page = P::default();
        self.read_members(&mut page, members);
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
        Ok(Ok((page, converted)))
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

/// Returns the code unit of an escape such as `\ud83d`.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::Fact;
    use tokenfleet_core::model::Attributes;

    use super::*;
    use crate::decode::read_unique;

    #[derive(Debug, Default)]
    struct Key<'a> {
        id: Fact<u64>,
        name: Fact<JsonStr<'a>>,
        active: Fact<bool>,
        scopes: Fact<Vec<JsonStr<'a>>>,
        rest: Attributes,
    }

    impl<'de: 'a, 'a> FromFields<'de> for Key<'a> {
        fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
            match name {
                "id" => read_unique(&mut self.id, values),
                "name" => read_unique(&mut self.name, values),
                "active" => read_unique(&mut self.active, values),
                "scopes" => read_unique(&mut self.scopes, values),
                other => {
                    self.rest.insert(other, values.next_value()?);
                    Ok(())
                }
            }
        }

        fn attributes(&mut self) -> Option<&mut Attributes> {
            Some(&mut self.rest)
        }
    }

    fn read(body: &[u8]) -> (Option<u64>, Option<String>, Vec<String>, Attributes) {
        let body = RepairedBody::new(body);
        let key: Key<'_> = body.record().unwrap();
        let marked = key.rest.unreadable().map(str::to_owned).collect();
        let name = key.name.into_known().map(String::from);
        (key.id.into_known(), name, marked, key.rest)
    }

    #[test]
    fn half_a_surrogate_pair_is_kept_as_its_escape_and_marked() {
        for (text, expected) in [
            (r"deploy \ud83d", r"deploy \ud83d"),
            (r"\udc00\ud83d", r"\udc00\ud83d"),
            (r"\ud83d\ud83d\ude00!", r"\ud83d😀!"),
            (r"\ud83dx", r"\ud83dx"),
            (r"a\\\ud83d", r"a\\ud83d"),
            (r"\u12", r"\u12"),
            (r"\x41", r"\x41"),
        ] {
            let body = format!(r#"{{"id":7,"name":"{text}","x":"ok"}}"#);
            let (id, name, marked, rest) = read(body.as_bytes());
            assert_eq!((id, name.as_deref()), (Some(7), Some(expected)), "{text}");
            assert_eq!(marked, ["name"], "{text}");
            assert_eq!(rest.get("x"), Some(&Attribute::from("ok")));
        }
        let (_, name, marked, _) = read(b"{\"id\":7,\"name\":\"a\xffb\xc3\xa9\"}");
        assert_eq!(name.as_deref(), Some(r"a\udcffbé"));
        assert_eq!(marked, ["name"]);
    }

    #[test]
    fn what_only_looks_odd_is_read_as_it_is() {
        for (text, expected) in [
            (r"\ud83d\ude00", "😀"),
            (r"\\ud83d", r"\ud83d"),
            (r#"\"\\"#, "\"\\"),
            ("a\tb", "a\tb"),
        ] {
            let body = format!("\u{feff}{{\"name\":\"{text}\"}}");
            let (_, name, marked, _) = read(body.as_bytes());
            assert_eq!(name.as_deref(), Some(expected), "{text}");
            assert!(marked.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_kept_and_marked() {
        let name = |name: &str| Some(name.to_owned());
        for (body, expected, marked) in [
            (
                r#"{"id":"7","name":42}"#,
                (Some(7), name("42")),
                vec!["id", "name"],
            ),
            (
                r#"{"id":7,"name":1e999}"#,
                (Some(7), name("1e999")),
                vec!["name"],
            ),
            (
                r#"{"id":7,"name":true}"#,
                (Some(7), name("true")),
                vec!["name"],
            ),
            (
                r#"{"id":7,"name":NaN}"#,
                (Some(7), name("NaN")),
                vec!["name"],
            ),
            (r#"{"id":7.0,"name":"n"}"#, (Some(7), name("n")), vec!["id"]),
            (
                r#"{"id":"7.00","name":"n"}"#,
                (Some(7), name("n")),
                vec!["id"],
            ),
            (r#"{"id":7.5,"name":"n"}"#, (None, name("n")), vec!["id"]),
            (r#"{"id":7,"name":null}"#, (Some(7), None), vec![]),
            (r#"{"id":7,"name":{"a":1}}"#, (Some(7), None), vec!["name"]),
            (r#"{"id":[7],"name":"n"}"#, (None, name("n")), vec!["id"]),
            (
                r#"{"id":7,"name":"a","name":"b"}"#,
                (Some(7), None),
                vec!["name"],
            ),
            (
                r#"{"id":7,"scopes":["a",1]}"#,
                (Some(7), None),
                vec!["scopes"],
            ),
            (r#"{"id":7,"x":1,"x":2}"#, (Some(7), None), vec![]),
            (r#"{"id":-1,"x":-Infinity}"#, (None, None), vec!["id", "x"]),
        ] {
            let (id, name, found, rest) = read(body.as_bytes());
            assert_eq!((id, name), expected, "{body}");
            assert_eq!(found, marked, "{body}: {rest:?}");
        }
        let deep = format!(r#"{{"id":7,"x":{}{}}}"#, "[".repeat(500), "]".repeat(500));
        let (id, _, marked, rest) = read(deep.as_bytes());
        assert_eq!((id, marked), (Some(7), vec!["x".to_owned()]));
        assert_eq!(rest.get("x"), None);
        let (_, _, _, rest) = read(br#"{"name":{"password":"hunter2","a":"b"}}"#);
        assert!(!format!("{rest:?}").contains("hunter2"), "{rest:?}");
        assert!(format!("{rest:?}").contains("\"b\""), "{rest:?}");
    }

    #[test]
    fn the_error_of_a_record_names_it() {
        let body = RepairedBody::new(br#"{"items":[{"id":1},{"id":{}}],"total":"2"}"#);
        let convert = |key: Key<'_>| match key.id {
            Fact::Known(id) => Ok(id),
            _ => Err(tokenfleet_core::Error::invalid_input("no id")),
        };
        let page = body.page::<Key<'_>, _, _>("items", &mut { convert });
        let error = page.unwrap().unwrap_err().to_string();
        assert_eq!(error, "record 2: no id");
        let body = RepairedBody::new(br#"{"items":[{"id":1},{"id":2},null]}"#);
        let page = body.page::<Key<'_>, _, _>("items", &mut { convert });
        assert_eq!(page.unwrap().unwrap_err().to_string(), "record 3: no id");
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_repaired_without_changing_what_is_valid(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            json in r#"[\[\]{}:,"\\u0-9a-f dD8cC.+nulterfals-]{0,80}"#,
        ) {
            let _ = RepairedBody::new(&bytes).text().len();
            let repaired = RepairedBody::new(json.as_bytes());
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(&json) {
                let same = serde_json::from_str::<serde_json::Value>(repaired.text());
                proptest::prop_assert_eq!(value, same.unwrap());
                proptest::prop_assert!(repaired.repairs.is_empty());
            }
        }
    }

    #[test]
    fn a_body_of_up_to_16_mib_is_repaired_to_at_most_seven_times_as_much() {
        let body = |size: usize| [b"\"", &vec![0xff; size - 2][..], b"\""].concat();
        let repaired = RepairedBody::new(&body(MAX_SIZE));
        assert!(repaired.text().len() > 6 * MAX_SIZE);
        assert!(repaired.text().len() <= 7 * MAX_SIZE);
        assert!(RepairedBody::new(&body(MAX_SIZE + 1)).text().is_empty());
        assert_eq!(MAX_SIZE, 16 << 20);
    }
}
