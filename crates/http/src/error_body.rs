//! What a platform says when it does not do what it was asked.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use tokenfleet_core::{ErrorKind, Fate, Operation};

/// What an adapter reads from an answer that is no success. Empty fields leave it to the status.
#[derive(Default)]
#[non_exhaustive]
pub struct ErrorBody {
    /// A better kind than the status suggests.
    pub kind: Option<ErrorKind>,
    /// The platform's own code.
    pub code: Option<String>,
    /// What the platform says; it is masked and cut before it is shown.
    pub message: Option<String>,
    /// What to do next.
    pub advice: Option<&'static str>,
    /// How long to wait, where the platform means it but has no header for it.
    pub retry_after: Option<Duration>,
}

/// Shows nothing of the platform's words, which are not masked yet.
impl fmt::Debug for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorBody")
            .field("kind", &self.kind)
            .field("advice", &self.advice)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

impl ErrorBody {
    /// What the platform says.
    #[must_use]
    pub fn from_message(message: Option<String>) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }

    /// With the platform's own code.
    #[must_use]
    pub fn with_code(mut self, code: Option<String>) -> Self {
        self.code = code;
        self
    }

    /// Of that kind, whatever the status suggests.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// To be repeated after that long at the earliest.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// With what to do next.
    #[must_use]
    pub fn with_advice(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }
}

/// How an adapter reads a refusal: from the operation, the status and the body, which may be anything.
pub type ErrorParser = fn(Operation, u16, &[u8]) -> ErrorBody;

/// The body of a refusal in the shape that the platform documents, or nothing: a proxy may have answered instead.
pub fn parse_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// What a status means when the platform says no more.
pub(crate) fn kind_of(status: u16) -> (ErrorKind, &'static str) {
    match status {
        300..=399 => (
            ErrorKind::ProtocolViolation,
            "the platform redirects elsewhere, which is never followed",
        ),
        401 => (ErrorKind::Unauthenticated, "the credential is not accepted"),
        403 => (
            ErrorKind::PermissionDenied,
            "the credential may not do this",
        ),
        404 | 410 => (ErrorKind::NotFound, "there is no such thing"),
        408 => (ErrorKind::Timeout, "the platform waited too long"),
        409 => (ErrorKind::Conflict, "it clashes with what exists"),
        429 => (ErrorKind::RateLimited, "too many requests"),
        400..=499 => (ErrorKind::InvalidInput, "the platform refused the request"),
        500..=599 => (ErrorKind::Unavailable, "the platform is out of order"),
        _ => (
            ErrorKind::ProtocolViolation,
            "the platform sent an unexpected status",
        ),
    }
}

/// What became of a request that was answered with that status.
pub(crate) fn fate_of(operation: Operation, status: u16) -> Fate {
    match status {
        _ if !operation.is_write() => Fate::Rejected,
        408 => Fate::MaybeApplied,
        400..=499 => Fate::Rejected,
        _ => Fate::MaybeApplied,
    }
}
