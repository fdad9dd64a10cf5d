//! One attempt to get an answer to a call.

use std::sync::OnceLock;

use bytes::Bytes;
use http::HeaderMap;
use tokenfleet_core::{Error, ErrorKind, Fate, Operation, Result, Secret};
use tokio::time::{Instant, timeout};

use crate::client::{Sending, until};
use crate::error_body::{fate_of, kind_of};
use crate::rate_headers::{exhausted, retry_after};
use crate::response::{Unread, read_body};
use crate::telemetry::Suppressed;
use crate::{ApiClient, ApiRequest, ApiResponse, SendPhase, TransportError};

/// Of a listing, whose size is the platform's choice.
const LARGEST_LISTING: usize = 64 << 20;
/// Of everything else: one token, or what became of it.
const LARGEST_BODY: usize = 1 << 20;
const USER_AGENT: &str = concat!("tokenfleet/", env!("CARGO_PKG_VERSION"));

/// Why an attempt brought no answer.
pub(crate) enum Failure {
    Sent(Error),
    /// It was not even begun, and another would not be either.
    Unsent(Error),
}

impl ApiClient {
    pub(crate) async fn attempt(&self, sending: &mut Sending<'_>) -> Result<ApiResponse, Failure> {
        let late = || {
            Failure::Unsent(Error::new(
                ErrorKind::Timeout,
                Fate::NotSent,
                "the account's limits left no time to send",
            ))
        };
        let deadline = sending.deadline;
        let asked = Instant::now();
        let entered = timeout(until(deadline), self.rate_limiter.enter()).await;
        let _place = entered.map_err(|_| late())?;
        // Asked for only now: a credential that was refused while this call waited is not shown by it too.
        if let (None, Some(acting)) = (&sending.secret, sending.acting) {
            sending.secret = Some(sending.ask(acting).await.map_err(Failure::Unsent)?);
        }
        let turn = timeout(until(deadline), self.logins.turn(sending.judged())).await;
        let turn = turn.map_err(|_| late())?;
        if let (Some(true), Some(acting)) = (turn.as_ref().map(|turn| turn.waited), sending.acting)
        {
            sending.secret = Some(sending.ask(acting).await.map_err(Failure::Unsent)?);
        }
        let judged = sending.judged();
        // What was accepted meanwhile needs none.
        let _turn = turn.filter(|_| !self.logins.accepts(judged));
        if let Err(error) = self.logins.check(judged) {
            sending.telemetry.suppresses(Suppressed::of_login(&error));
            return Err(Failure::Unsent(error));
        }
        let call = sending.dressed()?;
        let request = self.request(&call)?;
        // Measured anew, for all this takes its time.
        let remaining = until(deadline);
        if remaining.is_zero() {
            return Err(late());
        }
        sending.telemetry.waited(asked.elapsed());
        sending.telemetry.sends();
        let sent = Instant::now();
        let answered = timeout(
            self.retry.attempt_timeout.min(remaining),
            self.exchange(sending, &call, request),
        );
        let result = answered.await.unwrap_or_else(|_| {
            Err(Failure::Sent(Error::new(
                ErrorKind::Timeout,
                maybe(call.operation),
                "no answer came in time",
            )))
        });
        let error = match &result {
            Ok(_) => None,
            Err(Failure::Sent(error) | Failure::Unsent(error)) => Some(error),
        };
        self.logins.judge(judged, error);
        sending.telemetry.attempted(&result, sent.elapsed());
        result
    }

    fn request(&self, call: &ApiRequest) -> Result<http::Request<Bytes>, Failure> {
        let uri = self.base_url.join(&call.path, &call.query);
        let uri = uri.map_err(Failure::Unsent)?;
        let mut request = http::Request::new(call.body.clone());
        *request.method_mut() = call.method.clone();
        *request.headers_mut() = call.headers.clone();
        request.headers_mut().insert(
            http::header::USER_AGENT,
            http::HeaderValue::from_static(USER_AGENT),
        );
        *request.uri_mut() = uri
            .parse()
            .map_err(|_| Failure::Unsent(Error::invalid_input("the request's URL is too long")))?;
        Ok(request)
    }

    async fn exchange(
        &self,
        sending: &Sending<'_>,
        call: &ApiRequest,
        request: http::Request<Bytes>,
    ) -> Result<ApiResponse, Failure> {
        let response = match self.transport.send(request).await {
            Ok(response) => response,
            Err(error) => return Err(Failure::Sent(failed(call.operation, error))),
        };
        let (parts, body) = response.into_parts();
        let largest = match call.operation {
            Operation::List => LARGEST_LISTING,
            _ => LARGEST_BODY,
        };
        let announced = parts
            .headers
            .get(http::header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        if let Some(wait) = exhausted(&parts.headers) {
            self.pause(wait);
        }
        let status = parts.status.as_u16();
        let body = match read_body(body, announced, largest).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => {
                let error = Error::protocol_violation(
                    maybe(call.operation),
                    format!("the answer is larger than {} MiB", largest >> 20),
                );
                return Err(Failure::Sent(error.with_status(status)));
            }
            Err(Unread::Failed(error)) => {
                return Err(Failure::Sent(
                    failed(call.operation, error).with_status(status),
                ));
            }
        };
        if !matches!(status, 200..=299) && !call.accepted.contains(&status) {
            let error = self.refusal(call, status, &parts.headers, &body);
            return Err(Failure::Sent(error));
        }
        let answer = ApiResponse {
            status,
            headers: parts.headers,
            body,
            operation: call.operation,
            account: self.account.clone(),
            attempts: sending.attempt,
            elapsed: sending.started.elapsed(),
            date: OnceLock::new(),
        };
        match mistaken(call, &answer) {
            None => Ok(answer),
            Some(error) => Err(Failure::Sent(error)),
        }
    }

    fn refusal(&self, call: &ApiRequest, status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
        let (kind, message) = kind_of(status);
        let refusal = (self.error_parser)(call.operation, status, body);
        let secrets: Vec<&str> = call.secrets.iter().map(Secret::expose).collect();
        let mut error = Error::new(
            refusal.kind.unwrap_or(kind),
            fate_of(call.operation, status),
            message,
        )
        .with_status(status);
        if let Some(code) = refusal.code {
            error = error.with_code(&code, &secrets);
        }
        if let Some(said) = refusal.message {
            error = error.with_platform_message(&said, &secrets);
        }
        if let Some(wait) = retry_after(headers).or(refusal.retry_after) {
            error = error.with_retry_after(wait);
        }
        let advice = refusal.advice.or(match status {
            300..=399 => Some("check the base URL"),
            401 => Some("check that the credential is right and still alive"),
            403 => Some("give the credential the scope or role that this needs"),
            _ => None,
        });
        match advice {
            Some(advice) => error.with_advice(advice),
            None => error,
        }
    }
}

impl Sending<'_> {
    /// The credential that a refusal is about. A call that carries another secret besides, such as the token to be revoked,
    /// may have been refused for that one.
    fn judged(&self) -> Option<&Secret> {
        self.secret
            .as_ref()
            .filter(|_| self.call.secrets.is_empty())
    }

    /// The call as it is sent.
    fn dressed(&self) -> Result<ApiRequest, Failure> {
        let mut call = self.call.duplicate();
        if let (Some(acting), Some(secret)) = (self.acting, &self.secret) {
            call = (acting.dress)(call, secret);
        }
        match call.mistake.take() {
            Some(mistake) => Err(Failure::Unsent(mistake)),
            None => Ok(call),
        }
    }
}

/// Why a success is none: the platform's own are JSON, and empty only where that is known.
fn mistaken(call: &ApiRequest, answer: &ApiResponse) -> Option<Error> {
    if let Some(coding) = answer.header("content-encoding")
        && !coding.eq_ignore_ascii_case("identity")
    {
        let error = answer.violation("the answer is compressed, which was not asked for");
        return Some(error.with_advice("check whether a proxy compresses answers"));
    }
    let message = match (answer.status(), answer.is_empty()) {
        (200..=299, true) if call.allow_empty_body => return None,
        (200..=299, true) => "the answer is empty",
        (200..=299, false) if !answer.is_json() => "the answer is not JSON",
        _ => return None,
    };
    let error = answer.violation(message);
    Some(error.with_advice(
        "check the base URL, and whether a proxy or the login page of a network answered instead",
    ))
}

/// What became of a request that got no whole answer.
fn maybe(operation: Operation) -> Fate {
    if operation.is_write() {
        Fate::MaybeApplied
    } else {
        Fate::Rejected
    }
}

fn failed(operation: Operation, error: TransportError) -> Error {
    let kind = if error.is_timeout() {
        ErrorKind::Timeout
    } else {
        ErrorKind::Connection
    };
    let (fate, message) = match error.phase() {
        SendPhase::NotSent => (Fate::NotSent, "the platform cannot be reached"),
        SendPhase::MaybeSent => (
            maybe(operation),
            "the connection broke before the whole answer came",
        ),
    };
    let message = format!("{message} ({error})");
    let error = Error::new(kind, fate, message).with_source(error);
    match fate {
        Fate::NotSent => error.with_advice("check the base URL, the network and the certificates"),
        _ => error,
    }
}
