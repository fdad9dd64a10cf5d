//! The transport: it sends one HTTP request and returns one response.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

/// A transport that sends one request and returns one response, without retries, redirects or
/// cookies.
///
/// The types of other crates in its signature, and the attribute `async_trait`, are re-exported by
/// this crate.
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
    /// A failure to get a response. Its [`SendPhase`] must be true: retries depend on it.
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError>;
}

/// The phase that a request had reached when the transport failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendPhase {
    /// Nothing was sent: resolving the address, connecting or the TLS handshake failed.
    NotSent,
    /// It may have been received and applied.
    MaybeSent,
}

/// The reason why a transport could not get a response. Its text contains no URL and no credential.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    phase: SendPhase,
    timed_out: bool,
    message: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TransportError {
    /// Creates a failure in `phase`. The message must contain neither a URL nor a credential.
    pub fn new(phase: SendPhase, message: impl Into<String>) -> Self {
        Self {
            phase,
            timed_out: false,
            message: message.into(),
            source: None,
        }
    }

    /// Marks the failure as a timeout.
    #[must_use]
    pub fn timed_out(mut self) -> Self {
        self.timed_out = true;
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

    /// Returns the next chunk.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, TransportError>> {
        poll_fn(|context| self.0.as_mut().poll_next(context)).await
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
