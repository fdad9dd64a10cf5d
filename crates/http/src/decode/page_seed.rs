//! Decoding of a page of records.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use tokenfleet_core::{Error, Result};

use crate::decode::fields::FieldsSeed;
use crate::decode::{FromFields, JsonStr};

/// A seed that decodes a page and its records. Each record is converted before the next one is
/// decoded, while it is still in the cache, and so that records need not be held in two forms
/// (decision 0011).
pub(crate) struct PageSeed<'f, P, R, F> {
    field: &'f str,
    records: RecordsSeed<'f, R, F>,
    page: PhantomData<P>,
}

/// A seed that decodes and converts the records of a page, or a body that is nothing but a list of
/// records.
pub(crate) struct RecordsSeed<'f, R, F> {
    /// The number of records to allocate for.
    capacity: usize,
    convert: F,
    /// The error from the record that could not be converted.
    conversion_error: &'f mut Option<Error>,
    record: PhantomData<R>,
}

impl<'f, R, F> RecordsSeed<'f, R, F> {
    /// Creates a seed that allocates for `capacity` records.
    pub(crate) fn new(
        capacity: usize,
        convert: F,
        conversion_error: &'f mut Option<Error>,
    ) -> Self {
        Self {
            capacity,
            convert,
            conversion_error,
            record: PhantomData,
        }
    }
}

impl<'f, P, R, F> PageSeed<'f, P, R, F> {
    /// Creates a seed whose records are the elements of `field`.
    pub(crate) fn new(
        field: &'f str,
        capacity: usize,
        convert: F,
        conversion_error: &'f mut Option<Error>,
    ) -> Self {
        Self {
            field,
            records: RecordsSeed::new(capacity, convert, conversion_error),
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
        let mut records_seed = Some(self.records);
        let mut records = Vec::new();
        while let Some(name) = fields.next_key::<JsonStr<'de>>()? {
            if *name != *self.field {
                page.read(&name, &mut fields)?;
                continue;
            }
            let seed = records_seed.take();
            let seed = seed.ok_or_else(|| A::Error::custom("the list of records appears twice"))?;
            records = fields.next_value_seed(seed)?;
        }
        match records_seed {
            None => Ok((page, records)),
            // The same words as those of serde, which the error of the response quotes.
            Some(_) => Err(A::Error::custom(format_args!(
                "missing field `{}`",
                self.field
            ))),
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
        let mut converted = Vec::with_capacity(self.capacity);
        loop {
            let mut record = R::default();
            if records
                .next_element_seed(FieldsSeed(&mut record))?
                .is_none()
            {
                return Ok(converted);
            }
            converted.push((self.convert)(record).map_err(|error| {
                *self.conversion_error = Some(error);
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
    struct AllFields(Attributes);

    impl<'de> FromFields<'de> for AllFields {
        fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
            self.0.insert(name, values.next_value()?);
            Ok(())
        }
    }

    type Names = Vec<String>;

    /// Returns the field names of a page, and of each of its records; an empty record is an error.
    fn decode(text: &str) -> Result<(Names, Vec<Names>), Option<Error>> {
        let names =
            |fields: AllFields| Names::from_iter(fields.0.iter().map(|(name, _)| name.to_owned()));
        let convert = |record: AllFields| match names(record) {
            empty if empty.is_empty() => Err(Error::invalid_input("an empty record")),
            names => Ok(names),
        };
        let mut conversion_error = None;
        let page = PageSeed::<AllFields, _, _>::new("items", 0, convert, &mut conversion_error)
            .deserialize(&mut serde_json::Deserializer::from_str(text));
        page.map(|(page, records)| (names(page), records))
            .map_err(|_| conversion_error)
    }

    #[test]
    fn records_are_decoded_in_order_wherever_they_stand() {
        let (page, records) =
            decode(r#"{"a":1,"items":[{"x":1},{"y":1,"z":2}],"b":[{"c":1}]}"#).unwrap();
        assert_eq!(page, ["a", "b"]);
        assert_eq!(records, [vec!["x"], vec!["y", "z"]]);
    }

    #[test]
    fn records_that_are_missing_or_come_twice_are_an_error() {
        assert!(matches!(decode(r#"{"a":1}"#), Err(None)));
        assert!(matches!(decode(r#"{"items":[],"items":[]}"#), Err(None)));
        assert!(matches!(decode(r#"{"items":null}"#), Err(None)));
    }

    #[test]
    fn the_error_of_a_conversion_is_returned() {
        let result = decode(r#"{"items":[{"x":1},{},{"y":1}]}"#);
        let message = result.unwrap_err().unwrap().to_string();
        assert!(message.contains("an empty record"), "{message}");
    }
}
