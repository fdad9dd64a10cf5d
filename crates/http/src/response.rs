//! An answer that was accepted.

use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny};
use serde_json::error::Category;
use tokenfleet_core::{Account, Error, Fate, Operation, Result, Timestamp};

use crate::fields::FromFields;
use crate::page_seed::PageSeed;
use crate::transport::{Body, TransportError};
use crate::zeroizing_buffer::ZeroizingBuffer;

/// What is reserved at most for a body of announced length: the announcement may lie.
const LARGEST_RESERVE: usize = 1 << 20;
const SMALLEST_RESERVE: usize = 4 << 10;
/// Every platform takes more bytes to describe a token.
const SMALLEST_RECORD: usize = 32;

/// A successful answer, its body wiped from memory when dropped: it may hold a new secret.
pub struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ZeroizingBuffer,
    pub(crate) operation: Operation,
    pub(crate) account: Account,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) date: OnceLock<Timestamp>,
}

/// Shows neither body nor headers.
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
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header's value, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A header's value as a whole number, if it is one.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)
            .and_then(|value| value.trim().parse().ok())
    }

    /// The time on the platform's clock, or on ours when it does not say.
    #[must_use]
    pub fn date(&self) -> Timestamp {
        *self.date.get_or_init(|| self.read_date())
    }

    fn read_date(&self) -> Timestamp {
        self.header("date")
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_secs()).ok())
            .and_then(Timestamp::from_unix_seconds)
            .unwrap_or_else(Timestamp::now)
    }

    /// Whether a moment has passed on the platform's clock, to the second that its answers keep.
    #[must_use]
    pub fn is_past(&self, at: Timestamp) -> bool {
        at.truncated_to_seconds() <= self.date()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.iter().all(u8::is_ascii_whitespace)
    }

    /// Whether it is JSON at all, whatever it says. Of a listing, which is long and is read to its end anyway, only the
    /// beginning is judged: it is an object or an array.
    pub(crate) fn is_json(&self) -> bool {
        if self.operation == Operation::List {
            let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
            matches!(first, Some(b'{' | b'['))
        } else {
            serde_json::from_slice::<IgnoredAny>(&self.body).is_ok()
        }
    }

    /// How many requests it took.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Reads the body.
    ///
    /// # Errors
    ///
    /// [`ProtocolViolation`](tokenfleet_core::ErrorKind::ProtocolViolation) when it is not the expected JSON. The text
    /// says where, never what: the body may hold a secret. For a write the fate is
    /// [`MaybeApplied`](Fate::MaybeApplied).
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        self.read(PhantomData)
            .map_err(|error| self.unreadable(&error))
    }

    /// Reads a page: what it says of itself, and its records, which are the values of `field`. Each is converted as soon as
    /// it is read. Room is made for so many as are `expected`.
    ///
    /// ```
    /// use serde::de::MapAccess;
    /// use tokenfleet_core::{Fact, Result, Token, TokenId, TokenState};
    /// use tokenfleet_http::{ApiResponse, FromFields, JsonStr, read_unique};
    ///
    /// #[derive(Default)]
    /// struct Key<'a> {
    ///     slug: Fact<JsonStr<'a>>,
    /// }
    ///
    /// impl<'de: 'a, 'a> FromFields<'de> for Key<'a> {
    ///     fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
    ///         match name {
    ///             "slug" => read_unique(&mut self.slug, values),
    ///             other => ().read(other, values),
    ///         }
    ///     }
    /// }
    ///
    /// fn tokens(answer: &ApiResponse) -> Result<Vec<Token>> {
    ///     let ((), tokens) = answer.page("results", None, |key: Key<'_>| match key.slug {
    ///         Fact::Known(slug) => Ok(Token::new(TokenId::new(slug), TokenState::Active)),
    ///         _ => Err(answer.violation("a key without a slug")),
    ///     })?;
    ///     Ok(tokens)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`json`](Self::json), also when there is no such field, and those of `convert`.
    pub fn page<'a, P: FromFields<'a>, R: FromFields<'a>, T>(
        &'a self,
        field: &str,
        expected: Option<u32>,
        convert: impl FnMut(R) -> Result<T>,
    ) -> Result<(P, Vec<T>)> {
        let mut refused = None;
        // A page holds only so many, whatever was asked for.
        let room = (expected.unwrap_or_default() as usize).min(self.body.len() / SMALLEST_RECORD);
        let read = self.read(PageSeed::new(field, room, convert, &mut refused));
        read.map_err(|error| refused.unwrap_or_else(|| self.unreadable(&error)))
    }

    fn read<'a, S: DeserializeSeed<'a>>(&'a self, seed: S) -> serde_json::Result<S::Value> {
        // Text that was judged as a whole need not be judged piece by piece. What nobody reads may be anything.
        match str::from_utf8(&self.body) {
            Ok(text) => read_to_end(serde_json::Deserializer::from_str(text), seed),
            Err(_) => read_to_end(serde_json::Deserializer::from_slice(&self.body), seed),
        }
    }

    fn unreadable(&self, error: &serde_json::Error) -> Error {
        let message = match error.classify() {
            Category::Data | Category::Io => "the answer is not what the platform documents",
            Category::Syntax | Category::Eof => "the answer is not JSON",
        };
        let (line, column) = (error.line(), error.column());
        self.violation(format!("{message} (at line {line}, column {column})"))
    }

    /// An error about what this answer says.
    pub fn violation(&self, message: impl Into<String>) -> Error {
        let fate = if self.operation.is_write() {
            Fate::MaybeApplied
        } else {
            Fate::Rejected
        };
        Error::protocol_violation(fate, message)
            .with_account(&self.account)
            .with_operation(self.operation)
            .with_status(self.status)
            .with_attempts(self.attempts)
            .with_elapsed(self.elapsed)
    }
}

fn read_to_end<'a, R: serde_json::de::Read<'a>, S: DeserializeSeed<'a>>(
    mut text: serde_json::Deserializer<R>,
    seed: S,
) -> serde_json::Result<S::Value> {
    let value = seed.deserialize(&mut text)?;
    text.end()?;
    Ok(value)
}

/// Why a body could not be read whole.
pub(crate) enum Unread {
    TooLarge,
    Failed(TransportError),
}

/// Reads a body of at most `largest` bytes, perhaps of an announced length.
pub(crate) async fn read_body(
    mut body: Body,
    announced: Option<usize>,
    largest: usize,
) -> Result<ZeroizingBuffer, Unread> {
    if announced.is_some_and(|length| length > largest) {
        return Err(Unread::TooLarge);
    }
    let reserve = announced.unwrap_or(SMALLEST_RESERVE).min(LARGEST_RESERVE);
    let mut bytes = ZeroizingBuffer::with_capacity(reserve);
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(Unread::Failed)?;
        if bytes.len() + piece.len() > largest {
            return Err(Unread::TooLarge);
        }
        bytes.extend(&piece);
    }
    Ok(bytes)
}
