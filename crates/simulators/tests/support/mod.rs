//! Requests and parsed responses in one line, and the recordings of the vendors' clients.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use tokenfleet_simulators::Simulator;

/// A response with its body parsed.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
    /// The body, null if it is not JSON.
    pub(crate) json: Value,
}

impl TestResponse {
    /// Returns a header, empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

/// Sends a request directly to the platform.
pub(crate) fn send(
    simulator: &dyn Simulator,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> TestResponse {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Bytes::from(body.to_owned());
    read(simulator.answer(request.body(body).unwrap()))
}

/// Parses a response.
pub(crate) fn read(response: Response<Bytes>) -> TestResponse {
    let text = String::from_utf8_lossy(response.body()).into_owned();
    TestResponse {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    }
}

/// A recorded request of an official client.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Recorded {
    /// Sends the request to a simulator.
    pub(crate) fn send(&self, simulator: &dyn Simulator) -> TestResponse {
        let mut words = self.line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        send(simulator, method, target, &headers, &self.body)
    }
}

/// Parses a recording of HTTP requests, separated by `----`.
pub(crate) fn http_recording(text: &str) -> Vec<Recorded> {
    text.split("----\n")
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let (head, body) = part.split_once("\n\n").unwrap_or((part, ""));
            let mut lines = head.lines();
            Recorded {
                line: lines.next().unwrap().to_owned(),
                headers: lines
                    .filter_map(|line| line.split_once(": "))
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                body: body.trim_end_matches('\n').to_owned(),
            }
        })
        .collect()
}

/// Parses a recording with one JSON object per line.
pub(crate) fn json_recording(text: &str) -> Vec<Recorded> {
    text.lines()
        .map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            Recorded {
                line: entry["request_line"].as_str().unwrap().to_owned(),
                headers: serde_json::from_value(entry["headers"].clone()).unwrap(),
                body: entry["body"].as_str().unwrap().to_owned(),
            }
        })
        .collect()
}
