//! A simulator whose answers cost nothing the second time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tokenfleet::transport::{Body, SendPhase, Transport, TransportError};
use tokenfleet_simulators::{Simulator, dispatch};

/// Asks a simulator in this process, and repeats its answers.
pub(super) struct Replay {
    simulator: Arc<dyn Simulator>,
    answers: Mutex<HashMap<String, (HeaderMap, Bytes)>>,
}

impl Replay {
    pub(super) fn of(simulator: Arc<dyn Simulator>) -> Arc<Self> {
        let answers = Mutex::default();
        Arc::new(Self { simulator, answers })
    }

    /// The only answer that it has given.
    pub(super) fn answer(&self) -> Bytes {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bodies = answers.values().map(|(_, body)| body.clone());
        bodies.next().unwrap_or_default()
    }
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let lost = |_| TransportError::new(SendPhase::MaybeSent, "the simulator gave no answer");
        let asked = request.uri().to_string();
        let known = |answers: &HashMap<String, (HeaderMap, Bytes)>| answers.get(&asked).cloned();
        let known = known(&self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        let (headers, body) = match known {
            Some(known) => known,
            None => {
                let (head, body) = dispatch(&*self.simulator, request)
                    .await
                    .map_err(lost)?
                    .into_parts();
                let answer = (head.headers, body);
                let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.insert(asked, answer.clone());
                answer
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
