//! Reading a page of records.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use tokenfleet_core::{Error, Result};

use crate::fields::{FieldsSeed, FromFields, JsonStr};

/// A page and its records, each of which is converted before the next one is read: while it is at hand, and so that they need
/// not be held in two forms.
pub(crate) struct PageSeed<'f, P, R, F> {
    field: &'f str,
    records: RecordsSeed<'f, R, F>,
    page: PhantomData<P>,
}

/// Its records.
struct RecordsSeed<'f, R, F> {
    /// For how many room is made beforehand.
    room: usize,
    convert: F,
    /// Why one of them could not be converted.
    refused: &'f mut Option<Error>,
    record: PhantomData<R>,
}

impl<'f, P, R, F> PageSeed<'f, P, R, F> {
    pub(crate) fn new(
        field: &'f str,
        room: usize,
        convert: F,
        refused: &'f mut Option<Error>,
    ) -> Self {
        Self {
            field,
            records: RecordsSeed {
                room,
                convert,
                refused,
                record: PhantomData,
            },
            page: PhantomData,
        }
    }
}

impl<'de, P: FromFields<'de>, R: FromFields<'de>, T, F: FnMut(R) -> Result<T>> DeserializeSeed<'de>
    for PageSeed<'_, P, R, F>
{
    type Value = (P, Vec<T>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, P: FromFields<'de>, R: FromFields<'de>, T, F: FnMut(R) -> Result<T>> Visitor<'de>
    for PageSeed<'_, P, R, F>
{
    type Value = (P, Vec<T>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut page = P::default();
        let mut unread = Some(self.records);
        let mut records = Vec::new();
        while let Some(name) = fields.next_key::<JsonStr<'de>>()? {
            if *name != *self.field {
                page.read(&name, &mut fields)?;
                continue;
            }
            let seed = unread.take();
            let seed = seed.ok_or_else(|| A::Error::custom("the records come twice"))?;
            records = fields.next_value_seed(seed)?;
        }
        match unread {
            None => Ok((page, records)),
            Some(_) => Err(A::Error::custom("the records are missing")),
        }
    }
}

impl<'de, R: FromFields<'de>, T, F: FnMut(R) -> Result<T>> DeserializeSeed<'de>
    for RecordsSeed<'_, R, F>
{
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: FromFields<'de>, T, F: FnMut(R) -> Result<T>> Visitor<'de> for RecordsSeed<'_, R, F> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut records: A) -> Result<Vec<T>, A::Error> {
        let mut converted = Vec::with_capacity(self.room);
        loop {
            let mut record = R::default();
            if records
                .next_element_seed(FieldsSeed(&mut record))?
                .is_none()
            {
                return Ok(converted);
            }
            converted.push((self.convert)(record).map_err(|error| {
                *self.refused = Some(error);
                A::Error::custom("a record cannot be converted")
            })?);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::model::Attributes;

    use super::*;

    #[derive(Default)]
    struct Kept(Attributes);

    impl<'de> FromFields<'de> for Kept {
        fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
            self.0.insert(name, values.next_value()?);
            Ok(())
        }
    }

    type Names = Vec<String>;

    /// The names in what a page says of itself, and in each of its records; a record without any is refused.
    fn read(text: &str) -> Result<(Names, Vec<Names>), Option<Error>> {
        let names = |kept: Kept| Names::from_iter(kept.0.iter().map(|(name, _)| name.to_owned()));
        let convert = |record: Kept| match names(record) {
            empty if empty.is_empty() => Err(Error::invalid_input("nothing in it")),
            names => Ok(names),
        };
        let mut refused = None;
        let page = PageSeed::<Kept, _, _>::new("items", 0, convert, &mut refused)
            .deserialize(&mut serde_json::Deserializer::from_str(text));
        page.map(|(page, records)| (names(page), records))
            .map_err(|_| refused)
    }

    #[test]
    fn records_are_read_wherever_they_stand_and_in_their_order() {
        let (page, records) =
            read(r#"{"a":1,"items":[{"x":1},{"y":1,"z":2}],"b":[{"c":1}]}"#).unwrap();
        assert_eq!(page, ["a", "b"]);
        assert_eq!(records, [vec!["x"], vec!["y", "z"]]);
    }

    #[test]
    fn records_that_are_missing_or_come_twice_are_refused() {
        assert!(matches!(read(r#"{"a":1}"#), Err(None)));
        assert!(matches!(read(r#"{"items":[],"items":[]}"#), Err(None)));
        assert!(matches!(read(r#"{"items":null}"#), Err(None)));
    }

    #[test]
    fn why_a_record_cannot_be_converted_is_told() {
        let refused = read(r#"{"items":[{"x":1},{},{"y":1}]}"#);
        let said = refused.unwrap_err().unwrap().to_string();
        assert!(said.contains("nothing in it"), "{said}");
    }
}
