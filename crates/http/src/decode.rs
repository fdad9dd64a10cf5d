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
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Parses a body that may be anything, and returns `None` if it has another shape.
///
/// Meant for error responses: a proxy may have answered instead of the platform. A byte-order mark
/// or a text that is not valid is no other shape (decision 0016); for fields that may be of another
/// type, see [`if_readable`].
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body)
        .or_else(|_| serde_json::from_str(RepairedBody::new(body).text()))
        .ok()
}

/// Deserializes a field, or its default if it is null or of another type: one odd field never
/// hides the rest of an error response.
///
/// ```
/// use serde::Deserialize;
/// use tokenfleet_http::decode::{if_readable, parse_json};
///
/// #[derive(Deserialize)]
/// struct Refusal {
///     #[serde(default, deserialize_with = "if_readable")]
///     message: Option<String>,
///     #[serde(default, deserialize_with = "if_readable")]
///     code: Option<String>,
/// }
///
/// let refusal: Refusal = parse_json(br#"{"message":"denied","code":{}}"#).unwrap();
/// assert_eq!((refusal.message.as_deref(), refusal.code), (Some("denied"), None));
/// ```
///
/// # Errors
///
/// A body that is not JSON.
pub fn if_readable<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}
