//! The reading of responses.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::header::{HeaderName, HeaderValue};
use serde::de::MapAccess;
use tokenfleet_core::Fact;

use super::*;
use crate::decode::{JsonStr, read_unique};

/// Returns the second of two attempts at an operation.
pub(crate) fn response(
    operation: Operation,
    headers: &[(&'static str, &'static str)],
    body: &str,
) -> ApiResponse {
    let headers = headers.iter().map(|(name, value)| {
        let name = HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    });
    let mut buffer = ZeroizingBuffer::with_capacity(body.len());
    buffer.extend(body.as_bytes());
    ApiResponse {
        status: 200,
        headers: headers.collect(),
        body: buffer,
        operation,
        account: Account::new("example", "main"),
        error_parser: |_, _, _| crate::ErrorBody::default(),
        secrets: Vec::new(),
        attempts: 2,
        elapsed: Duration::ZERO,
        date: OnceLock::new(),
        repaired: OnceLock::new(),
    }
}

#[test]
fn a_status_that_was_let_through_can_still_be_an_error() {
    let mut missing = response(Operation::Revoke, &[], "no such user hunter2hunter2");
    missing.status = 404;
    missing.secrets = vec![Secret::new("hunter2hunter2")];
    missing.error_parser = |_, _, body| {
        let message = String::from_utf8_lossy(body).into_owned();
        crate::ErrorBody::from_message(Some(message)).with_own_form(true)
    };
    let error = missing.refused();
    assert!(error.is_not_found() && error.is_in_own_form());
    assert_eq!((error.status(), error.attempts()), (Some(404), 2));
    assert_eq!(error.fate(), tokenfleet_core::Fate::Rejected);
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(error.to_string().contains("no such user"), "{error}");
}

/// A record with a slug.
#[derive(Debug, Default)]
struct Key<'a> {
    slug: Fact<JsonStr<'a>>,
}

impl<'de: 'a, 'a> FromFields<'de> for Key<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "slug" => read_unique(&mut self.slug, values),
            other => ().read(other, values),
        }
    }
}

#[test]
fn a_header_is_read_as_text_and_as_a_whole_number() {
    let headers = [("x-count", " 17 "), ("x-name", "ci"), ("x-less", "-1")];
    let response = response(Operation::Get, &headers, "{}");
    assert_eq!(response.header("x-name"), Some("ci"));
    assert_eq!((response.status(), response.attempts()), (200, 2));
    assert_eq!(response.header("x-other"), None);
    let numbers =
        ["x-count", "x-name", "x-less", "x-other"].map(|name| response.header_number(name));
    assert_eq!(numbers, [Some(17), None, None, None]);
}

#[test]
fn the_platforms_clock_says_what_is_past() {
    let date = [("date", "Thu, 01 Jan 2026 12:00:00 GMT")];
    let response = response(Operation::Get, &date, "{}");
    for (at, is_past) in [
        ("2026-01-01T11:59:59Z", true),
        ("2026-01-01T12:00:00.9Z", true),
        ("2026-01-01T12:00:01Z", false),
    ] {
        assert_eq!(response.is_past(at.parse().unwrap()), is_past, "{at}");
    }
}

#[test]
fn a_listing_is_json_if_it_begins_like_it_and_any_other_body_as_a_whole() {
    for (body, whole, beginning) in [
        ("{}", true, true),
        (" [1]", true, true),
        (r#"{"name": "\ud800"}"#, true, true),
        (r#"{"number": NaN}"#, true, true),
        ("[1", false, true),
        ("{} {}", false, true),
        ("<html>", false, false),
        ("17", true, false),
        ("", false, false),
    ] {
        assert_eq!(
            response(Operation::Get, &[], body).is_json(),
            whole,
            "{body}"
        );
        assert_eq!(
            response(Operation::List, &[], body).is_json(),
            beginning,
            "{body}"
        );
    }
    assert!(response(Operation::Get, &[], " \n").is_empty());
    assert!(!response(Operation::Get, &[], " 0").is_empty());
}

#[test]
fn records_are_decoded_alone_and_in_pages() {
    let record = response(Operation::Get, &[], r#"{"slug": "a"}"#);
    let key: Key<'_> = record.record().unwrap();
    assert_eq!(key.slug.into_known().as_deref(), Some("a"));
    assert!(
        response(Operation::Get, &[], "[]")
            .record::<Key<'_>>()
            .is_err()
    );
    let records = [r#"{"slug": "a", "description": "as long as a record"}"#; 5];
    let body = format!(r#"{{"keys": [{}]}}"#, records.join(","));
    let list = response(Operation::List, &[], &body);
    let slug = |key: Key<'_>| Ok(key.slug.into_known().map(|slug| slug.as_ref().to_owned()));
    let ((), slugs) = list.page("keys", Some(5), slug).unwrap();
    assert_eq!(slugs, vec![Some("a".to_owned()); 5]);
    assert_eq!(slugs.capacity(), 5, "as many as were expected");
    // No more is allocated than the body can hold.
    let ((), slugs) = list.page("keys", Some(1_000_000), slug).unwrap();
    assert!(slugs.capacity() <= body.len() / MIN_RECORD_SIZE);
    let bare = format!("[{}]", records.join(","));
    let bare = response(Operation::List, &[], &bare);
    assert_eq!(bare.records(Some(5), slug).unwrap(), slugs);
    assert!(list.records(None, slug).is_err());
    let error = list.page::<(), _, _>("results", None, slug).unwrap_err();
    assert_eq!((error.status(), error.attempts()), (Some(200), 2));
    assert!(error.to_string().contains("it has no `results`"), "{error}");
}

#[test]
fn values_are_counted_outside_strings_only() {
    for (json, values) in [
        (r#"{"a":1,"b":[2]}"#, 5),
        (r#"["a,b:[{",1]"#, 2),
        (r#"["a\",[,",1]"#, 2),
        (r#"["a\\",[]]"#, 3),
    ] {
        assert!(has_more_values_than(values - 1, json.as_bytes()), "{json}");
        assert!(!has_more_values_than(values, json.as_bytes()), "{json}");
    }
}

#[test]
fn the_debug_form_of_a_response_names_its_account() {
    let text = format!("{:?}", response(Operation::Get, &[], "hunter2"));
    assert!(text.contains("main") && !text.contains("hunter2"), "{text}");
}

/// A stream of these chunks.
struct Chunks(&'static [&'static str]);

impl Stream for Chunks {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (first, rest) = self.0.split_first().unzip();
        self.0 = rest.unwrap_or_default();
        Poll::Ready(first.map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))))
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    for (chunks, read, complete) in [
        (&["ab"] as &[_], "ab", true),
        (&["abc"], "abc", true),
        (&["a", "bc"], "abc", true),
        (&["abcdef"], "abc", false),
        (&["ab", "cd", "e"], "abc", false),
    ] {
        let body = Body::from_stream(Chunks(chunks));
        let received = read_body(body, None, 3).await.unwrap();
        assert_eq!(&received.bytes[..], read.as_bytes());
        assert_eq!(received.complete, complete, "{chunks:?}");
    }
}
