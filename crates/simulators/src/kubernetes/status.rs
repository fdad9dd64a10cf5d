//! The `Status` that the API server returns instead of an object.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::response;

/// A failure, or the success of a deletion.
#[derive(Debug)]
pub(super) struct Status {
    code: u16,
    body: Value,
}

impl Status {
    pub(super) fn new(code: u16, reason: &str, message: &str) -> Self {
        let body = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        });
        Self { code, body }
    }

    pub(super) fn success() -> Self {
        let body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        });
        Self { code: 200, body }
    }

    /// Adds the resource that it is about.
    fn about(mut self, kind: &str, name: &str) -> Self {
        self.body["details"] = json!({"name": name, "kind": kind});
        self
    }

    pub(super) fn missing(kind: &str, name: &str) -> Self {
        let message = format!("{kind} {name:?} not found");
        Self::new(404, "NotFound", &message).about(kind, name)
    }

    pub(super) fn exists(name: &str) -> Self {
        let message = format!("secrets {name:?} already exists");
        Self::new(409, "AlreadyExists", &message).about("secrets", name)
    }

    pub(super) fn conflict(name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on secrets {name:?}: {why}");
        Self::new(409, "Conflict", &message).about("secrets", name)
    }

    pub(super) fn invalid(name: &str, why: &str) -> Self {
        let message = format!("Secret {name:?} is invalid: {why}");
        Self::new(422, "Invalid", &message).about("Secret", name)
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        response::json(self.code, &self.body)
    }
}
