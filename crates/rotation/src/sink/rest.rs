//! What the sinks over HTTP have in common: objects of which most parts are sent back as they came.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use tokenfleet_core::{Error, ErrorKind, Fate, Operation};

use super::Refusal;
use tokenfleet_http::RetryPolicy;

/// An object whose parts are not decoded. It borrows from the response, which is wiped: the parts
/// may be secrets of others.
pub(super) type RawObject<'a> = BTreeMap<String, &'a RawValue>;

/// A part of an object that is sent.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Part<'a> {
    /// A part that is sent as it came.
    Kept(&'a RawValue),
    Text(&'a str),
    Object(BTreeMap<&'a str, Part<'a>>),
}

/// Returns the parts of an object as they came.
pub(super) fn kept<'a>(object: &'a RawObject<'a>) -> BTreeMap<&'a str, Part<'a>> {
    let parts = object.iter();
    parts
        .map(|(name, part)| (name.as_str(), Part::Kept(part)))
        .collect()
}

/// Returns the longest time that a call of this many requests takes. Each is sent once more, with
/// another credential, if the first one has expired.
pub(super) fn longest_call(retry: &RetryPolicy, requests: u32) -> Duration {
    retry.total_timeout.saturating_mul(requests * 2)
}

/// Turns the failure of a read before a write into that of the write, which was not sent.
pub(super) fn unwritten(error: Error) -> Error {
    error
        .for_operation(Operation::Update)
        .with_fate(Fate::NotSent)
}

/// Turns the conflict of a write into the refusal that it is, unless something in front of the
/// server may have answered.
pub(super) fn refused(error: Error, place: &str) -> Error {
    if error.kind() == ErrorKind::Conflict && error.fate() == Fate::Rejected {
        Refusal::Conflict.error(place)
    } else {
        error
    }
}
