//! A client with which a fixture calls the platform directly.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use tokenfleet_http::Bytes;
use tokenfleet_http::http::{Method, Request, StatusCode};

use super::FixtureTransport;
use crate::FixtureError;

/// A server that takes longer does not respond.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client with which a fixture calls the platform directly, as an administrator.
///
/// [`FixtureTransport::admin_client`] creates one. It sends one request a call, without retries,
/// and reads the whole response. The [module](super) has an example.
#[derive(Clone)]
pub struct AdminClient {
    transport: FixtureTransport,
    base_url: String,
    headers: Vec<(String, String)>,
}

impl FixtureTransport {
    /// Returns a client for the administrator of the platform at `base_url`, such as
    /// `http://127.0.0.1:8081/hub/api`.
    ///
    /// Its requests meet no fault and are counted by [`total_requests`](Self::total_requests) only.
    #[must_use]
    pub fn admin_client(&self, base_url: impl Into<String>) -> AdminClient {
        AdminClient {
            transport: self.clone(),
            base_url: base_url.into(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
        }
    }
}

impl AdminClient {
    /// Sets a header of every request, such as `authorization`.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        self.headers.push((name, value.into()));
        self
    }

    /// Sends a `GET` request.
    ///
    /// # Errors
    ///
    /// See [`call`](Self::call).
    pub async fn get(&self, path: &str) -> Result<AdminResponse, FixtureError> {
        self.call("GET", path, None).await
    }

    /// Sends a `POST` request with a JSON body.
    ///
    /// # Errors
    ///
    /// See [`call`](Self::call).
    pub async fn post(&self, path: &str, body: &Value) -> Result<AdminResponse, FixtureError> {
        self.call("POST", path, Some(body)).await
    }

    /// Sends a `PUT` request with a JSON body.
    ///
    /// # Errors
    ///
    /// See [`call`](Self::call).
    pub async fn put(&self, path: &str, body: &Value) -> Result<AdminResponse, FixtureError> {
        self.call("PUT", path, Some(body)).await
    }

    /// Sends a `DELETE` request.
    ///
    /// # Errors
    ///
    /// See [`call`](Self::call).
    pub async fn delete(&self, path: &str) -> Result<AdminResponse, FixtureError> {
        self.call("DELETE", path, None).await
    }

    /// Sends a request to the base URL with `path` appended, which begins with `/` and may contain
    /// a query. Any status is a response, not an error.
    ///
    /// # Errors
    ///
    /// A request that cannot be built, or to which no response came.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<AdminResponse, FixtureError> {
        let place = format!("{method} {path}");
        let failed = |reason: &dyn fmt::Display| FixtureError::new(format!("{place}: {reason}"));
        let method = Method::from_bytes(method.as_bytes())?;
        let url = format!("{}{path}", self.base_url.trim_end_matches('/'));
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let request = request.body(body).map_err(|error| failed(&error))?;
        let sent = tokio::time::timeout(TIMEOUT, self.transport.send_as_admin(request));
        let response = sent
            .await
            .map_err(|_| failed(&format_args!("no response in {} s", TIMEOUT.as_secs())))?
            .map_err(|error| failed(&error))?;
        Ok(AdminResponse {
            place,
            status: response.status(),
            body: response.into_body(),
        })
    }
}

/// The headers hold a credential, and a URL may.
impl fmt::Debug for AdminClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminClient").finish_non_exhaustive()
    }
}

/// The response to a request of an [`AdminClient`].
#[derive(Clone)]
pub struct AdminResponse {
    place: String,
    status: StatusCode,
    body: Bytes,
}

impl AdminResponse {
    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the body as JSON, and `null` if it is none.
    ///
    /// Index it without a check: a field that does not exist is `null` too.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns the response if its status is 2xx.
    ///
    /// # Errors
    ///
    /// Any other status, with the method, the path and the beginning of the body.
    pub fn success(self) -> Result<Self, FixtureError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let body = String::from_utf8_lossy(&self.body);
        let beginning: String = body.chars().take(200).collect();
        Err(FixtureError::new(format!(
            "{}: {} {beginning}",
            self.place, self.status
        )))
    }
}

/// The body may hold a secret.
impl fmt::Debug for AdminResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
