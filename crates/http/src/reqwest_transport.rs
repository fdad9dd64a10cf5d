//! The transport over reqwest.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http_body::Body as _;
use tokenfleet_core::Result;

use crate::{Body, SendPhase, Transport, TransportError};

/// A transport over reqwest: HTTP/1.1, with TLS using the feature `rustls` or `native-tls`.
///
/// It does not follow redirects, keep cookies, take proxies from the environment, retry, or request
/// compression. Retries belong to the [`ApiClient`](crate::ApiClient); the rest is never done.
#[derive(Debug, Clone)]
pub struct ReqwestTransport(pub(crate) reqwest::Client);

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(convert_error)?;
        let response = self.0.execute(request).await.map_err(convert_error)?;
        let response = http::Response::from(response);
        Ok(response.map(|body| Body::from_stream(Chunks(body))))
    }
}

/// The data chunks of reqwest's body, with our error type.
struct Chunks(reqwest::Body);

impl Stream for Chunks {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = Pin::new(&mut self.0).poll_frame(context);
            return Poll::Ready(match ready!(frame) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(chunk) => Some(Ok(chunk)),
                    // Trailers say nothing about a token.
                    Err(_) => continue,
                },
                Some(Err(error)) => Some(Err(convert_error(error))),
                None => None,
            });
        }
    }
}

/// Converts an error of reqwest: finds out the phase, and strips the URL, whose query may contain
/// private data.
fn convert_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let (phase, message) = if error.is_builder() {
        (SendPhase::NotSent, "the request cannot be built")
    } else if error.is_connect() {
        (SendPhase::NotSent, "no connection")
    } else if error.is_timeout() {
        (SendPhase::MaybeSent, "no response in time")
    } else {
        (SendPhase::MaybeSent, "connection lost")
    };
    let message = match root_cause(&error) {
        Some(cause) => format!("{message}: {cause}"),
        None => message.to_owned(),
    };
    let timed_out = error.is_timeout();
    let converted = TransportError::new(phase, message).with_source(error);
    if timed_out {
        converted.timed_out()
    } else {
        converted
    }
}

/// Returns the text of the root cause, such as "Connection refused", which says most to people.
fn root_cause(error: &reqwest::Error) -> Option<String> {
    let mut cause = std::error::Error::source(error)?;
    while let Some(source) = cause.source() {
        cause = source;
    }
    Some(cause.to_string())
}
