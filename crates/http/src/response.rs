//! A successful response.

use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny};
use serde_json::error::Category;
use tokenfleet_core::{Account, Error, Operation, Result, Secret, Timestamp};

use crate::decode::{Fields, FromFields, PageSeed, RepairedBody};
use crate::transport::{Body, TransportError};
use crate::zeroizing_buffer::ZeroizingBuffer;
use crate::{ErrorParser, response_error};

/// The largest initial buffer for a body with a `Content-Length`, which may be wrong.
const MAX_INITIAL_CAPACITY: usize = 1 << 20;
/// The initial buffer for a body without one.
const DEFAULT_CAPACITY: usize = 4 << 10;
/// The minimum size of a record: every platform takes more bytes to describe a token.
const MIN_RECORD_SIZE: usize = 32;

/// A successful response. Its body is wiped from memory when dropped, since it may contain a new
/// secret.
pub struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ZeroizingBuffer,
    pub(crate) operation: Operation,
    pub(crate) account: Account,
    pub(crate) error_parser: ErrorParser,
    /// The secrets of the request, which an error must not repeat.
    pub(crate) secrets: Vec<Secret>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) date: OnceLock<Option<Timestamp>>,
    /// The body made valid, if it had to be.
    pub(crate) repaired: OnceLock<RepairedBody>,
}

/// Omits body and headers.
impl fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiResponse")
            .field("operation", &self.operation)
            .field("account", &self.account)
            .field("status", &self.status)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl ApiResponse {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the value of a header, if it is present and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the value of a header as a whole number, if it is one.
    #[must_use]
    pub fn header_number(&self, name: &str) -> Option<u64> {
        self.header(name)
            .and_then(|value| value.trim().parse().ok())
    }

    /// Returns the time on the platform's clock, or on the local clock if the response has no
    /// `Date`.
    #[must_use]
    pub fn date(&self) -> Timestamp {
        (*self.date.get_or_init(|| self.parse_date())).unwrap_or_else(Timestamp::now)
    }

    /// Returns the time on the platform's clock, if the response has a `Date`.
    #[must_use]
    pub fn served_at(&self) -> Option<Timestamp> {
        *self.date.get_or_init(|| self.parse_date())
    }

    fn parse_date(&self) -> Option<Timestamp> {
        self.header("date")
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_secs()).ok())
            .and_then(Timestamp::from_unix_seconds)
    }

    /// Returns `true` if `at` has passed on the platform's clock, which has a precision of seconds.
    #[must_use]
    pub fn is_past(&self, at: Timestamp) -> bool {
        at.truncated_to_seconds() <= self.date()
    }

    /// Returns `true` if the body is empty or blank.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.iter().all(u8::is_ascii_whitespace)
    }

    /// Returns `true` if the body is JSON of any shape. For a listing, which is long and is parsed
    /// to its end later, it only checks that an object or array begins (decision 0011).
    pub(crate) fn is_json(&self) -> bool {
        if self.operation == Operation::List {
            let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
            matches!(first, Some(b'{' | b'['))
        } else {
            serde_json::from_slice::<IgnoredAny>(&self.body).is_ok()
                || serde_json::from_str::<IgnoredAny>(self.repaired().text()).is_ok()
        }
    }

    /// Returns `true` if the body begins with an object or an array, whatever follows.
    pub(crate) fn begins_with_json(&self) -> bool {
        serde_json::from_str::<IgnoredAny>(self.repaired().first_value()).is_ok()
    }

    /// Returns the number of attempts that it took.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Decodes the body. A text that is not valid, such as half a surrogate pair, is no error.
    ///
    /// # Errors
    ///
    /// [`ProtocolViolation`](tokenfleet_core::ErrorKind::ProtocolViolation) when it is not the
    /// expected JSON. The message says where, but never quotes the body, which may contain a
    /// secret. For a write the fate is [`MaybeApplied`](tokenfleet_core::Fate::MaybeApplied).
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        self.decode(PhantomData).or_else(|error| {
            serde_json::from_str(self.repaired().first_value())
                .map_err(|_| self.decode_error(&error))
        })
    }

    /// Decodes a record. A field that is not as documented is kept and marked, instead of failing
    /// the whole (decision 0016).
    ///
    /// # Errors
    ///
    /// Those of [`json`](Self::json), when the body is no object.
    pub fn record<'a, R: FromFields<'a>>(&'a self) -> Result<R> {
        match self.decode(PhantomData) {
            Ok(Fields(record)) => Ok(record),
            Err(error) => (self.repaired().record()).map_err(|_| self.decode_error(&error)),
        }
    }

    /// Returns the body made valid. Only a body that cannot be decoded otherwise needs it.
    fn repaired(&self) -> &RepairedBody {
        self.repaired.get_or_init(|| RepairedBody::new(&self.body))
    }

    /// Decodes a page into its own fields and its records, which are the elements of `field`.
    ///
    /// Each record is converted as soon as it is decoded. `expected` is the number of records to
    /// allocate for. If a record is not as documented, all are read once more, leniently: see
    /// [`record`](Self::record).
    ///
    /// ```
    /// use serde::de::MapAccess;
    /// use tokenfleet_core::{Fact, Result, Token, TokenId, TokenState};
    /// use tokenfleet_http::ApiResponse;
    /// use tokenfleet_http::decode::{FromFields, JsonStr, read_unique};
    ///
    /// #[derive(Default)]
    /// struct Key<'a> {
    ///     slug: Fact<JsonStr<'a>>,
    /// }
    ///
    /// impl<'de: 'a, 'a> FromFields<'de> for Key<'a> {
    ///     fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(),
    /// A::Error> {         match name {
    ///             "slug" => read_unique(&mut self.slug, values),
    ///             other => ().read(other, values),
    ///         }
    ///     }
    /// }
    ///
    /// fn tokens(response: &ApiResponse) -> Result<Vec<Token>> {
    ///     let ((), tokens) = response.page("results", None, |key: Key<'_>| match key.slug {
    ///         Fact::Known(slug) => Ok(Token::new(TokenId::new(slug), TokenState::Active)),
    ///         _ => Err(response.violation("a key without a slug")),
    ///     })?;
    ///     Ok(tokens)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`json`](Self::json), also when `field` is missing, and those of `convert`.
    pub fn page<'a, P: FromFields<'a>, R: FromFields<'a>, T>(
        &'a self,
        field: &str,
        expected: Option<u32>,
        mut convert: impl FnMut(R) -> Result<T>,
    ) -> Result<(P, Vec<T>)> {
        let mut conversion_error = None;
        // The body limits how many records there can be, whatever page size was requested.
        let capacity =
            (expected.unwrap_or_default() as usize).min(self.body.len() / MIN_RECORD_SIZE);
        let seed = PageSeed::new(field, capacity, &mut convert, &mut conversion_error);
        self.decode(seed)
            .or_else(|error| match self.repaired().page(field, &mut convert) {
                Ok(page) => page,
                Err(_) => Err(conversion_error.unwrap_or_else(|| self.decode_error(&error))),
            })
    }

    fn decode<'a, S: DeserializeSeed<'a>>(&'a self, seed: S) -> serde_json::Result<S::Value> {
        // UTF-8 that is validated as a whole need not be validated string by string. Invalid UTF-8
        // is an error only where it is decoded.
        match str::from_utf8(&self.body) {
            Ok(text) => decode_to_end(serde_json::Deserializer::from_str(text), seed),
            Err(_) => decode_to_end(serde_json::Deserializer::from_slice(&self.body), seed),
        }
    }

    fn decode_error(&self, error: &serde_json::Error) -> Error {
        let message = match error.classify() {
            Category::Data | Category::Io => "the response is not what the platform documents",
            Category::Syntax | Category::Eof => "the response is not JSON",
        };
        let (line, column) = (error.line(), error.column());
        self.violation(format!("{message} (at line {line}, column {column})"))
    }

    /// Rejects a success that holds an error of the platform itself: nobody knows which is true.
    ///
    /// Meant for responses that may hold a new secret, once there is none in them; all others are
    /// checked before an adapter sees them.
    ///
    /// # Errors
    ///
    /// [`ProtocolViolation`](tokenfleet_core::ErrorKind::ProtocolViolation) with the platform's
    /// code and message.
    pub fn check_no_error(&self) -> Result<()> {
        let error_body = (self.error_parser)(self.operation, self.status, &self.body);
        if !error_body.is_own {
            return Ok(());
        }
        let secrets: Vec<&str> = self.secrets.iter().map(Secret::expose).collect();
        let mut error = self.violation("the platform reports an error with a status of success");
        if let Some(code) = error_body.code {
            error = error.with_code(&code, &secrets);
        }
        if let Some(message) = error_body.message {
            error = error.with_platform_message(&message, &secrets);
        }
        Err(error)
    }

    /// Returns the error that the status of this response stands for, with the code and the message
    /// of the platform.
    ///
    /// Meant for a status that [`accept_status`](crate::ApiRequest::accept_status) let through and
    /// that is a failure after all.
    #[must_use]
    pub fn refused(&self) -> Error {
        let error_body = (self.error_parser)(self.operation, self.status, &self.body);
        let (secrets, headers) = (&self.secrets, &self.headers);
        response_error::refused(self.operation, secrets, self.status, headers, error_body)
            .with_account(&self.account)
            .with_operation(self.operation)
            .with_attempts(self.attempts)
            .with_elapsed(self.elapsed)
    }

    /// Returns a protocol violation about the content of this response.
    pub fn violation(&self, message: impl Into<String>) -> Error {
        Error::protocol_violation(self.operation.fate_if_unanswered(), message)
            .with_account(&self.account)
            .with_operation(self.operation)
            .with_status(self.status)
            .with_attempts(self.attempts)
            .with_elapsed(self.elapsed)
    }
}

fn decode_to_end<'a, R: serde_json::de::Read<'a>, S: DeserializeSeed<'a>>(
    mut deserializer: serde_json::Deserializer<R>,
    seed: S,
) -> serde_json::Result<S::Value> {
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// A body that was read, and whether it ended within the limit.
pub(crate) struct Received {
    pub(crate) bytes: ZeroizingBuffer,
    /// `true` if nothing was cut off.
    pub(crate) complete: bool,
}

/// Reads the first `max_size` bytes of a body, whose length may have been announced.
pub(crate) async fn read_body(
    mut body: Body,
    announced: Option<usize>,
    max_size: usize,
) -> Result<Received, TransportError> {
    let capacity = announced
        .unwrap_or(DEFAULT_CAPACITY)
        .min(max_size)
        .min(MAX_INITIAL_CAPACITY);
    let mut bytes = ZeroizingBuffer::with_capacity(capacity);
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        let room = max_size - bytes.len();
        bytes.extend(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            return Ok(Received {
                bytes,
                complete: false,
            });
        }
    }
    Ok(Received {
        bytes,
        complete: true,
    })
}

/// Returns `true` if JSON holds more than `max` values, by its commas, colons and brackets outside
/// strings. A short body cannot and is not read for it.
pub(crate) fn has_more_values_than(max: usize, json: &[u8]) -> bool {
    if json.len() <= max {
        return false;
    }
    let (mut count, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b':' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count > max
}

#[cfg(test)]
pub(crate) mod tests {
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
        let error = list.page::<(), _, _>("results", None, slug).unwrap_err();
        assert_eq!((error.status(), error.attempts()), (Some(200), 2));
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
}
