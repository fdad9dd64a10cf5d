//! A simulator in the same process as an HTTP transport.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokenfleet_http::{Body, SendPhase, Transport, TransportError};
use tokenfleet_simulators::{Dropped, Simulator, dispatch};

/// Sends requests to a simulator without a socket.
#[derive(Clone)]
pub struct InProcess(pub Arc<dyn Simulator>);

#[async_trait]
impl Transport for InProcess {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        match dispatch(&*self.0, request).await {
            Ok(response) => Ok(response.map(Body::full)),
            // A real client cannot tell these apart, so neither may this one.
            Err(
                Dropped::BeforeProcessing | Dropped::AfterProcessing | Dropped::DuringBody { .. },
            ) => Err(TransportError::new(SendPhase::MaybeSent, "connection lost")),
            Err(_) => Err(TransportError::new(SendPhase::MaybeSent, "connection lost")),
        }
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
