//! Cloudsmith's error body: `detail`, and for validation `fields` and `code`.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::response;

/// An error as Cloudsmith answers it.
#[derive(Debug)]
pub(super) struct Error {
    status: u16,
    body: Value,
    headers: Vec<(&'static str, String)>,
}

impl Error {
    pub(super) fn new(status: u16, detail: &str) -> Self {
        Self {
            status,
            body: json!({"detail": detail}),
            headers: Vec::new(),
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With further members in the body.
    pub(super) fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(body) = &mut self.body {
            body.insert(name.to_owned(), value.into());
        }
        self
    }

    /// 401, which names the scheme that would do.
    pub(super) fn unauthorized(detail: &str) -> Self {
        Self::new(401, detail).header("www-authenticate", "Basic realm=\"Cloudsmith API\"")
    }

    /// 422 for one field.
    pub(super) fn invalid(field: &str, problem: &str) -> Self {
        Self::new(422, "Invalid input.")
            .member("fields", json!({field: [problem]}))
            .member("code", "invalid")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "Not found.")
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let mut response = response::json(self.status, &self.body);
        for (name, value) in &self.headers {
            response::set_header(&mut response, name, value);
        }
        response
    }
}
