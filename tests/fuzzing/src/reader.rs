//! The reader of pages beside `serde_json`.

use tokenfleet::model::{Attribute, Attributes};
use tokenfleet::{Error, Fact, Operation, Result};
use tokenfleet_http::decode::{FromFields, JsonStr, MapAccess, read_unique};
use tokenfleet_http::testing::{page_by_serde_json, respond_to};
use tokenfleet_http::{ApiResponse, ErrorBody};

/// A record with fields of the types that adapters read, under the names that platforms use.
#[derive(Default)]
struct Record<'a> {
    text: Fact<JsonStr<'a>>,
    number: Fact<u64>,
    small: Fact<i8>,
    is_active: Fact<bool>,
    scopes: Fact<Vec<JsonStr<'a>>>,
    any: Fact<Attribute>,
    rest: Attributes,
}

impl<'de: 'a, 'a> FromFields<'de> for Record<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "name" | "created_at" => read_unique(&mut self.text, values),
            "user_id" | "totalCount" => read_unique(&mut self.number, values),
            "page" => read_unique(&mut self.small, values),
            "active?" => read_unique(&mut self.is_active, values),
            "scope" => read_unique(&mut self.scopes, values),
            "sort" => read_unique(&mut self.any, values),
            metadata if metadata.starts_with('_') => ().read(metadata, values),
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

/// Returns everything that was read into a record. One without fields cannot be converted.
fn convert(record: Record<'_>) -> Result<String> {
    let texts = |list: Vec<JsonStr<'_>>| Vec::from_iter(list.into_iter().map(String::from));
    let read = format!(
        "{:?}",
        (
            (record.text.map(String::from), record.number, record.small),
            (
                record.is_active,
                record.scopes.map(texts),
                record.any,
                &record.rest
            ),
        )
    );
    if record.rest.is_empty() && read.matches("NotReported").count() == 6 {
        return Err(Error::invalid_input("an empty record"));
    }
    Ok(read)
}

/// Checks that a page is read by shape as `serde_json` reads it, whatever its bytes are.
///
/// # Panics
///
/// If both differ, in a record or in an error.
pub fn reader(body: &[u8]) {
    let body = body.to_vec();
    let error_parser = |_, _: u16, _: &[u8]| ErrorBody::default();
    let Ok(response) = respond_to(Operation::List, error_parser, 200, &[], body) else {
        return;
    };
    for field in ["items", "results"] {
        let told = |read: Result<(Record<'_>, Vec<String>)>| {
            read.map(|(head, records)| (convert(head).ok(), records))
                .map_err(|error| format!("{error:?}"))
        };
        let by_shape = told(ApiResponse::page(&response, field, None, convert));
        assert_eq!(
            by_shape,
            told(page_by_serde_json(&response, field, convert))
        );
    }
}
