//! Errors in the format of Mindbody, and the two other formats that its servers use.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::{Canned, response};

/// The content type of JSON responses.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// An error in one of the formats of Mindbody.
#[derive(Debug)]
pub(super) struct Error {
    status: u16,
    body: Value,
}

impl Error {
    /// Returns an error object with this code and message.
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"Error": {"Message": message, "Code": code}});
        Self { status, body }
    }

    /// Returns a `DeniedAccess` error.
    pub(super) fn denied(status: u16, message: &str) -> Self {
        Self::new(status, "DeniedAccess", message)
    }

    /// Returns an error of the web framework, which precedes Mindbody's own code.
    pub(super) fn framework(status: u16, message: &str) -> Self {
        let body = json!({"Message": message});
        Self { status, body }
    }

    /// Converts the error into a response.
    pub(super) fn response(&self) -> Response<Bytes> {
        response::with_body(self.status, JSON, self.body.to_string())
    }
}

/// The format of a response during an outage of Mindbody, for
/// [`Action::Answer`](crate::Action::Answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// `{"Error":{"Message":…,"Code":"Unknown"}}`.
    ErrorObject,
    /// `{"Message":…}` at the top level.
    TopLevelMessage,
    /// An HTML page.
    Html,
}

impl Outage {
    /// Returns the response with this status.
    pub fn answer(self, status: u16) -> Canned {
        let message = "An error has occurred.";
        match self {
            Self::ErrorObject => {
                let body = json!({"Error": {"Message": message, "Code": "Unknown"}});
                Canned::json(status, body.to_string())
            }
            Self::TopLevelMessage => Canned::json(status, json!({"Message": message}).to_string()),
            Self::Html => Canned::status(status)
                .header("content-type", "text/html")
                .body("<!DOCTYPE html><html><head><title>Runtime Error</title></head></html>"),
        }
    }
}
