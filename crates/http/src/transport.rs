//! What really sends a request.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

/// Sends one request and returns one answer: no retry, no redirect, no cookies.
///
/// ```
/// use async_trait::async_trait;
/// use bytes::Bytes;
/// use tokenfleet_http::{Body, Transport, TransportError};
///
/// /// Answers everything with an empty object.
/// #[derive(Debug)]
/// struct Silent;
///
/// #[async_trait]
/// impl Transport for Silent {
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
    /// Sends a request with an absolute URI. Any status is an answer, not an error.
    ///
    /// # Errors
    ///
    /// Say honestly how far the request got, see [`SendPhase`]: what may be repeated depends on it.
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError>;
}

/// How far a request got before the transport failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendPhase {
    /// Nothing of it was written: no address, refused, no TLS.
    NotSent,
    /// It may have been read and carried out.
    MaybeSent,
}

/// Why a transport could not get an answer. Its text holds no URL and no credential.
#[derive(Debug)]
pub struct TransportError {
    phase: SendPhase,
    timed_out: bool,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TransportError {
    /// A failure in that phase. The message names neither URL nor credential.
    pub fn new(phase: SendPhase, message: impl Into<String>) -> Self {
        Self {
            phase,
            timed_out: false,
            message: message.into(),
            source: None,
        }
    }

    /// Because no answer came in time.
    #[must_use]
    pub fn timed_out(mut self) -> Self {
        self.timed_out = true;
        self
    }

    /// Because of that.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// How far the request got.
    #[must_use]
    pub fn phase(&self) -> SendPhase {
        self.phase
    }

    /// Whether no answer came in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.timed_out
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + 'static) = self.source.as_deref()?;
        Some(source)
    }
}

/// The body of an answer, in pieces, so that one that is too large is never held whole.
pub struct Body(Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>);

impl Body {
    /// A body that is already at hand.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Box::pin(Once(Some(bytes.into()))))
    }

    /// A body that comes in pieces.
    #[must_use]
    pub fn from_stream(
        stream: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
    ) -> Self {
        Self(Box::pin(stream))
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, TransportError>> {
        poll_fn(|context| self.0.as_mut().poll_next(context)).await
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(..)")
    }
}

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
