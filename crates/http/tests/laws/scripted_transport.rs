//! A transport that plays a script, and a client over it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use tokenfleet_core::{Account, Operation};
use tokenfleet_http::{ApiClient, BaseUrl, Body, ErrorBody, SendPhase, Transport, TransportError};

/// The result of one request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A response with a status, headers and a body.
    Respond(u16, Vec<(&'static str, String)>, Bytes),
    /// A response with an empty object, after a delay.
    RespondLate(Duration),
    /// A failure of the transport in this phase.
    Fail(SendPhase),
    /// No response, ever.
    Hang,
}

/// Returns a JSON response without headers.
pub(crate) fn status(status: u16) -> Step {
    Step::Respond(status, Vec::new(), "{}".into())
}

/// Returns a refusal in the platform's own form.
pub(crate) fn own_refusal(status: u16) -> Step {
    with_body(status, r#"{"code": "Refused", "message": "no"}"#)
}

/// Returns a JSON response with one header.
pub(crate) fn with_header(status: u16, name: &'static str, value: impl ToString) -> Step {
    Step::Respond(status, vec![(name, value.to_string())], "{}".into())
}

/// Returns a response with this body.
pub(crate) fn with_body(status: u16, body: impl Into<Bytes>) -> Step {
    Step::Respond(status, Vec::new(), body.into())
}

/// A transport that plays one step per request, and the last one for all that follow.
#[derive(Debug)]
pub(crate) struct ScriptedTransport {
    steps: Mutex<VecDeque<Step>>,
    counts: Mutex<Counts>,
}

/// The number of requests so far, now, and at most at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) requests: u32,
    pub(crate) in_flight: u32,
    pub(crate) max_in_flight: u32,
}

impl ScriptedTransport {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        Arc::new(Self {
            steps: Mutex::new(steps.into_iter().collect()),
            counts: Mutex::default(),
        })
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap()
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        {
            let mut counts = self.counts.lock().unwrap();
            counts.requests += 1;
            counts.in_flight += 1;
            counts.max_in_flight = counts.max_in_flight.max(counts.in_flight);
        }
        let step = {
            let mut steps = self.steps.lock().unwrap();
            if steps.len() > 1 {
                steps.pop_front()
            } else {
                steps.front().cloned()
            }
        };
        let result = match step.unwrap() {
            Step::Respond(status, headers, body) => {
                let mut response = http::Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                Ok(response.body(Body::full(body)).unwrap())
            }
            Step::RespondLate(wait) => {
                tokio::time::sleep(wait).await;
                Ok(http::Response::new(Body::full("{}")))
            }
            Step::Fail(SendPhase::NotSent) => Err(TransportError::not_sent("as the script says")),
            Step::Fail(SendPhase::MaybeSent) => {
                Err(TransportError::maybe_sent("as the script says"))
            }
            Step::Hang => std::future::pending().await,
        };
        self.counts.lock().unwrap().in_flight -= 1;
        result
    }
}

/// Returns a client of the account `main` at `example`, whose error bodies are
/// `{"code": …, "message": …}`: both of them are its own form.
pub(crate) fn client(transport: Arc<dyn Transport>, base_url: &str) -> ApiClient {
    let base_url = BaseUrl::parse(base_url).unwrap();
    ApiClient::new(
        Account::new("example", "main"),
        base_url,
        transport,
        parse_error,
    )
}

fn parse_error(_: Operation, _: u16, body: &[u8]) -> ErrorBody {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let is_own = text("code").is_some() && text("message").is_some();
    ErrorBody::from_message(text("message"))
        .with_code(text("code"))
        .with_own_form(is_own)
}
