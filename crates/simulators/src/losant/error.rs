//! Losant's error envelope.

use bytes::Bytes;
use http::Response;
use serde::Serialize;

use crate::answer;

/// An error as Losant answers it: the status is not in the body.
#[derive(Debug, Serialize)]
pub(super) struct Error {
    #[serde(skip)]
    status: u16,
    #[serde(rename = "type")]
    kind: &'static str,
    message: String,
}

impl Error {
    pub(super) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
        }
    }

    /// A field that is not as it should be, in the words of the validator that Losant uses.
    pub(super) fn validation(field: &str, problem: &str) -> Self {
        Self::new(400, "Validation", format!("{field} {problem}"))
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(404, "NotFound", format!("{what} was not found"))
    }

    pub(super) fn method_not_allowed(method: &http::Method) -> Self {
        Self::new(405, "MethodNotAllowed", format!("{method} is not allowed"))
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        answer::json(self.status, self)
    }
}
