//! A request as an adapter describes it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use tokenfleet_core::{Error, Operation, Result, Secret};
use zeroize::Zeroizing;

/// A request as an adapter describes it: a value, without an origin, sent by an [`ApiClient`](crate::ApiClient).
///
/// ```
/// use tokenfleet_core::{Operation, Secret};
/// use tokenfleet_http::ApiCall;
///
/// let call = ApiCall::get(Operation::List, ["me", "tokens"])
///     .query("page", 0)
///     .credential("authorization", "Bearer ", &Secret::new("jwt"));
/// ```
#[derive(Debug)]
pub struct ApiCall {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) repeatable: bool,
    /// Statuses besides 2xx whose body the adapter reads itself.
    pub(crate) accepted: Vec<u16>,
    /// What must not show in any text about this call.
    pub(crate) secrets: Vec<Secret>,
    /// A mistake found while describing it.
    pub(crate) mistake: Option<Error>,
}

impl ApiCall {
    /// Reads. May be repeated.
    pub fn get<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::GET, path).repeatable()
    }

    /// Makes something. Not repeated once it may have been carried out.
    pub fn post<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::POST, path)
    }

    /// Replaces something. Not repeated once it may have been carried out.
    pub fn put<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::PUT, path)
    }

    /// Sets fields to given values. Not repeated once it may have been carried out, unless [`repeatable`](Self::repeatable).
    pub fn patch<S: Into<String>>(operation: Operation, path: impl IntoIterator<Item = S>) -> Self {
        Self::new(operation, Method::PATCH, path)
    }

    /// Removes something. Not repeated once it may have been carried out, unless [`repeatable`](Self::repeatable).
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
            repeatable: false,
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
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Whose answer with that status the adapter reads itself, as it does a success.
    #[must_use]
    pub fn accepting(mut self, status: u16) -> Self {
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

    /// With a header.
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
        let text = Zeroizing::new(format!("{prefix}{}", secret.expose()));
        self.secrets.push(secret.duplicate());
        let value = HeaderValue::from_str(&text).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        self.insert(name, value)
    }

    /// With that secret kept out of every text about this call, because its body holds it.
    #[must_use]
    pub fn masking(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.duplicate());
        self
    }

    /// With a JSON body. The bytes are wiped after use: they may hold a credential.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => {
                self.body = Bytes::from_owner(Zeroizing::new(bytes));
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

    fn insert(
        mut self,
        name: &'static str,
        value: Result<HeaderValue, http::header::InvalidHeaderValue>,
    ) -> Self {
        match value {
            Ok(value) => {
                self.headers.insert(HeaderName::from_static(name), value);
            }
            Err(_) => {
                self.mistake = Some(Error::invalid_input(format!(
                    "the value of the header {name} holds characters that no header can carry"
                )));
            }
        }
        self
    }
}
