//! The transport over reqwest.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http_body::Body as _;
use tokenfleet_core::Result;

use crate::{Body, ReqwestTransportBuilder, SendPhase, Transport, TransportError};

/// Sends over reqwest: HTTP/1.1, TLS by the features `rustls` or `native-tls`.
///
/// It follows no redirect, keeps no cookie, takes no proxy from the environment, repeats nothing and asks for no
/// compression: each of these has one owner, and it is not here.
#[derive(Debug, Clone)]
pub struct ReqwestTransport(pub(crate) reqwest::Client);

impl ReqwestTransport {
    /// A transport with a connection pool of its own. Cheap to clone and to share between accounts.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) when the TLS stack cannot be set up.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// A transport through a proxy, or with certificates of its own.
    #[must_use]
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(refine)?;
        let response = self.0.execute(request).await.map_err(refine)?;
        let answer = http::Response::from(response);
        Ok(answer.map(|body| Body::from_stream(Pieces(body))))
    }
}

/// The data of reqwest's body with our error.
struct Pieces(reqwest::Body);

impl Stream for Pieces {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = Pin::new(&mut self.0).poll_frame(context);
            return Poll::Ready(match ready!(frame) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => Some(Ok(piece)),
                    // Trailers tell nothing of a token.
                    Err(_) => continue,
                },
                Some(Err(error)) => Some(Err(refine(error))),
                None => None,
            });
        }
    }
}

/// Says how far the request got, and strips the URL, whose query may hold what nobody should read.
fn refine(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let (phase, message) = if error.is_builder() {
        (SendPhase::NotSent, "the request cannot be built")
    } else if error.is_connect() {
        (SendPhase::NotSent, "no connection")
    } else if error.is_timeout() {
        (SendPhase::MaybeSent, "no answer in time")
    } else {
        (SendPhase::MaybeSent, "connection lost")
    };
    let message = match innermost(&error) {
        Some(cause) => format!("{message}: {cause}"),
        None => message.to_owned(),
    };
    let timed_out = error.is_timeout();
    let refined = TransportError::new(phase, message).with_source(error);
    if timed_out {
        refined.timed_out()
    } else {
        refined
    }
}

/// The cause that says most to people, such as "Connection refused".
fn innermost(error: &reqwest::Error) -> Option<String> {
    let mut cause = std::error::Error::source(error)?;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Some(cause.to_string())
}
