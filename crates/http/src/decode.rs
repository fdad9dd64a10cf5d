//! The decoding of JSON bodies: what adapters need beyond serde.
//!
//! A platform's records have many unknown fields, which are kept, and listings are long. So records
//! are decoded field by field ([`FromFields`], written by [`from_fields!`]), strings are borrowed
//! from the body ([`JsonStr`]), and a field that appears twice is an error ([`read_unique`]).
//! Decision 0011 has the measurements behind this. A page is read by the shape of its records
//! (decision 0039). A body that cannot be read this way is read once more, leniently (decision
//! 0016).

mod fields;
mod json_str;
mod lenient;
mod page_seed;
mod repaired_body;
mod shape;

pub use fields::{Fields, FromFields, read_unique};
pub use json_str::JsonStr;
pub(crate) use page_seed::{PageSeed, RecordsSeed};
pub(crate) use repaired_body::RepairedBody;
pub(crate) use shape::{read_page, read_records};

/// The types that an implementation of [`FromFields`] names, so that it need not depend on serde
/// itself.
#[doc(no_inline)]
pub use {serde::de::MapAccess, tokenfleet_core::model::Attributes};

#[doc(inline)]
pub use crate::from_fields;

/// Parses the fields of a body that may be anything, and returns `None` if it is no object. A field
/// that is odd hides no other (decision 0016).
///
/// Meant for error responses: a proxy may have answered instead of the platform.
#[must_use]
pub fn parse_fields<R: for<'de> FromFields<'de>>(body: &[u8]) -> Option<R> {
    match serde_json::from_slice(body) {
        Ok(Fields(fields)) => Some(fields),
        Err(_) => RepairedBody::new(body).record().ok(),
    }
}
