//! A transport that sends nothing.

use async_trait::async_trait;
use tokenfleet::transport::{Body, Bytes, Transport, TransportError, http};

/// A transport for providers that are only asked for their address.
#[derive(Debug)]
pub(crate) struct NothingSent;

#[async_trait]
impl Transport for NothingSent {
    async fn send(
        &self,
        _request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        Err(TransportError::not_sent("nothing is sent by this command"))
    }
}
