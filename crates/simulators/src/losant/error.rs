//! Losant's error envelope.

use bytes::Bytes;
use http::Response;
use serde::Serialize;

use crate::response;

/// An error in the format of Losant, whose body does not contain the status.
#[derive(Debug, Serialize)]
pub(super) struct Error {
    #[serde(skip)]
    status: u16,
    #[serde(rename = "type")]
    kind: &'static str,
    message: String,
}

impl Error {
    /// Returns an error with this status, type and message.
    pub(super) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
        }
    }

    /// Returns a 400 about an invalid field, worded like the validator that Losant uses.
    pub(super) fn validation(field: &str, problem: &str) -> Self {
        Self::new(400, "Validation", format!("{field} {problem}"))
    }

    /// Returns a 404 about a resource.
    pub(super) fn not_found(resource: &str) -> Self {
        Self::new(404, "NotFound", format!("{resource} was not found"))
    }

    /// Returns a 405.
    pub(super) fn method_not_allowed(method: &http::Method) -> Self {
        Self::new(405, "MethodNotAllowed", format!("{method} is not allowed"))
    }

    /// Converts the error into a response.
    pub(super) fn response(&self) -> Response<Bytes> {
        response::json(self.status, self)
    }
}
