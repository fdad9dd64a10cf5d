//! One attempt to get a response to a request.

use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokenfleet_core::{Error, ErrorKind, Fate, Operation, Result, Secret};
use tokio::time::{Instant, timeout};

use crate::content_coding::{Unreadable, unwrap_content};
use crate::in_flight::{Failure, InFlight};
use crate::last_look::timeout_with_last_look;
use crate::rate_headers::exhausted_for;
use crate::response::{has_more_values_than, read_body};
use crate::response_error::{check_success, status_error, transport_error};
use crate::telemetry::Suppressed;
use crate::transport::CleanConnection;
use crate::zeroizing_buffer::ZeroizingBuffer;
use crate::{ApiClient, ApiRequest, ApiResponse};

/// The largest accepted body of a listing, whose size the platform chooses.
const MAX_LISTING_SIZE: usize = 64 << 20;
/// The largest accepted body of everything else: one token, or the result of a write.
const MAX_BODY_SIZE: usize = 1 << 20;
/// The part of a refusal that is read. No platform says more in one.
const MAX_ERROR_SIZE: usize = 64 << 10;
/// The largest accepted number of values in a response, since an empty object of a few bytes takes
/// a hundred in memory. A page of 1000 tokens has some 30 000.
const MAX_VALUES: usize = 1 << 20;
const SMALLER_PAGES: &str = "request smaller pages";
const USER_AGENT: &str = concat!("tokenfleet/", env!("CARGO_PKG_VERSION"));

/// The moment at which an attempt begins, in the extensions of its request; `None` while it waits
/// in the transport for a connection, and nothing was sent.
#[derive(Debug, Clone)]
pub(crate) struct AttemptStart(Arc<Mutex<Option<Instant>>>);

impl AttemptStart {
    /// Creates the start of an attempt that begins now, unless the transport postpones it.
    fn now() -> Self {
        Self(Arc::new(Mutex::new(Some(Instant::now()))))
    }

    /// Returns the time since the attempt began, if it did.
    fn elapsed(&self) -> Option<Duration> {
        let start = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        start.map(|start| start.elapsed())
    }

    /// Notes that the request waits for a connection.
    #[cfg(feature = "reqwest")]
    pub(crate) fn postpone(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Notes that the request has a connection.
    #[cfg(feature = "reqwest")]
    pub(crate) fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

impl ApiClient {
    /// Waits for the account's limits, sends the request once, and checks the response.
    pub(crate) async fn attempt(
        &self,
        in_flight: &mut InFlight<'_>,
    ) -> Result<ApiResponse, Failure> {
        let waiting_since = Instant::now();
        let acquired = timeout(
            in_flight.time_left(),
            self.rate_limiter.acquire(in_flight.deadline),
        );
        let acquired = acquired.await.map_err(|_| deadline_passed())?;
        let _rate_permit = acquired.map_err(rate_budget_spent)?;
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
        let admitted = self.lockout_guard.admit(credential);
        let admitted = timeout(in_flight.time_left(), admitted).await;
        let mut reservation = admitted
            .map_err(|_| deadline_passed())?
            .inspect_err(|error| {
                in_flight
                    .telemetry
                    .record_suppressed(Suppressed::from_lockout_error(error));
            })?;
        let request = in_flight.authorized_request()?;
        let mut http_request = self.http_request(&request)?;
        // Measured again, since the steps above take time.
        if in_flight.time_left().is_zero() {
            return Err(deadline_passed().into());
        }
        in_flight.telemetry.record_wait(waiting_since.elapsed());
        in_flight.telemetry.count_attempt();
        let start = AttemptStart::now();
        http_request.extensions_mut().insert(start.clone());
        if let Some(reservation) = &mut reservation {
            reservation.begin();
        }
        let result = self
            .exchange_in_time(in_flight, &request, http_request, &start)
            .await;
        self.lockout_guard
            .record(reservation, credential, result.as_ref().err());
        in_flight
            .telemetry
            .record_attempt(&result, start.elapsed().unwrap_or_default());
        result.map_err(Failure::Sent)
    }

    fn http_request(&self, request: &ApiRequest) -> Result<http::Request<Bytes>> {
        let uri = self.base_url.join(&request.path, &request.query)?;
        let mut http_request = http::Request::new(request.body.clone());
        *http_request.method_mut() = request.method.clone();
        *http_request.headers_mut() = request.headers.clone();
        let coding = match request.operation {
            // Its secrets are masked or omitted (decision 0041).
            Operation::List => "gzip",
            // Without it any coding is allowed (RFC 9110), and a secret would be unpacked.
            _ => "identity",
        };
        for (name, value) in [
            (http::header::USER_AGENT, USER_AGENT),
            (http::header::ACCEPT_ENCODING, coding),
        ] {
            let value = http::HeaderValue::from_static(value);
            http_request.headers_mut().insert(name, value);
        }
        if request.operation != Operation::List {
            http_request.extensions_mut().insert(CleanConnection);
        }
        *http_request.uri_mut() = uri
            .parse()
            .map_err(|_| Error::invalid_input("the request URL is too long"))?;
        Ok(http_request)
    }

    /// Exchanges a request for its response within the timeout of an attempt, which runs from its
    /// start, and within that of the call.
    async fn exchange_in_time(
        &self,
        in_flight: &InFlight<'_>,
        request: &ApiRequest,
        http_request: http::Request<Bytes>,
        start: &AttemptStart,
    ) -> Result<ApiResponse> {
        let mut exchange = pin!(self.exchange(in_flight, request, http_request));
        loop {
            let elapsed = start.elapsed().unwrap_or_default();
            let limit = self.retry.attempt_timeout.saturating_sub(elapsed);
            let limit = limit.min(in_flight.time_left());
            if let Some(result) = timeout_with_last_look(limit, exchange.as_mut()).await {
                return result;
            }
            let call_ended = in_flight.time_left().is_zero();
            match start.elapsed() {
                None if call_ended => return Err(no_connection()),
                Some(elapsed) if call_ended || elapsed >= self.retry.attempt_timeout => {
                    let fate = request.operation.fate_if_unanswered();
                    return Err(Error::new(ErrorKind::Timeout, fate, "no response in time"));
                }
                // It waits for a connection, or did so and began late.
                _ => {}
            }
        }
    }

    async fn exchange(
        &self,
        in_flight: &InFlight<'_>,
        request: &ApiRequest,
        http_request: http::Request<Bytes>,
    ) -> Result<ApiResponse> {
        let operation = request.operation;
        let response = self.transport.send(http_request).await;
        let response = response.map_err(|error| transport_error(request, error))?;
        let (parts, body) = response.into_parts();
        if let Some(wait) = exhausted_for(&parts.headers) {
            self.pause(wait);
        }
        let status = parts.status.as_u16();
        let succeeded = matches!(status, 200..=299) || request.accepted_statuses.contains(&status);
        let max_size = match operation {
            _ if !succeeded => MAX_ERROR_SIZE,
            Operation::List => MAX_LISTING_SIZE,
            _ => MAX_BODY_SIZE,
        };
        let announced = parts
            .headers
            .get(http::header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        if succeeded && announced.is_some_and(|length: usize| length > max_size) {
            return Err(too_large(operation, max_size).with_status(status));
        }
        let received = read_body(body, announced, max_size).await;
        let received =
            received.map_err(|error| transport_error(request, error).with_status(status))?;
        let content = unwrap_content(&parts.headers, received.bytes, max_size).await;
        if !succeeded {
            // Whatever a refusal says, its status counts.
            let content = content.unwrap_or(ZeroizingBuffer::with_capacity(0));
            let error_body = (self.error_parser)(operation, status, &content);
            let url = &self.base_url;
            return Err(status_error(
                url,
                request,
                status,
                &parts.headers,
                error_body,
            ));
        }
        let body = match content {
            _ if !received.complete => Err(too_large(operation, max_size)),
            Err(Unreadable::TooLarge) => Err(too_large(operation, max_size)),
            // As if the connection had broken: the rest was lost on the way.
            Err(cut @ Unreadable::Cut) => {
                let fate = operation.fate_if_unanswered();
                Err(Error::new(ErrorKind::Connection, fate, cut.as_str()))
            }
            Err(unreadable) => {
                let fate = operation.fate_if_unanswered();
                Err(Error::protocol_violation(fate, unreadable.as_str())
                    .with_advice("check whether a proxy compresses responses"))
            }
            Ok(body) if has_more_values_than(MAX_VALUES, &body) => Err(Error::response_too_large(
                operation.fate_if_unanswered(),
                format!("the response contains more than {MAX_VALUES} values"),
            )
            .with_advice(SMALLER_PAGES)),
            Ok(body) => Ok(body),
        };
        let body = body.map_err(|error| error.with_status(status))?;
        let response = ApiResponse {
            status,
            headers: parts.headers,
            body,
            operation,
            account: self.account.clone(),
            error_parser: self.error_parser,
            secrets: request.secrets.iter().map(Secret::duplicate).collect(),
            attempts: in_flight.attempt,
            elapsed: in_flight.started.elapsed(),
            date: OnceLock::new(),
            repaired: OnceLock::new(),
        };
        check_success(request, &response)?;
        Ok(response)
    }
}

/// Creates an error for a request that the platform's spent rate budget holds back for `wait`,
/// which is longer than the call may take.
fn rate_budget_spent(wait: Duration) -> Error {
    let message = "the rate budget of the platform is spent and begins anew too late for this call";
    Error::new(ErrorKind::RateLimited, Fate::NotSent, message).with_retry_after(wait)
}

/// Creates an error for a response of more than `max_size` bytes.
fn too_large(operation: Operation, max_size: usize) -> Error {
    let fate = operation.fate_if_unanswered();
    let message = format!("the response is larger than {} MiB", max_size >> 20);
    match operation {
        Operation::List => Error::response_too_large(fate, message).with_advice(SMALLER_PAGES),
        // No token is as large.
        _ => Error::protocol_violation(fate, message),
    }
}

/// Creates an error for a request that waited in the transport for a connection until its deadline.
fn no_connection() -> Error {
    Error::new(
        ErrorKind::Timeout,
        Fate::NotSent,
        "the deadline passed while the request waited for a connection: too many requests are in \
         flight for the files that this process may open",
    )
}

/// Creates an error for a request that the account's limits held back until its deadline.
fn deadline_passed() -> Error {
    Error::new(
        ErrorKind::Timeout,
        Fate::NotSent,
        "the deadline passed while the request waited for the account's rate or concurrency limit",
    )
}
