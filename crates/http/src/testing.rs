//! Responses for the tests of an adapter's conversions (feature `testing`).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokenfleet_core::{Account, Error, ErrorKind, Fate, Operation, Result};

use crate::decode::FromFields;
use crate::{
    ApiClient, ApiRequest, ApiResponse, BaseUrl, Body, ErrorParser, SendPhase, Transport,
    TransportError,
};

/// The `Date` of noon on the first day of 2026, as a header of a response.
pub const NOON: (&str, &str) = ("date", "Thu, 01 Jan 2026 12:00:00 GMT");

/// A platform that always sends the same response.
#[derive(Debug)]
struct SameResponse {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: Bytes,
}

#[async_trait]
impl Transport for SameResponse {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Body::full(self.body.clone()));
        response.map_err(|error| TransportError::new(SendPhase::NotSent, error.to_string()))
    }
}

/// Returns the result of a read to which the platform sends this response. It blocks, and may be
/// called from async tests too.
///
/// ```
/// use tokenfleet_http::{ErrorBody, testing};
///
/// let result = testing::respond(|_, _, _| ErrorBody::default(), 200, &[testing::NOON], "{}");
/// assert_eq!(result.unwrap().date().to_string(), "2026-01-01T12:00:00Z");
/// ```
///
/// # Errors
///
/// Those of [`ApiClient::send`].
pub fn respond(
    error_parser: ErrorParser,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: impl Into<Bytes>,
) -> Result<ApiResponse> {
    respond_to(Operation::Get, error_parser, status, headers, body)
}

/// Returns the result of an operation, as [`respond`] does of a read.
///
/// # Errors
///
/// Those of [`ApiClient::send`].
pub fn respond_to(
    operation: Operation,
    error_parser: ErrorParser,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: impl Into<Bytes>,
) -> Result<ApiResponse> {
    let body = body.into();
    let transport = SameResponse {
        status,
        headers,
        body,
    };
    let client = ApiClient::new(
        Account::new("example", "main"),
        BaseUrl::from_host("example.com"),
        Arc::new(transport),
        error_parser,
    );
    let send = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().map_err(|error| {
            Error::new(ErrorKind::Other, Fate::NotSent, "cannot run").with_source(error)
        })?;
        runtime.block_on(client.send(ApiRequest::get(operation, ["tokens"])))
    };
    // On a thread of its own: a runtime must neither block nor end within another one.
    let sent = std::thread::scope(|scope| scope.spawn(send).join());
    sent.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Decodes a page as [`ApiResponse::page`] does, by `serde_json` alone: both must be equal,
/// whatever the body is.
///
/// # Errors
///
/// Those of [`ApiResponse::page`].
pub fn page_by_serde_json<'a, P: FromFields<'a>, R: FromFields<'a>, T>(
    response: &'a ApiResponse,
    field: &str,
    convert: impl FnMut(R) -> Result<T>,
) -> Result<(P, Vec<T>)> {
    response.page_by_serde_json(field, None, convert)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorBody;

    #[tokio::test]
    async fn a_response_is_made_within_an_async_test() {
        let response = respond(|_, _, _| ErrorBody::default(), 200, &[NOON], "{}");
        assert_eq!(response.unwrap().date().to_string(), "2026-01-01T12:00:00Z");
    }
}
