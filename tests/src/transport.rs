//! Transports without sockets: a simulator in the same process, and a scripted function.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokenfleet_http::{Body, Transport, TransportError};
use tokenfleet_simulators::{Simulator, dispatch};

/// Sends requests to a simulator in the same process.
#[derive(Clone)]
pub struct InProcess(pub Arc<dyn Simulator>);

impl InProcess {
    /// Sends a request and returns the whole response.
    ///
    /// # Errors
    ///
    /// Returns an error if the simulator drops the connection.
    pub async fn dispatch(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        // A real client cannot tell where the connection was dropped, so neither may this one.
        let lost = |_| TransportError::maybe_sent("connection lost");
        dispatch(&*self.0, request).await.map_err(lost)
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        // As a socket does, so that others run between two requests of a call.
        tokio::task::yield_now().await;
        Ok(self.dispatch(request).await?.map(Body::full))
    }
}

/// A simulator's `Debug` shows the credentials that it accepts.
impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InProcess")
            .field(&self.0.provider())
            .finish()
    }
}

/// A transport whose responses a function scripts.
pub struct FnTransport<F>(pub F);

#[async_trait]
impl<F> Transport for FnTransport<F>
where
    F: Fn(Request<Bytes>) -> Result<Response<Body>, TransportError> + Send + Sync + 'static,
{
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        (self.0)(request)
    }
}

impl<F> fmt::Debug for FnTransport<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FnTransport")
    }
}

/// Returns a response with this status and body.
#[must_use]
pub fn response(status: u16, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}
