//! Scripted responses, parsed from an input.
//!
//! A response is a line with the status, lines with headers, an empty line and the body; a line of
//! four hyphens ends it. Instead of a status, `lost` is a connection that broke after the request
//! was sent, and anything else is a connection that was never established.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use tokenfleet::transport::{Body, Transport, TransportError};

#[derive(Debug)]
struct ScriptedResponse {
    outcome: Outcome,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Status(u16),
    Lost,
    Unreachable,
}

/// A request and the outcome of its response.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) uri: http::Uri,
    pub(crate) outcome: Outcome,
}

/// A transport that returns these responses one after another, and repeats the last one.
#[derive(Debug)]
pub(crate) struct ScriptedResponses {
    responses: Vec<ScriptedResponse>,
    sent: Mutex<Vec<Sent>>,
}

/// Splits bytes at each separator.
pub(crate) fn split<'a>(data: &'a [u8], separator: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let data = rest?;
        let position = data
            .windows(separator.len())
            .position(|window| window == separator);
        let (part, after) = match position {
            Some(at) => (&data[..at], Some(&data[at + separator.len()..])),
            None => (data, None),
        };
        rest = after;
        Some(part)
    })
}

impl ScriptedResponses {
    pub(crate) fn parse(data: &[u8]) -> Self {
        Self {
            responses: split(data, b"\n----\n")
                .map(ScriptedResponse::parse)
                .collect(),
            sent: Mutex::default(),
        }
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ScriptedResponse {
    fn parse(data: &[u8]) -> Self {
        let mut parts = data.splitn(2, |byte| *byte == b'\n');
        let outcome = match parts.next().unwrap_or_default() {
            b"lost" => Outcome::Lost,
            status => http::StatusCode::from_bytes(status).map_or(Outcome::Unreachable, |status| {
                Outcome::Status(status.as_u16())
            }),
        };
        let mut rest = parts.next().unwrap_or_default();
        let mut headers = Vec::new();
        while !rest.is_empty() {
            let mut lines = rest.splitn(2, |byte| *byte == b'\n');
            let line = lines.next().unwrap_or_default();
            rest = lines.next().unwrap_or_default();
            if line.is_empty() {
                break;
            }
            let mut pair = line.splitn(2, |byte| *byte == b':');
            let name = HeaderName::from_bytes(pair.next().unwrap_or_default());
            let value = pair.next().unwrap_or_default().trim_ascii();
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                headers.push((name, value));
            }
        }
        Self {
            outcome,
            headers,
            body: Bytes::copy_from_slice(rest),
        }
    }
}

#[async_trait]
impl Transport for ScriptedResponses {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let mut sent = self.lock();
        let scripted = &self.responses[sent.len().min(self.responses.len() - 1)];
        sent.push(Sent {
            method: request.method().clone(),
            uri: request.uri().clone(),
            outcome: scripted.outcome,
        });
        assert!(sent.len() < 10_000, "an operation must end");
        let status = match scripted.outcome {
            Outcome::Status(status) => status,
            Outcome::Lost => return Err(TransportError::maybe_sent("lost")),
            Outcome::Unreachable => {
                return Err(TransportError::not_sent("unreachable"));
            }
        };
        let mut response = http::Response::new(Body::full(scripted.body.clone()));
        *response.status_mut() = http::StatusCode::from_u16(status).expect("parsed as a status");
        response
            .headers_mut()
            .extend(scripted.headers.iter().cloned());
        Ok(response)
    }
}
