//! The description of a request.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use tokenfleet_core::adapter::PagePosition;
use tokenfleet_core::{Error, Operation, Result, Secret};
use zeroize::Zeroizing;

use crate::zeroizing_buffer::ZeroizingBuffer;

/// The initial capacity of a JSON body.
const BODY_CAPACITY: usize = 1 << 10;

/// A request as an adapter describes it: a value without an origin, which an
/// [`ApiClient`](crate::ApiClient) sends.
///
/// ```
/// use tokenfleet_core::{Operation, Secret};
/// use tokenfleet_http::ApiRequest;
///
/// let request = ApiRequest::get(Operation::List, ["me", "tokens"])
///     .query("page", 0)
///     .bearer_auth(&Secret::new("jwt"));
/// ```
///
/// A 2xx response must be JSON, or empty if [`allow_empty_body`](Self::allow_empty_body) was
/// called. Anything else comes from something in front of the platform, such as the login page of a
/// network, and is an error.
pub struct ApiRequest {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) idempotent: bool,
    /// The number of the page of a listing that it reads.
    pub(crate) page_number: Option<u64>,
    /// `true` if it reads a page by the position that the page before it named.
    pub(crate) is_at_page_token: bool,
    pub(crate) allow_empty_body: bool,
    /// The statuses besides 2xx that the adapter handles itself.
    pub(crate) accepted_statuses: Vec<u16>,
    /// The secrets that are redacted in every error about this request.
    pub(crate) secrets: Vec<Secret>,
    /// The error found while the request was described; it is returned instead of sending.
    pub(crate) invalid: Option<Error>,
}

/// Omits body, headers and parameters, which may contain credentials.
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
    /// Creates a GET request, which is idempotent.
    pub fn get<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::GET, path).idempotent()
    }

    /// Creates a POST request. It is not retried once it may have been applied.
    pub fn post<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::POST, path)
    }

    /// Creates a PUT request. It is not retried once it may have been applied.
    pub fn put<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::PUT, path)
    }

    /// Creates a PATCH request. It is not retried once it may have been applied, unless
    /// marked [`idempotent`](Self::idempotent).
    pub fn patch<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::PATCH, path)
    }

    /// Creates a DELETE request. It is not retried once it may have been applied, unless
    /// marked [`idempotent`](Self::idempotent).
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
            page_number: None,
            is_at_page_token: false,
            allow_empty_body: false,
            accepted_statuses: Vec::new(),
            secrets: Vec::new(),
            invalid: None,
        }
    }

    /// Returns the operation that the request is part of.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Marks the request as idempotent: applying it twice has the same effect as once, so it may be
    /// retried. A deletion by id is not, where [ids are given
    /// again](tokenfleet_core::Capabilities::reused_ids).
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Sets the page of a listing that the request reads, counted from 0. It is reported in
    /// telemetry and not sent.
    #[must_use]
    pub fn page_number(mut self, number: u64) -> Self {
        self.page_number = Some(number);
        self
    }

    /// Sets the position of the page of a listing that the request reads. It is not sent: it tells
    /// what a refusal means.
    ///
    /// A 404 or 410 for a page that the platform itself named is an expired cursor
    /// ([`InvalidCursor`](tokenfleet_core::ErrorKind::InvalidCursor)), upon which a listing begins
    /// anew. If the platform says so in another way, return that kind from the
    /// [`ErrorParser`](crate::ErrorParser), with [`ErrorBody::with_kind`](crate::ErrorBody).
    ///
    /// ```
    /// use tokenfleet_core::Operation;
    /// use tokenfleet_core::adapter::{PagePosition, PageRequest};
    /// use tokenfleet_http::ApiRequest;
    ///
    /// /// Requests the page after the last token of the page before it.
    /// fn page(request: &PageRequest) -> ApiRequest {
    ///     let http = ApiRequest::get(Operation::List, ["tokens"]).page_position(&request.position);
    ///     match &request.position {
    ///         PagePosition::Token(last) => http.query("starting_after", last),
    ///         _ => http,
    ///     }
    /// }
    /// # page(&PageRequest::first());
    /// ```
    #[must_use]
    pub fn page_position(mut self, position: &PagePosition) -> Self {
        self.page_number = position.number();
        self.is_at_page_token = matches!(position, PagePosition::Token(_));
        self
    }

    /// Appends a segment, such as an id, to the path.
    #[must_use]
    pub fn segment(mut self, segment: impl Into<String>) -> Self {
        self.path.push(segment.into());
        self
    }

    /// Accepts a success without a body, as after a deletion.
    #[must_use]
    pub fn allow_empty_body(mut self) -> Self {
        self.allow_empty_body = true;
        self
    }

    /// Returns a response with this status to the adapter, as if it were a success. If it is none,
    /// [`ApiResponse::refused`](crate::ApiResponse::refused) returns the error.
    #[must_use]
    pub fn accept_status(mut self, status: u16) -> Self {
        self.accepted_statuses.push(status);
        self
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a query parameter, if there is a value.
    #[must_use]
    pub fn query_if(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets a header. Its name is case-insensitive.
    #[must_use]
    pub fn header(self, name: &'static str, value: &str) -> Self {
        self.insert(name, HeaderValue::from_str(value))
    }

    /// Sets a header, if there is a value.
    #[must_use]
    pub fn header_if(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// Sets a header that carries a credential after a prefix such as `token `. The credential is
    /// redacted in every error about this request.
    #[must_use]
    pub fn credential(mut self, name: &'static str, prefix: &str, secret: &Secret) -> Self {
        // Allocated in its final size: a string that grows leaves copies behind.
        let length = prefix.len() + secret.expose().len();
        let mut value = Zeroizing::new(String::with_capacity(length));
        value.push_str(prefix);
        value.push_str(secret.expose());
        self.secrets.push(secret.duplicate());
        let value = HeaderValue::from_str(&value).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        self.insert(name, value)
    }

    /// Sets `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer_auth(self, token: &Secret) -> Self {
        self.credential("authorization", "Bearer ", token)
    }

    /// Sets `Authorization: Basic …` from a login and a password or token.
    #[must_use]
    pub fn basic_auth(self, login: &str, password: &Secret) -> Self {
        let pair = Zeroizing::new(format!("{login}:{}", password.expose()));
        let encoded = Secret::new(STANDARD.encode(pair.as_bytes()));
        let mut request = self
            .credential("authorization", "Basic ", &encoded)
            .redact(password);
        if login.contains(':') {
            // The server would take what follows for a part of the password.
            request.invalid = Some(Error::invalid_input(
                "the login contains a colon, which Basic authentication cannot carry",
            ));
        }
        request
    }

    /// Redacts a secret in every error about this request, because its body contains it.
    #[must_use]
    pub fn redact(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.duplicate());
        self
    }

    /// Sets a JSON body. Its bytes are wiped after use, since they may contain a credential.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        let mut bytes = ZeroizingBuffer::with_capacity(BODY_CAPACITY);
        match serde_json::to_writer(&mut bytes, body) {
            Ok(()) => {
                self.body = Bytes::from_owner(bytes);
                self.header("content-type", "application/json")
            }
            Err(_) => {
                self.invalid = Some(Error::invalid_input(
                    "the request cannot be encoded as JSON",
                ));
                self
            }
        }
    }

    /// Copies the request, so that a retry can carry another credential.
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            operation: self.operation,
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            idempotent: self.idempotent,
            page_number: self.page_number,
            is_at_page_token: self.is_at_page_token,
            allow_empty_body: self.allow_empty_body,
            accepted_statuses: self.accepted_statuses.clone(),
            secrets: self.secrets.iter().map(Secret::duplicate).collect(),
            invalid: self.invalid.clone(),
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
                self.invalid = Some(Error::invalid_input(format!(
                    "{name} is not a valid header name"
                )));
            }
            (_, Err(_)) => {
                self.invalid = Some(Error::invalid_input(format!(
                    "the value of the header {name} contains characters that a header cannot carry"
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
    fn debug_omits_body_headers_and_parameters() {
        let secret = Secret::new("hunter2");
        let request = ApiRequest::post(Operation::Create, ["issue"])
            .bearer_auth(&secret)
            .header("x-plain", "hunter2")
            .query("search", "hunter2")
            .json(&secret.expose());
        let shown = format!("{request:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("104, 117, 110"), "{shown}");
        assert!(shown.contains("issue"), "{shown}");
    }

    #[test]
    fn header_names_are_case_insensitive_and_invalid_ones_are_an_error() {
        let request = ApiRequest::get(Operation::List, ["tokens"]).header("Accept-Version", "1");
        assert_eq!(request.headers["accept-version"], "1");
        for (name, value) in [("no name", "1"), ("", "1"), ("plain", "a\nb")] {
            let request = ApiRequest::get(Operation::List, ["tokens"]).header(name, value);
            assert!(request.invalid.is_some(), "{name:?}");
        }
    }
}
