//! From a described request to a judged answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokenfleet_core::{
    Account, Capabilities, Credential, Error, ErrorKind, Fate, Operation, Result, Secret,
};
use tokio::time::{Instant, sleep, timeout};

use crate::answer::{Unread, read_body};
use crate::gate::Gate;
use crate::refusal::{fate_of, kind_of};
use crate::{
    Answer, ApiCall, BaseUrl, ReadRefusal, RetryPolicy, SendPhase, Transport, TransportError,
};

/// Of a listing, whose size is the platform's choice.
const LARGEST_LISTING: usize = 64 << 20;
/// Of everything else: one token, or what became of it.
const LARGEST_BODY: usize = 1 << 20;
const REQUESTS_AT_A_TIME: usize = 8;
const USER_AGENT: &str = concat!("tokenfleet/", env!("CARGO_PKG_VERSION"));

/// Sends the calls of one account.
///
/// One client per account: it owns the account's limits.
#[derive(Debug)]
pub struct ApiClient {
    account: Account,
    base_url: BaseUrl,
    transport: Arc<dyn Transport>,
    read_refusal: ReadRefusal,
    retry: RetryPolicy,
    gate: Gate,
}

/// How one attempt ended.
enum Attempt {
    Answered(u16, HeaderMap, zeroize::Zeroizing<Vec<u8>>),
    Failed(Error),
    /// It was not even begun, and another would not be either.
    Unsent(Error),
}

impl ApiClient {
    /// A client for that account.
    #[must_use]
    pub fn new(
        account: Account,
        base_url: BaseUrl,
        transport: Arc<dyn Transport>,
        read_refusal: ReadRefusal,
    ) -> Self {
        Self {
            account,
            base_url,
            transport,
            read_refusal,
            retry: RetryPolicy::default(),
            gate: Gate::new(REQUESTS_AT_A_TIME),
        }
    }

    /// With that policy of trying again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// A provider's own judgement of a call, naming account and operation.
    pub fn in_context(&self, operation: Operation, error: Error) -> Error {
        error.with_account(&self.account).with_operation(operation)
    }

    /// The acting credential for an operation.
    ///
    /// # Errors
    ///
    /// As [`Credential::secret`], naming account and operation.
    pub async fn secret(&self, operation: Operation, credential: &Credential) -> Result<Secret> {
        credential
            .secret()
            .await
            .map_err(|error| self.in_context(operation, error))
    }

    /// Judges a call by what the provider declares, before anything is sent.
    ///
    /// # Errors
    ///
    /// As [`Capabilities::check`], naming the account.
    pub fn check(
        &self,
        capabilities: &Capabilities,
        call: tokenfleet_core::Call<'_>,
    ) -> Result<()> {
        capabilities
            .check(call)
            .map_err(|error| error.with_account(&self.account))
    }

    /// The refusal of a call that the provider does not offer: the whole body of such a method.
    #[must_use]
    pub fn refuse(&self, capabilities: &Capabilities, call: tokenfleet_core::Call<'_>) -> Error {
        capabilities.refuse(call).with_account(&self.account)
    }

    /// Sends a call, again where that is harmless, and returns its answer if it is a success.
    ///
    /// # Errors
    ///
    /// Everything else, with its fate.
    pub async fn send(&self, call: ApiCall) -> Result<Answer> {
        let operation = call.operation;
        self.try_send(call)
            .await
            .map_err(|error| self.in_context(operation, error))
    }

    async fn try_send(&self, mut call: ApiCall) -> Result<Answer> {
        if let Some(mistake) = call.mistake.take() {
            return Err(mistake);
        }
        let uri = self.base_url.join(&call.path, &call.query)?;
        let deadline = Instant::now().checked_add(self.retry.total_timeout);
        // What all attempts together may have done: a later one says nothing about an earlier one.
        let mut fate = Fate::NotSent;
        for attempt in 1.. {
            let error = match self.attempt(&call, &uri, deadline).await {
                Attempt::Answered(status, headers, body)
                    if matches!(status, 200..=299) || call.accepted.contains(&status) =>
                {
                    let answer = Answer {
                        status,
                        headers,
                        body,
                        operation: call.operation,
                        account: self.account.clone(),
                        attempts: attempt,
                    };
                    match mistaken(&call, &answer) {
                        None => return Ok(answer),
                        Some(error) => error,
                    }
                }
                Attempt::Answered(status, headers, body) => {
                    self.refusal(&call, status, &headers, &body)
                }
                Attempt::Failed(error) => error,
                Attempt::Unsent(error) => {
                    return Err(error.with_attempts(attempt - 1).with_fate(fate));
                }
            };
            fate = fate.max(error.fate());
            let error = error.with_attempts(attempt).with_fate(fate);
            if let (ErrorKind::RateLimited, Some(wait)) = (error.kind(), error.retry_after()) {
                self.gate.close_for(wait.min(self.retry.total_timeout));
            }
            let remaining = until(deadline);
            match self.retry.wait(&error, call.repeatable, attempt, remaining) {
                Some(wait) => sleep(wait).await,
                None => return Err(error),
            }
        }
        Err(Error::new(
            ErrorKind::Other,
            Fate::NotSent,
            "no attempt was made",
        ))
    }

    async fn attempt(&self, call: &ApiCall, uri: &str, deadline: Option<Instant>) -> Attempt {
        let entered = timeout(until(deadline), self.gate.enter()).await;
        // Measured anew, for the gate takes its time.
        let remaining = until(deadline);
        let (Ok(_place), false) = (entered, remaining.is_zero()) else {
            return Attempt::Unsent(Error::new(
                ErrorKind::Timeout,
                Fate::NotSent,
                "the account's limits left no time to send",
            ));
        };
        let mut request = http::Request::new(call.body.clone());
        *request.method_mut() = call.method.clone();
        *request.headers_mut() = call.headers.clone();
        request.headers_mut().insert(
            http::header::USER_AGENT,
            http::HeaderValue::from_static(USER_AGENT),
        );
        match uri.parse() {
            Ok(uri) => *request.uri_mut() = uri,
            Err(_) => {
                return Attempt::Unsent(Error::invalid_input("the request's URL is too long"));
            }
        }
        match timeout(
            self.retry.attempt_timeout.min(remaining),
            self.exchange(call, request),
        )
        .await
        {
            Ok(attempt) => attempt,
            Err(_) => Attempt::Failed(Error::new(
                ErrorKind::Timeout,
                maybe(call.operation),
                "no answer came in time",
            )),
        }
    }

    async fn exchange(&self, call: &ApiCall, request: http::Request<Bytes>) -> Attempt {
        let response = match self.transport.send(request).await {
            Ok(response) => response,
            Err(error) => return Attempt::Failed(failed(call.operation, error)),
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
        match read_body(body, announced, largest).await {
            Ok(body) => Attempt::Answered(parts.status.as_u16(), parts.headers, body),
            Err(Unread::TooLarge) => Attempt::Failed(
                Error::protocol_violation(
                    maybe(call.operation),
                    format!("the answer is larger than {} MiB", largest >> 20),
                )
                .with_status(parts.status.as_u16()),
            ),
            Err(Unread::Failed(error)) => {
                Attempt::Failed(failed(call.operation, error).with_status(parts.status.as_u16()))
            }
        }
    }

    fn refusal(&self, call: &ApiCall, status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
        let (kind, message) = kind_of(status);
        let refusal = (self.read_refusal)(call.operation, status, body);
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

/// How long until then; for ever, when that is too far away to be told.
fn until(deadline: Option<Instant>) -> Duration {
    deadline.map_or(Duration::MAX, |deadline| {
        deadline.saturating_duration_since(Instant::now())
    })
}

/// Why a success is none: the platform's own are JSON, and empty only where that is known.
fn mistaken(call: &ApiCall, answer: &Answer) -> Option<Error> {
    let message = match (answer.status(), answer.is_empty()) {
        (200..=299, true) if call.maybe_empty => return None,
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

/// How long the platform asks to wait: seconds, or a date on its own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than there are numbers for are still no reason to come back at once.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = |text| httpdate::parse_http_date(text).ok();
    let now = headers
        .get(http::header::DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(date)
        .unwrap_or_else(std::time::SystemTime::now);
    Some(date(value)?.duration_since(now).unwrap_or_default())
}
