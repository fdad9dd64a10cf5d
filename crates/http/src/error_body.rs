//! The body of an error response, as an adapter parses it.

use std::fmt;
use std::time::Duration;

use tokenfleet_core::{ErrorKind, Operation};

/// The parsed body of an error response. Empty fields leave the error to the status.
#[derive(Default)]
#[non_exhaustive]
pub struct ErrorBody {
    /// The kind, if it is more precise than the status.
    pub kind: Option<ErrorKind>,
    /// `true` if the body has the form that the platform documents for its errors. Such a body is
    /// an error even with a status of success.
    pub is_own: bool,
    /// The error code of the platform.
    pub code: Option<String>,
    /// The message of the platform. It is redacted and truncated before it is shown.
    pub message: Option<String>,
    /// Advice on what to do next.
    pub advice: Option<&'static str>,
    /// The time to wait before a retry, for platforms that do not send `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// Omits code and message, which are not redacted yet.
impl fmt::Debug for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorBody")
            .field("kind", &self.kind)
            .field("is_own", &self.is_own)
            .field("advice", &self.advice)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

impl ErrorBody {
    /// Creates an error body with the platform's message, if it has one.
    #[must_use]
    pub fn from_message(message: Option<String>) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }

    /// Sets the platform's error code.
    #[must_use]
    pub fn with_code(mut self, code: Option<String>) -> Self {
        self.code = code;
        self
    }

    /// States whether the body has the form that the platform documents for its errors.
    #[must_use]
    pub fn with_own_form(mut self, is_own: bool) -> Self {
        self.is_own = is_own;
        self
    }

    /// Sets the kind, whatever the status suggests.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets the time to wait before a retry.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Sets the advice on what to do next.
    #[must_use]
    pub fn with_advice(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }
}

/// A function that parses an error response: from the operation, the status and the body, which may
/// contain anything.
pub type ErrorParser = fn(Operation, u16, &[u8]) -> ErrorBody;
