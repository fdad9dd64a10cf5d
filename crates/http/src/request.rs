//! A request as an adapter describes it.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use tokenfleet_core::{Error, Operation, Result, Secret};
use zeroize::Zeroizing;

use crate::zeroizing_buffer::ZeroizingBuffer;

const BODY_RESERVE: usize = 1 << 10;

/// A request as an adapter describes it: a value, without an origin, sent by an [`ApiClient`](crate::ApiClient).
///
/// ```
/// use tokenfleet_core::{Operation, Secret};
/// use tokenfleet_http::ApiRequest;
///
/// let call = ApiRequest::get(Operation::List, ["me", "tokens"])
///     .query("page", 0)
///     .credential("authorization", "Bearer ", &Secret::new("jwt"));
/// ```
///
/// An answer of 2xx must be JSON, unless [`allow_empty_body`](Self::allow_empty_body): anything else comes from something between
/// us and the platform, such as the login page of a network, and proves nothing.
pub struct ApiRequest {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) idempotent: bool,
    /// Which page of a listing it reads, for whoever watches.
    pub(crate) page: Option<u64>,
    pub(crate) allow_empty_body: bool,
    /// Statuses besides 2xx whose body the adapter reads itself.
    pub(crate) accepted: Vec<u16>,
    /// What must not show in any text about this call.
    pub(crate) secrets: Vec<Secret>,
    /// A mistake found while describing it.
    pub(crate) mistake: Option<Error>,
}

/// Shows neither body nor headers nor parameters: they carry passwords.
impl fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}

impl ApiRequest {
    /// Reads. May be repeated.
    pub fn get<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::GET, path).idempotent()
    }

    /// Makes something. Not repeated once it may have been carried out.
    pub fn post<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::POST, path)
    }

    /// Replaces something. Not repeated once it may have been carried out.
    pub fn put<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::PUT, path)
    }

    /// Sets fields to given values. Not repeated once it may have been carried out, unless [`idempotent`](Self::idempotent).
    pub fn patch<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::PATCH, path)
    }

    /// Removes something. Not repeated once it may have been carried out, unless [`idempotent`](Self::idempotent).
    pub fn delete<S: Into<String>>(
        operation: Operation,
        path: impl IntoIterator<Item = S>,
    ) -> Self {
        Self::new(operation, Method::DELETE, path)
    }

    fn new<S: Into<String>>(
        operation: Operation,
        method: Method,
        path: impl IntoIterator<Item = S>,
    ) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            operation,
            method,
            path: path.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            headers,
            body: Bytes::new(),
            idempotent: false,
            page: None,
            allow_empty_body: false,
            accepted: Vec::new(),
            secrets: Vec::new(),
            mistake: None,
        }
    }

    /// What it is part of.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Carrying it out twice has the same effect as once.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Reads the page of that number of a listing, counted from 0: said to whoever watches, not to the platform.
    #[must_use]
    pub fn page(mut self, number: u64) -> Self {
        self.page = Some(number);
        self
    }

    /// Whose success may have no body, as after a deletion.
    #[must_use]
    pub fn allow_empty_body(mut self) -> Self {
        self.allow_empty_body = true;
        self
    }

    /// Whose answer with that status the adapter reads itself, as it does a success.
    #[must_use]
    pub fn accept_status(mut self, status: u16) -> Self {
        self.accepted.push(status);
        self
    }

    /// With a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// With a query parameter, if there is a value.
    #[must_use]
    pub fn query_if(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// With a header. Upper and lower case of its name mean the same.
    #[must_use]
    pub fn header(self, name: &'static str, value: &str) -> Self {
        self.insert(name, HeaderValue::from_str(value))
    }

    /// With a header, if there is a value.
    #[must_use]
    pub fn header_if(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// With a header that carries a credential after a prefix such as `Bearer `.
    #[must_use]
    pub fn credential(mut self, name: &'static str, prefix: &str, secret: &Secret) -> Self {
        // Of the right size from the start: a text that grows leaves copies.
        let size = prefix.len() + secret.expose().len();
        let mut text = Zeroizing::new(String::with_capacity(size));
        text.push_str(prefix);
        text.push_str(secret.expose());
        self.secrets.push(secret.duplicate());
        let value = HeaderValue::from_str(&text).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        self.insert(name, value)
    }

    /// With that secret kept out of every text about this call, because its body holds it.
    #[must_use]
    pub fn redact(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.duplicate());
        self
    }

    /// With a JSON body. The bytes are wiped after use: they may hold a credential.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        let mut bytes = ZeroizingBuffer::with_capacity(BODY_RESERVE);
        match serde_json::to_writer(&mut bytes, body) {
            Ok(()) => {
                self.body = Bytes::from_owner(bytes);
                self.header("content-type", "application/json")
            }
            Err(_) => {
                self.mistake = Some(Error::invalid_input(
                    "the request cannot be written as JSON",
                ));
                self
            }
        }
    }

    /// The same call once more, for another credential to be added.
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            operation: self.operation,
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            idempotent: self.idempotent,
            page: self.page,
            allow_empty_body: self.allow_empty_body,
            accepted: self.accepted.clone(),
            secrets: self.secrets.iter().map(Secret::duplicate).collect(),
            mistake: self.mistake.clone(),
        }
    }

    fn insert(
        mut self,
        name: &'static str,
        value: Result<HeaderValue, http::header::InvalidHeaderValue>,
    ) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), value) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            (Err(_), _) => {
                self.mistake = Some(Error::invalid_input(format!(
                    "{name} is no name of a header"
                )));
            }
            (_, Err(_)) => {
                self.mistake = Some(Error::invalid_input(format!(
                    "the value of the header {name} holds characters that no header can carry"
                )));
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_shows_neither_its_body_nor_its_headers_nor_its_parameters() {
        let secret = Secret::new("hunter2");
        let call = ApiRequest::post(Operation::Create, ["issue"])
            .credential("Authorization", "Bearer ", &secret)
            .header("x-plain", "hunter2")
            .query("search", "hunter2")
            .json(&secret.expose());
        let shown = format!("{call:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("104, 117, 110"), "{shown}");
        assert!(shown.contains("issue"), "{shown}");
    }

    #[test]
    fn a_header_has_any_case_and_a_name_that_none_has_is_a_mistake() {
        let call = ApiRequest::get(Operation::List, ["tokens"]).header("Accept-Version", "1");
        assert_eq!(call.headers["accept-version"], "1");
        for (name, value) in [("no name", "1"), ("", "1"), ("plain", "a\nb")] {
            let call = ApiRequest::get(Operation::List, ["tokens"]).header(name, value);
            assert!(call.mistake.is_some(), "{name:?}");
        }
    }
}
