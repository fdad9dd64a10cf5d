//! One attempt to get a response to a request.

use std::sync::OnceLock;

use bytes::Bytes;
use tokenfleet_core::{Error, ErrorKind, Fate, Operation, Result};
use tokio::time::{Instant, timeout};

use crate::in_flight::{Failure, InFlight};
use crate::rate_headers::exhausted_for;
use crate::response::{Unread, read_body};
use crate::response_error::{check_success, status_error, transport_error};
use crate::telemetry::Suppressed;
use crate::{ApiClient, ApiRequest, ApiResponse};

/// The largest accepted body of a listing, whose size the platform chooses.
const MAX_LISTING_SIZE: usize = 64 << 20;
/// The largest accepted body of everything else: one token, or the result of a write.
const MAX_BODY_SIZE: usize = 1 << 20;
const USER_AGENT: &str = concat!("tokenfleet/", env!("CARGO_PKG_VERSION"));

impl ApiClient {
    /// Waits for the account's limits, sends the request once, and checks the response.
    pub(crate) async fn attempt(
        &self,
        in_flight: &mut InFlight<'_>,
    ) -> Result<ApiResponse, Failure> {
        let waiting_since = Instant::now();
        let acquired = timeout(in_flight.time_left(), self.rate_limiter.acquire()).await;
        let _rate_permit = acquired.map_err(|_| deadline_passed())?;
        // Fetched only now, so that a credential that was rejected while this request waited is not
        // sent again.
        if let (None, Some(authorization)) = (&in_flight.credential, in_flight.authorization) {
            in_flight.credential = Some(in_flight.fetch_credential(authorization).await?);
        }
        let acquired = self
            .lockout_guard
            .acquire(in_flight.accountable_credential());
        let acquired = timeout(in_flight.time_left(), acquired).await;
        let login_permit = acquired.map_err(|_| deadline_passed())?;
        if login_permit.as_ref().is_some_and(|permit| permit.waited)
            && let Some(authorization) = in_flight.authorization
        {
            in_flight.credential = Some(in_flight.fetch_credential(authorization).await?);
        }
        let credential = in_flight.accountable_credential();
        // A credential that was accepted meanwhile needs no permit.
        let _login_permit = login_permit.filter(|_| !self.lockout_guard.accepts(credential));
        if let Err(error) = self.lockout_guard.check(credential) {
            in_flight
                .telemetry
                .record_suppressed(Suppressed::from_lockout_error(&error));
            return Err(error.into());
        }
        let request = in_flight.authorized_request()?;
        let http_request = self.http_request(&request)?;
        // Measured again, since the steps above take time.
        let time_left = in_flight.time_left();
        if time_left.is_zero() {
            return Err(deadline_passed().into());
        }
        in_flight.telemetry.record_wait(waiting_since.elapsed());
        in_flight.telemetry.count_attempt();
        let sent_at = Instant::now();
        let exchanged = timeout(
            self.retry.attempt_timeout.min(time_left),
            self.exchange(in_flight, &request, http_request),
        );
        let result = exchanged.await.unwrap_or_else(|_| {
            let fate = request.operation.fate_if_unanswered();
            Err(Error::new(ErrorKind::Timeout, fate, "no response in time"))
        });
        self.lockout_guard.record(credential, result.as_ref().err());
        in_flight
            .telemetry
            .record_attempt(&result, sent_at.elapsed());
        result.map_err(Failure::Sent)
    }

    fn http_request(&self, request: &ApiRequest) -> Result<http::Request<Bytes>> {
        let uri = self.base_url.join(&request.path, &request.query)?;
        let mut http_request = http::Request::new(request.body.clone());
        *http_request.method_mut() = request.method.clone();
        *http_request.headers_mut() = request.headers.clone();
        http_request.headers_mut().insert(
            http::header::USER_AGENT,
            http::HeaderValue::from_static(USER_AGENT),
        );
        *http_request.uri_mut() = uri
            .parse()
            .map_err(|_| Error::invalid_input("the request URL is too long"))?;
        Ok(http_request)
    }

    async fn exchange(
        &self,
        in_flight: &InFlight<'_>,
        request: &ApiRequest,
        http_request: http::Request<Bytes>,
    ) -> Result<ApiResponse> {
        let operation = request.operation;
        let response = self.transport.send(http_request).await;
        let response = response.map_err(|error| transport_error(operation, error))?;
        let (parts, body) = response.into_parts();
        let max_size = match operation {
            Operation::List => MAX_LISTING_SIZE,
            _ => MAX_BODY_SIZE,
        };
        let announced = parts
            .headers
            .get(http::header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        if let Some(wait) = exhausted_for(&parts.headers) {
            self.pause(wait);
        }
        let status = parts.status.as_u16();
        let body = read_body(body, announced, max_size).await;
        let body = body.map_err(|unread| {
            let error = match unread {
                Unread::TooLarge => Error::protocol_violation(
                    operation.fate_if_unanswered(),
                    format!("the response is larger than {} MiB", max_size >> 20),
                ),
                Unread::Failed(error) => transport_error(operation, error),
            };
            error.with_status(status)
        })?;
        if !matches!(status, 200..=299) && !request.accepted_statuses.contains(&status) {
            let error_body = (self.error_parser)(operation, status, &body);
            return Err(status_error(request, status, &parts.headers, error_body));
        }
        let response = ApiResponse {
            status,
            headers: parts.headers,
            body,
            operation,
            account: self.account.clone(),
            attempts: in_flight.attempt,
            elapsed: in_flight.started.elapsed(),
            date: OnceLock::new(),
            repaired: OnceLock::new(),
        };
        check_success(request, &response, self.error_parser)?;
        Ok(response)
    }
}

/// Creates an error for a request that the account's limits held back until its deadline.
fn deadline_passed() -> Error {
    Error::new(
        ErrorKind::Timeout,
        Fate::NotSent,
        "the deadline passed while the request waited for the account's rate or concurrency limit",
    )
}
