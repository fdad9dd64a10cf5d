//! The transport: it sends one HTTP request and returns one response.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use tokenfleet_core::config::cause_text;

use crate::FailedLogins;

/// A transport that sends one request and returns one response, without retries, redirects or
/// cookies.
///
/// The types of other crates in its signature, and the attribute `async_trait`, are re-exported by
/// this crate.
///
/// # Layers
///
/// A transport that wraps another one is the place for recording, caching, tracing or injecting
/// faults; there is no tower stack. Such a layer must
///
/// * pass the request on with its extensions: they tell the transport over reqwest which requests
///   need a connection of their own (decision 0017). It may add a header for the hosts that the
///   header is meant for;
/// * return the inner error as it is, or one of the same phase;
/// * forward [`failed_logins`](Self::failed_logins), or accounts no longer share what they know of
///   a wrong password;
/// * send each request once at most: the retries of [`ApiClient`](crate::ApiClient) know which ones
///   may be repeated;
/// * keep headers and bodies out of logs: they hold credentials. Method, path and status are safe.
///
/// ```
/// use tokenfleet_http::{
///     Body, Bytes, FailedLogins, Transport, TransportError, async_trait, http,
/// };
///
/// /// A layer that prints what is sent.
/// #[derive(Debug)]
/// struct Printing<T>(T);
///
/// #[async_trait]
/// impl<T: Transport> Transport for Printing<T> {
///     async fn send(
///         &self,
///         request: http::Request<Bytes>,
///     ) -> Result<http::Response<Body>, TransportError> {
///         let line = format!("{} {}", request.method(), request.uri().path());
///         let response = self.0.send(request).await?;
///         println!("{line}: {}", response.status());
///         Ok(response)
///     }
///
///     fn failed_logins(&self) -> Option<&FailedLogins> {
///         self.0.failed_logins()
///     }
/// }
/// ```
///
/// # Example
///
/// ```
/// use tokenfleet_http::{Body, Bytes, Transport, TransportError, async_trait, http};
///
/// /// A transport that responds to everything with an empty object.
/// #[derive(Debug)]
/// struct EmptyObject;
///
/// #[async_trait]
/// impl Transport for EmptyObject {
///     async fn send(
///         &self,
///         _request: http::Request<Bytes>,
///     ) -> Result<http::Response<Body>, TransportError> {
///         Ok(http::Response::new(Body::full("{}")))
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends a request with an absolute URI. Any status is a response, not an error.
    ///
    /// # Errors
    ///
    /// A failure to get a response: [`TransportError::not_sent`] only if that is certain, and
    /// [`TransportError::maybe_sent`] otherwise. Retries depend on it.
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError>;

    /// Returns the failed logins that all accounts over this transport share. Without it each
    /// account counts its own.
    fn failed_logins(&self) -> Option<&FailedLogins> {
        None
    }
}

/// The mark of a request, in its extensions, whose response must not be a surplus one that was left
/// on a kept-alive connection (decision 0017).
#[derive(Debug, Clone, Copy)]
pub(crate) struct CleanConnection;

/// The phase that a request had reached when the transport failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendPhase {
    /// Nothing was sent: resolving the address, connecting or the TLS handshake failed.
    NotSent,
    /// It may have been received and applied.
    MaybeSent,
}

/// The reason why a transport could not get a response. Its text contains no URL and no credential.
#[derive(Debug)]
pub struct TransportError {
    phase: SendPhase,
    timed_out: bool,
    proxy_login_refused: bool,
    out_of_descriptors: bool,
    message: String,
    advice: Option<&'static str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

impl TransportError {
    /// Creates a failure of a request of which nothing was sent: resolving the address, connecting
    /// or the TLS handshake failed. The request may be repeated, even if it is a write.
    ///
    /// The message must contain neither a URL nor a credential.
    pub fn not_sent(message: impl Into<String>) -> Self {
        Self::new(SendPhase::NotSent, message)
    }

    /// Creates a failure of a request that may have been received and applied: the right one
    /// whenever that cannot be ruled out. A write is not repeated.
    ///
    /// The message must contain neither a URL nor a credential.
    pub fn maybe_sent(message: impl Into<String>) -> Self {
        Self::new(SendPhase::MaybeSent, message)
    }

    /// Creates a failure in `phase`.
    pub(crate) fn new(phase: SendPhase, message: impl Into<String>) -> Self {
        Self {
            phase,
            timed_out: false,
            proxy_login_refused: false,
            out_of_descriptors: false,
            message: message.into(),
            advice: None,
            source: None,
        }
    }

    /// Marks the failure as a timeout.
    #[must_use]
    pub fn timed_out(mut self) -> Self {
        self.timed_out = true;
        self
    }

    /// Marks the failure as the verdict of a proxy on its login. The request is not repeated.
    #[must_use]
    pub fn proxy_login_refused(mut self) -> Self {
        self.proxy_login_refused = true;
        self
    }

    /// Marks the failure as caused by too many open files in this process. The request is repeated
    /// until its deadline.
    #[must_use]
    pub fn out_of_descriptors(mut self) -> Self {
        self.out_of_descriptors = true;
        self
    }

    /// Sets the advice: what to do next.
    #[must_use]
    pub fn with_advice(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }

    /// Sets the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Returns the phase that the request had reached.
    #[must_use]
    pub fn phase(&self) -> SendPhase {
        self.phase
    }

    /// Returns `true` if the failure is a timeout.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.timed_out
    }

    /// Returns `true` if a proxy refused its login.
    #[must_use]
    pub fn is_proxy_login_refused(&self) -> bool {
        self.proxy_login_refused
    }

    /// Returns `true` if this process has too many files open.
    #[must_use]
    pub fn is_out_of_descriptors(&self) -> bool {
        self.out_of_descriptors
    }

    /// Returns the advice, if there is any.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        self.advice
    }
}

/// Converts a failure of a connection, of which it is unknown how far the request came: it counts
/// as [`MaybeSent`](SendPhase::MaybeSent).
///
/// ```
/// use std::io;
/// use tokenfleet_http::{SendPhase, TransportError};
///
/// let error = TransportError::from(io::Error::from(io::ErrorKind::TimedOut));
/// assert_eq!(error.phase(), SendPhase::MaybeSent);
/// assert!(error.is_timeout());
/// ```
impl From<std::io::Error> for TransportError {
    fn from(error: std::io::Error) -> Self {
        let converted = Self::maybe_sent(format!("connection lost: {}", cause_text(&error)));
        let converted = if error.kind() == std::io::ErrorKind::TimedOut {
            converted.timed_out()
        } else {
            converted
        };
        converted.with_source(error)
    }
}

/// The body of a response, read in chunks so that an oversized body is never held in memory whole.
pub struct Body(Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>);

impl Body {
    /// Creates a body from bytes in memory.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Box::pin(Once(Some(bytes.into()))))
    }

    /// Creates a body from a stream of chunks.
    #[must_use]
    pub fn from_stream(
        stream: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
    ) -> Self {
        Self(Box::pin(stream))
    }

    /// Returns the next chunk, or `None` at the end of the body.
    pub async fn next(&mut self) -> Option<Result<Bytes, TransportError>> {
        poll_fn(|context| self.0.as_mut().poll_next(context)).await
    }

    /// Reads the whole body, for callers of a [`Transport`] without an
    /// [`ApiClient`](crate::ApiClient).
    ///
    /// The bytes are not wiped from memory afterwards. An [`ApiClient`](crate::ApiClient) wipes
    /// what it reads.
    ///
    /// ```
    /// # use tokenfleet_http::{Body, TransportError};
    /// # async fn example() -> Result<(), TransportError> {
    /// assert_eq!(Body::full("[]").bytes(1024).await?, "[]");
    /// assert!(Body::full("too long").bytes(3).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The failure of the connection, or a body of more than `limit` bytes.
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, TransportError> {
        let mut read: Vec<u8> = Vec::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            if chunk.len() > limit - read.len() {
                let message = format!("the body is larger than {limit} bytes");
                return Err(TransportError::new(SendPhase::MaybeSent, message));
            }
            read.extend_from_slice(&chunk);
        }
        Ok(read.into())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(..)")
    }
}

/// A stream of one chunk.
struct Once(Option<Bytes>);

impl Stream for Once {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.take().map(Ok))
    }
}
