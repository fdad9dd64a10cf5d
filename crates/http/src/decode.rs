//! The decoding of JSON bodies: what adapters need beyond serde.
//!
//! A platform's records have many unknown fields, which are kept, and listings are long. So records
//! are decoded field by field ([`FromFields`]), strings are borrowed from the body ([`JsonStr`]),
//! and a field that appears twice is an error ([`read_unique`]). Decision 0011 has the measurements
//! behind this. A body that cannot be read this way is read once more, leniently (decision 0016).

mod fields;
mod json_str;
mod lenient;
mod page_seed;
mod repaired_body;

pub use fields::{Fields, FromFields, read_unique};
pub use json_str::JsonStr;
pub(crate) use page_seed::PageSeed;
pub(crate) use repaired_body::RepairedBody;
use serde::Deserialize;

/// Parses a body that may be anything, and returns `None` if it has another shape.
///
/// Meant for error responses: a proxy may have answered instead of the platform.
pub fn parse_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}
