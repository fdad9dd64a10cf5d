//! A simulator whose responses are cached.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tokenfleet::transport::{Body, Transport, TransportError};
use tokenfleet_simulators::{Simulator, dispatch};

/// A transport to a simulator in this process that caches and replays its responses.
pub(super) struct Replay {
    simulator: Arc<dyn Simulator>,
    responses: Mutex<HashMap<String, (HeaderMap, Bytes)>>,
}

impl Replay {
    pub(super) fn new(simulator: Arc<dyn Simulator>) -> Arc<Self> {
        let responses = Mutex::default();
        Arc::new(Self {
            simulator,
            responses,
        })
    }

    /// Returns the body of the only cached response.
    pub(super) fn body(&self) -> Bytes {
        let responses = self
            .responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut bodies = responses.values().map(|(_, body)| body.clone());
        bodies.next().unwrap_or_default()
    }
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let lost = |_| TransportError::maybe_sent("the simulator sent no response");
        let target = request.uri().to_string();
        let cached =
            |responses: &HashMap<String, (HeaderMap, Bytes)>| responses.get(&target).cloned();
        let cached = cached(
            &self
                .responses
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let (headers, body) = match cached {
            Some(cached) => cached,
            None => {
                let (head, body) = dispatch(&*self.simulator, request)
                    .await
                    .map_err(lost)?
                    .into_parts();
                let response = (head.headers, body);
                let mut responses = self
                    .responses
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                responses.insert(target, response.clone());
                response
            }
        };
        let mut response = Response::new(Body::full(body));
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}
