//! A transport that plays a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use tokenfleet_core::{Account, Operation};
use tokenfleet_http::{
    ApiClient, BaseUrl, Body, ErrorBody, SendPhase, Transport, TransportError, parse_json,
};

/// What happens to one request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// It is answered with that status, these headers and that body.
    Answer(u16, Vec<(&'static str, String)>, Bytes),
    /// It is answered with an empty object after that long.
    Late(Duration),
    /// It fails in that phase.
    Fail(SendPhase),
    /// It is never answered.
    Hang,
}

/// An answer in JSON without headers.
pub(crate) fn status(status: u16) -> Step {
    Step::Answer(status, Vec::new(), "{}".into())
}

/// An answer with one header.
pub(crate) fn with_header(status: u16, name: &'static str, value: impl ToString) -> Step {
    Step::Answer(status, vec![(name, value.to_string())], "{}".into())
}

/// An answer with that body.
pub(crate) fn saying(status: u16, body: impl Into<Bytes>) -> Step {
    Step::Answer(status, Vec::new(), body.into())
}

/// Plays a script: one step a request, and the last one for all that follow.
#[derive(Debug)]
pub(crate) struct Scripted {
    steps: Mutex<VecDeque<Step>>,
    counts: Mutex<Counts>,
}

/// How many requests there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) requests: u32,
    pub(crate) now: u32,
    pub(crate) most_at_a_time: u32,
}

impl Scripted {
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
impl Transport for Scripted {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        {
            let mut counts = self.counts.lock().unwrap();
            counts.requests += 1;
            counts.now += 1;
            counts.most_at_a_time = counts.most_at_a_time.max(counts.now);
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
            Step::Answer(status, headers, body) => {
                let mut answer = http::Response::builder().status(status);
                for (name, value) in headers {
                    answer = answer.header(name, value);
                }
                Ok(answer.body(Body::full(body)).unwrap())
            }
            Step::Late(wait) => {
                tokio::time::sleep(wait).await;
                Ok(http::Response::new(Body::full("{}")))
            }
            Step::Fail(phase) => Err(TransportError::new(phase, "as the script says")),
            Step::Hang => std::future::pending().await,
        };
        self.counts.lock().unwrap().now -= 1;
        result
    }
}

/// A client of the account `main` at `example`, whose refusals say `{"code": …, "message": …}`.
pub(crate) fn client(transport: Arc<dyn Transport>, base_url: &str) -> ApiClient {
    let base_url = BaseUrl::parse(base_url).unwrap();
    ApiClient::new(Account::new("example", "main"), base_url, transport, read)
}

fn read(_: Operation, _: u16, body: &[u8]) -> ErrorBody {
    let body: Value = parse_json(body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    ErrorBody::from_message(text("message")).with_code(text("code"))
}
