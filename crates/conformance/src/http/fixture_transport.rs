//! A transport that counts requests and injects faults.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokenfleet_http::http::{HeaderValue, Request, Response, StatusCode, header};
use tokenfleet_http::{Body, Bytes, FailedLogins, Transport, TransportError, async_trait};

use super::body::{first_field, gzip, replace_field};
use crate::Fault;

/// Larger responses are errors.
pub(super) const MAX_BODY: usize = 64 * 1024 * 1024;

/// A function that changes the body of a response.
type Rewrite = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// A transport for fixtures that counts requests and injects [`Fault`]s, around the transport that
/// sends them.
///
/// Clones share counts and faults: give the provider and the
/// [`intruder`](crate::Fixture::intruder) a clone each.
///
/// Every platform has the faults that need no knowledge of its responses: `LoseRequest`,
/// `LoseResponse`, `Redirect`, `GatewayRefusal`, `GatewayNotFound`, `GatewayJsonNotFound`,
/// `MissingPage`, `ByteOrderMark`, `Compress` and `WrongContentType`. The others falsify a
/// response: say how with [`with_json_field`](Self::with_json_field),
/// [`with_secret_field`](Self::with_secret_field), [`with_rewrite`](Self::with_rewrite) or
/// [`with_status`](Self::with_status).
///
/// The redirect is one that this transport makes up. It shows that the provider follows none, not
/// that the transport below follows none: `ReqwestTransport` has tests of its own for that.
#[derive(Clone)]
pub struct FixtureTransport {
    pub(super) inner: Arc<dyn Transport>,
    rewrites: HashMap<Fault, Rewrite>,
    statuses: HashMap<Fault, StatusCode>,
    secret_field: Option<String>,
    shared: Arc<Shared>,
}

/// The state that the clones of a transport and its administrators share.
#[derive(Default)]
pub(super) struct Shared {
    /// The number of the provider's requests that reached the platform.
    sent: AtomicU64,
    /// The number of the administrator's requests.
    pub(super) sent_by_admin: AtomicU64,
    pending: Mutex<Option<Fault>>,
    last_secret: Mutex<Option<Value>>,
}

impl FixtureTransport {
    /// Creates a transport that sends over `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self {
            inner,
            rewrites: HashMap::new(),
            statuses: HashMap::new(),
            secret_field: None,
            shared: Arc::default(),
        }
    }

    /// Falsifies a response with `fault` by setting a JSON field to `value`: the outermost field of
    /// this name, and of several on one level the first.
    ///
    /// In a page this is the field of the first record, unless the page itself has one.
    #[must_use]
    pub fn with_json_field(self, fault: Fault, field: impl Into<String>, value: Value) -> Self {
        let field = field.into();
        self.with_rewrite(fault, move |body| {
            let Ok(mut document) = serde_json::from_slice(body) else {
                return body.to_vec();
            };
            replace_field(&mut document, &field, value.clone());
            document.to_string().into_bytes()
        })
    }

    /// Names the JSON field that holds a secret, which makes [`Fault::MaskSecret`],
    /// [`Fault::RepeatSecret`] and [`Fault::EchoCredential`] possible. The last one takes the
    /// credential from the header that is marked as sensitive, after its scheme.
    #[must_use]
    pub fn with_secret_field(mut self, field: impl Into<String>) -> Self {
        self.secret_field = Some(field.into());
        self
    }

    /// Changes the body of a response with `fault` by a function of its bytes.
    ///
    /// For a fault that this transport makes up, such as [`Fault::GatewayRefusal`], the function
    /// changes the body that was made up.
    #[must_use]
    pub fn with_rewrite(
        mut self,
        fault: Fault,
        rewrite: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        self.rewrites.insert(fault, Arc::new(rewrite));
        self
    }

    /// Changes the status of a response with `fault`, such as the one with which a platform answers
    /// that it has forgotten a position.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use tokenfleet_conformance::Fault;
    /// use tokenfleet_conformance::http::FixtureTransport;
    /// use tokenfleet_http::Transport;
    /// use tokenfleet_http::http::StatusCode;
    ///
    /// fn transport(real: Arc<dyn Transport>) -> FixtureTransport {
    ///     let expired = br#"{"error":"cursor_expired"}"#;
    ///     FixtureTransport::new(real)
    ///         .with_rewrite(Fault::ForgetPosition, |_| expired.to_vec())
    ///         .with_status(Fault::ForgetPosition, StatusCode::GONE)
    /// }
    /// ```
    #[must_use]
    pub fn with_status(mut self, fault: Fault, status: StatusCode) -> Self {
        self.statuses.insert(fault, status);
        self
    }

    /// Returns the number of the provider's requests that reached the platform, for
    /// [`Fixture::request_count`](crate::Fixture::request_count).
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Returns the number of all requests, those of the administrator too, for
    /// [`Fixture::total_requests`](crate::Fixture::total_requests).
    #[must_use]
    pub fn total_requests(&self) -> u64 {
        self.request_count() + self.shared.sent_by_admin.load(Ordering::SeqCst)
    }

    /// Injects a fault into the next request of the provider, or returns `false` if nothing says
    /// how, for [`Fixture::inject`](crate::Fixture::inject).
    #[must_use]
    pub fn inject(&self, fault: Fault) -> bool {
        let possible = match fault {
            Fault::LoseRequest
            | Fault::LoseResponse
            | Fault::Redirect
            | Fault::GatewayRefusal
            | Fault::GatewayNotFound
            | Fault::GatewayJsonNotFound
            | Fault::MissingPage
            | Fault::ByteOrderMark
            | Fault::Compress
            | Fault::WrongContentType => true,
            Fault::MaskSecret | Fault::RepeatSecret | Fault::EchoCredential
                if self.secret_field.is_some() =>
            {
                true
            }
            _ => self.rewrites.contains_key(&fault) || self.statuses.contains_key(&fault),
        };
        if possible {
            *lock(&self.shared.pending) = Some(fault);
        }
        possible
    }

    /// Sends a request of the administrator.
    pub(super) async fn send_as_admin(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        self.shared.sent_by_admin.fetch_add(1, Ordering::SeqCst);
        let response = read(self.inner.send(request).await?).await?;
        self.remember_secret(response.body());
        Ok(response)
    }

    /// Remembers the secret of a response, and returns the one before.
    fn remember_secret(&self, body: &[u8]) -> Option<Value> {
        let field = self.secret_field.as_deref()?;
        let mut document = serde_json::from_slice(body).ok()?;
        let secret = first_field(&mut document, field)?;
        lock(&self.shared.last_secret).replace(secret.take())
    }

    /// Changes a response as the fault says.
    fn falsify(&self, fault: Fault, credential: Option<Value>, response: &mut Response<Bytes>) {
        let former = self.remember_secret(response.body());
        if let Some(status) = self.statuses.get(&fault) {
            *response.status_mut() = *status;
        }
        let body = match (fault, self.rewrites.get(&fault), &self.secret_field) {
            (_, Some(rewrite), _) => rewrite(response.body()),
            (Fault::ByteOrderMark, ..) => ["\u{feff}".as_bytes(), response.body()].concat(),
            (Fault::Compress, ..) => {
                set(response, header::CONTENT_ENCODING, "gzip");
                gzip(response.body())
            }
            (Fault::WrongContentType, ..) => {
                set(response, header::CONTENT_TYPE, "text/html");
                return;
            }
            (Fault::MaskSecret, None, Some(field)) => {
                replace(response.body(), field, json!("************3456"))
            }
            (Fault::EchoCredential, None, Some(field)) => {
                replace(response.body(), field, credential.unwrap_or_default())
            }
            (Fault::RepeatSecret, None, Some(field)) => {
                replace(response.body(), field, former.unwrap_or_default())
            }
            _ => return,
        };
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = body.into();
    }
}

#[async_trait]
impl Transport for FixtureTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let fault = lock(&self.shared.pending).take();
        if fault == Some(Fault::LoseRequest) {
            return Err(lost());
        }
        self.shared.sent.fetch_add(1, Ordering::SeqCst);
        let credential = sent_credential(&request);
        let made_up = match fault {
            Some(Fault::Redirect) => {
                let mut redirect = Response::new(Bytes::new());
                *redirect.status_mut() = StatusCode::FOUND;
                set(
                    &mut redirect,
                    header::LOCATION,
                    "https://elsewhere.example.com/",
                );
                Some(redirect)
            }
            Some(Fault::GatewayRefusal) => Some(from_gateway(
                StatusCode::UNAUTHORIZED,
                "application/json",
                r#"{"message":"Unauthorized"}"#,
            )),
            Some(Fault::MissingPage | Fault::GatewayNotFound) => Some(from_gateway(
                StatusCode::NOT_FOUND,
                "text/html",
                "<h1>Not Found</h1>",
            )),
            Some(Fault::GatewayJsonNotFound) => Some(from_gateway(
                StatusCode::NOT_FOUND,
                "application/json",
                r#"{"message":"no Route matched with those values"}"#,
            )),
            _ => None,
        };
        let mut response = match made_up {
            Some(response) => response,
            None => {
                let response = self.inner.send(request).await?;
                if fault.is_none() && self.secret_field.is_none() {
                    return Ok(response);
                }
                read(response).await?
            }
        };
        match fault {
            Some(Fault::LoseResponse) => return Err(lost()),
            Some(fault) => self.falsify(fault, credential, &mut response),
            None => {
                self.remember_secret(response.body());
            }
        }
        Ok(response.map(Body::full))
    }

    fn failed_logins(&self) -> Option<&FailedLogins> {
        self.inner.failed_logins()
    }
}

/// Rewrites are functions, and the last secret must not be printed.
impl fmt::Debug for FixtureTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixtureTransport")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// Returns the credential of a request without its scheme, if a header holds one.
fn sent_credential(request: &Request<Bytes>) -> Option<Value> {
    let mut headers = request.headers().values();
    let sensitive = headers.find(|value| value.is_sensitive())?.to_str().ok()?;
    let credential = sensitive.rsplit(' ').next();
    credential.map(Value::from)
}

/// Returns the error of a connection that broke, which does not tell whether the request arrived.
fn lost() -> TransportError {
    TransportError::maybe_sent("connection lost")
}

/// Returns a response that something in front of the platform makes up.
fn from_gateway(
    status: StatusCode,
    content_type: &'static str,
    body: &'static str,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, content_type);
    response
}

/// Reads the body of a response.
async fn read(response: Response<Body>) -> Result<Response<Bytes>, TransportError> {
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(head, body.bytes(MAX_BODY).await?))
}

/// Returns the JSON document with another value in the first field of this name.
fn replace(body: &[u8], field: &str, value: Value) -> Vec<u8> {
    let Ok(mut document) = serde_json::from_slice(body) else {
        return body.to_vec();
    };
    replace_field(&mut document, field, value);
    document.to_string().into_bytes()
}

fn set(response: &mut Response<Bytes>, name: header::HeaderName, value: &'static str) {
    let headers = response.headers_mut();
    headers.insert(name, HeaderValue::from_static(value));
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
