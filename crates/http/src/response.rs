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

use crate::ErrorParser;
use crate::decode::{
    Fields, FromFields, PageSeed, RecordsSeed, RepairedBody, read_page, read_records,
};
use crate::transport::{Body, TransportError};
use crate::zeroizing_buffer::ZeroizingBuffer;

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
    /// Each record is converted as soon as it is decoded, so `convert` must not depend on what it
    /// was called with before: a page that is unusual is read again from its first record (decision
    /// 0039), and one with a record that is not as documented once more, leniently: see
    /// [`record`](Self::record). `expected` is the number of records to allocate for.
    ///
    /// ```
    /// use tokenfleet_core::adapter::{Page, PagePosition};
    /// use tokenfleet_core::{Fact, Result, Token, TokenId, TokenState};
    /// use tokenfleet_http::ApiResponse;
    /// use tokenfleet_http::decode::{JsonStr, from_fields};
    ///
    /// /// The fields of a page beside its records. A page without any is read as `()`.
    /// #[derive(Default)]
    /// struct PageFields {
    ///     next_cursor: Fact<String>,
    /// }
    ///
    /// from_fields!(PageFields { next_cursor });
    ///
    /// #[derive(Default)]
    /// struct Key<'a> {
    ///     slug: Fact<JsonStr<'a>>,
    /// }
    ///
    /// from_fields!(Key<'a> { slug });
    ///
    /// /// Reads a page that names the next one.
    /// fn page(response: &ApiResponse) -> Result<Page> {
    ///     let (fields, tokens) = response.page("results", None, |key: Key<'_>| match key.slug {
    ///         Fact::Known(slug) => Ok(Token::new(TokenId::new(slug), TokenState::Active)),
    ///         _ => Err(response.violation("a key without a slug")),
    ///     })?;
    ///     let PageFields { next_cursor } = fields;
    ///     let mut page = Page::last(tokens);
    ///     page.next = next_cursor.into_known().map(PagePosition::Token);
    ///     Ok(page)
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
        let text = str::from_utf8(&self.body).ok();
        let read = text.and_then(|text| {
            let capacity = self.capacity(expected);
            read_page(text, field, capacity, &mut convert)
        });
        match read {
            Some(page) => Ok(page),
            None => self.page_by_serde_json(field, expected, convert),
        }
    }

    /// Decodes a page as [`page`](Self::page) does, by `serde_json` alone.
    pub(crate) fn page_by_serde_json<'a, P: FromFields<'a>, R: FromFields<'a>, T>(
        &'a self,
        field: &str,
        expected: Option<u32>,
        mut convert: impl FnMut(R) -> Result<T>,
    ) -> Result<(P, Vec<T>)> {
        let mut conversion_error = None;
        let capacity = self.capacity(expected);
        let seed = PageSeed::new(field, capacity, &mut convert, &mut conversion_error);
        self.decode(seed)
            .or_else(|error| match self.repaired().page(field, &mut convert) {
                Ok(page) => page,
                Err(_) => Err(conversion_error.unwrap_or_else(|| self.decode_error(&error))),
            })
    }

    /// Decodes a page that is nothing but the list of its records, as [`page`](Self::page) does.
    ///
    /// # Errors
    ///
    /// Those of [`json`](Self::json), also when the body is no list, and those of `convert`.
    pub fn records<'a, R: FromFields<'a>, T>(
        &'a self,
        expected: Option<u32>,
        mut convert: impl FnMut(R) -> Result<T>,
    ) -> Result<Vec<T>> {
        let text = str::from_utf8(&self.body).ok();
        let read = text.and_then(|text| {
            let capacity = self.capacity(expected);
            read_records(text, capacity, &mut convert)
        });
        match read {
            Some(records) => Ok(records),
            None => self.records_by_serde_json(expected, convert),
        }
    }

    /// Decodes a list of records as [`records`](Self::records) does, by `serde_json` alone.
    pub(crate) fn records_by_serde_json<'a, R: FromFields<'a>, T>(
        &'a self,
        expected: Option<u32>,
        mut convert: impl FnMut(R) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut conversion_error = None;
        let capacity = self.capacity(expected);
        let seed = RecordsSeed::new(capacity, &mut convert, &mut conversion_error);
        self.decode(seed)
            .or_else(|error| match self.repaired().records(&mut convert) {
                Ok(records) => records,
                Err(_) => Err(conversion_error.unwrap_or_else(|| self.decode_error(&error))),
            })
    }

    /// Returns the number of records to allocate for. The body limits how many there can be,
    /// whatever page size was requested.
    fn capacity(&self, expected: Option<u32>) -> usize {
        (expected.unwrap_or_default() as usize).min(self.body.len() / MIN_RECORD_SIZE)
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
        let missing = missing_field(error)
            .map(|field| format!(": it has no `{field}`"))
            .unwrap_or_default();
        let (line, column) = (error.line(), error.column());
        self.violation(format!(
            "{message}{missing} (at line {line}, column {column})"
        ))
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

/// Returns the name of the field that a response lacks. It is the name that was looked for, so it
/// shows nothing of the response.
fn missing_field(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let name = text.strip_prefix("missing field `")?.split('`').next()?;
    Some(name.to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
