//! Mindbody's error object, and the two other shapes that its servers answer with.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::{Canned, response};

pub(super) const JSON: &str = "application/json; charset=utf-8";

/// An error as Mindbody answers it.
#[derive(Debug)]
pub(super) struct Error {
    status: u16,
    body: Value,
}

impl Error {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"Error": {"Message": message, "Code": code}});
        Self { status, body }
    }

    pub(super) fn denied(status: u16, message: &str) -> Self {
        Self::new(status, "DeniedAccess", message)
    }

    /// What the web framework says before Mindbody's own code is reached.
    pub(super) fn framework(status: u16, message: &str) -> Self {
        let body = json!({"Message": message});
        Self { status, body }
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        response::with_body(self.status, JSON, self.body.to_string())
    }
}

/// The shapes of a failure on Mindbody's side, to be used with [`Action::Answer`](crate::Action).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// `{"Error":{"Message":…,"Code":"Unknown"}}`.
    ErrorObject,
    /// `{"Message":…}` at the top.
    TopLevelMessage,
    /// A page in HTML.
    Html,
}

impl Outage {
    /// The answer, with this status.
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
