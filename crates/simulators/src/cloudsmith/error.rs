//! Errors in the format of Cloudsmith: `detail`, and for validation `fields` and `code`.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::response;

/// An error in the format of Cloudsmith.
#[derive(Debug)]
pub(super) struct Error {
    status: u16,
    body: Value,
    headers: Vec<(&'static str, String)>,
}

impl Error {
    /// Returns an error with this status and detail.
    pub(super) fn new(status: u16, detail: &str) -> Self {
        Self {
            status,
            body: json!({"detail": detail}),
            headers: Vec::new(),
        }
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a member to the body.
    pub(super) fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(body) = &mut self.body {
            body.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Returns a 401 that names an accepted scheme.
    pub(super) fn unauthorized(detail: &str) -> Self {
        Self::new(401, detail).header("www-authenticate", "Basic realm=\"Cloudsmith API\"")
    }

    /// Returns a 422 about one field.
    pub(super) fn invalid(field: &str, problem: &str) -> Self {
        Self::new(422, "Invalid input.")
            .member("fields", json!({field: [problem]}))
            .member("code", "invalid")
    }

    /// Returns a 404.
    pub(super) fn not_found() -> Self {
        Self::new(404, "Not found.")
    }

    /// Converts the error into a response.
    pub(super) fn response(&self) -> Response<Bytes> {
        let mut response = response::json(self.status, &self.body);
        for (name, value) in &self.headers {
            response::set_header(&mut response, name, value);
        }
        response
    }
}
