//! The client of one account: it sends described requests, and retries them within the policy.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::config::CredentialSource;
use tokenfleet_core::{Account, Error, ErrorKind, Fate, Operation, Result, Secret};
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use crate::in_flight::{Authorization, Failure, InFlight};
use crate::lockout::{Lockout, LockoutGuard};
use crate::rate_limiter::RateLimiter;
use crate::response_error::is_out_of_descriptors;
use crate::retry_budget::RetryBudget;
use crate::telemetry::{Suppressed, Telemetry, record_pause};
use crate::{ApiRequest, ApiResponse, BaseUrl, ErrorParser, RetryPolicy, Transport};

const MAX_CONCURRENT_REQUESTS: u32 = 16;
/// The delay before a request tries again to open a connection, when the process cannot open more.
const OUT_OF_DESCRIPTORS_DELAY: Duration = Duration::from_millis(100);

/// A client that sends the requests of one account.
///
/// Create one client per account: it owns the account's rate limits and retry budget.
#[derive(Debug)]
pub struct ApiClient {
    pub(crate) account: Account,
    pub(crate) base_url: BaseUrl,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) error_parser: ErrorParser,
    pub(crate) retry: RetryPolicy,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) lockout_guard: LockoutGuard,
    retry_budget: RetryBudget,
}

impl ApiClient {
    /// Creates a client for `account`, with the default [`RetryPolicy`].
    #[must_use]
    pub fn new(
        account: Account,
        base_url: BaseUrl,
        transport: Arc<dyn Transport>,
        error_parser: ErrorParser,
    ) -> Self {
        Self {
            account,
            base_url,
            transport,
            error_parser,
            retry_budget: RetryBudget::new(RetryPolicy::default().budget),
            retry: RetryPolicy::default(),
            rate_limiter: RateLimiter::new(MAX_CONCURRENT_REQUESTS),
            lockout_guard: LockoutGuard::new(),
        }
    }

    /// Sets the retry policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry_budget = RetryBudget::new(retry.budget);
        self.retry = retry;
        self
    }

    /// Limits the client to the published rate of the platform: `requests` per `period`.
    #[must_use]
    pub fn with_rate_limit(self, requests: u32, period: Duration) -> Self {
        self.rate_limiter.set_rate(requests, period);
        self
    }

    /// Keeps the client from being locked out by a platform that blocks an address after `failures`
    /// failed logins, and forgets them `forgotten_after` the last one.
    ///
    /// A credential that the platform has not accepted yet is sent by one request at a time. When
    /// only a few more failures are allowed, only accepted credentials are sent; a request with any
    /// other fails with [`RateLimited`](ErrorKind::RateLimited) before it is sent.
    ///
    /// Failures are counted for all clients of the same host over the same transport, if it keeps
    /// [`FailedLogins`](crate::FailedLogins): the platform counts by address, not by account.
    #[must_use]
    pub fn with_lockout(mut self, failures: u32, forgotten_after: Duration) -> Self {
        let lockout = Lockout {
            // Requests with an accepted credential are in flight together, and all of them fail
            // when it is revoked: even then fewer fail than lock the address out.
            untrusted: failures.saturating_sub(MAX_CONCURRENT_REQUESTS + 1).max(1),
            all: failures.saturating_sub(1).max(1),
            forgotten_after,
        };
        let shared = self.transport.failed_logins();
        let shared = shared.map(|logins| logins.at(&self.base_url.host()));
        let shared = shared.unwrap_or_default();
        self.lockout_guard = LockoutGuard::with_lockout(lockout, shared, self.account.name());
        self
    }

    /// Returns the account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Attaches account and operation to an adapter's own error.
    pub fn in_context(&self, operation: Operation, error: Error) -> Error {
        error.with_account(&self.account).with_operation(operation)
    }

    /// Fetches a credential that an operation needs besides the one that the account authenticates
    /// with, such as a password in a body.
    ///
    /// # Errors
    ///
    /// Those of [`CredentialSource::secret`], with account and operation.
    pub async fn secret(
        &self,
        operation: Operation,
        source: &dyn CredentialSource,
    ) -> Result<Secret> {
        source
            .secret()
            .await
            .map_err(|error| self.in_context(operation, error))
    }

    /// Sends a request as it is, retries it where that is harmless, and returns a successful
    /// response.
    ///
    /// Meant for requests without the account's credential, such as one that verifies another
    /// secret.
    ///
    /// # Errors
    ///
    /// Anything but a success, with its [`Fate`].
    pub async fn send(&self, request: ApiRequest) -> Result<ApiResponse> {
        self.send_in_span(request, None).await
    }

    /// Sends a request, as [`send`](Self::send) does, with the credential that the account
    /// authenticates with, which `authorize` adds to it.
    ///
    /// When the platform rejects the credential, its source is asked once more. If the source
    /// returns another one, an idempotent request is sent again with it; the rejected one is never
    /// sent again by the same request. A credential that was rejected several times in a row, by
    /// any requests, is not sent for some minutes.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and those of [`CredentialSource::secret`].
    pub async fn send_authenticated(
        &self,
        source: &dyn CredentialSource,
        request: ApiRequest,
        authorize: impl Fn(ApiRequest, &Secret) -> ApiRequest + Sync,
    ) -> Result<ApiResponse> {
        let authorize = &authorize;
        self.send_in_span(request, Some(Authorization { source, authorize }))
            .await
    }

    async fn send_in_span(
        &self,
        request: ApiRequest,
        authorization: Option<Authorization<'_>>,
    ) -> Result<ApiResponse> {
        let operation = request.operation;
        let started = Instant::now();
        let telemetry = Telemetry::begin(&self.account, &request);
        let span = telemetry.span();
        let mut in_flight = InFlight {
            request,
            authorization,
            credential: None,
            attempt: 1,
            started,
            deadline: started.checked_add(self.retry.total_timeout),
            telemetry,
        };
        let sent = async {
            let result = self.send_with_retries(&mut in_flight).await;
            in_flight.telemetry.finish(&result);
            result
        };
        let sent = sent.instrument(span).await;
        sent.map_err(|error| self.in_context(operation, error))
    }

    async fn send_with_retries(&self, in_flight: &mut InFlight<'_>) -> Result<ApiResponse> {
        // The fate of all attempts together: a later one says nothing about an earlier one.
        let mut fate = Fate::NotSent;
        let mut credential_refreshed = false;
        loop {
            let attempt = in_flight.attempt;
            let failure = match self.attempt(in_flight).await {
                Ok(response) => {
                    self.retry_budget.deposit();
                    return Ok(response);
                }
                // This process has too many files open, which says nothing about the platform:
                // others that hang give theirs back when they time out.
                Err(Failure::Sent(error))
                    if is_out_of_descriptors(&error)
                        && in_flight.time_left() > OUT_OF_DESCRIPTORS_DELAY =>
                {
                    sleep(OUT_OF_DESCRIPTORS_DELAY).await;
                    continue;
                }
                Err(failure) => failure,
            };
            let elapsed = in_flight.started.elapsed();
            let error = match failure {
                Failure::Sent(error) => error.with_attempts(attempt),
                Failure::Unsent(error) => {
                    let error = error.with_attempts(attempt - 1);
                    return Err(error.with_elapsed(elapsed).with_fate(fate));
                }
            };
            fate = fate.max(error.fate());
            let error = error.with_elapsed(elapsed).with_fate(fate);
            if let (ErrorKind::RateLimited, Some(wait)) = (error.kind(), error.retry_after()) {
                self.pause(wait);
            }
            if error.kind() == ErrorKind::Unauthenticated
                && let (Some(authorization), Some(rejected)) =
                    (in_flight.authorization, in_flight.credential.take())
            {
                authorization.source.refused(&rejected);
                // A 401 should mean that nothing was done. But something in front of the platform
                // may have sent it, even on the way back: a request that is not idempotent is left
                // to the caller, whose next call fetches the credential again.
                let may_retry = in_flight.request.idempotent && attempt < self.retry.max_attempts;
                if !may_retry || std::mem::replace(&mut credential_refreshed, true) {
                    return Err(error);
                }
                // If the source fails now, the 401 says more than its error.
                match in_flight.fetch_credential(authorization).await {
                    Ok(credential) if !credential.is_same(&rejected) => {
                        in_flight.telemetry.record_retry(&error, Duration::ZERO);
                        in_flight.credential = Some(credential);
                    }
                    _ => return Err(error),
                }
            } else {
                let delay = self.retry.next_delay(
                    &error,
                    in_flight.request.idempotent,
                    attempt,
                    in_flight.time_left(),
                );
                let Some(delay) = delay else {
                    return Err(error);
                };
                // A retry the platform scheduled (`Retry-After`) does not spend the budget.
                if error.retry_after().is_none() && !self.retry_budget.withdraw() {
                    in_flight
                        .telemetry
                        .record_suppressed(Suppressed::RetryBudget);
                    return Err(error);
                }
                in_flight.telemetry.record_retry(&error, delay);
                sleep(delay).await;
            }
            in_flight.attempt = attempt.saturating_add(1);
        }
    }

    /// Sends nothing for `wait`, or until a call that begins now would reach its deadline: then the
    /// next request finds out whether the platform still asks for the pause. Meanwhile a request
    /// whose deadline is before the end of `wait` fails at once.
    pub(crate) fn pause(&self, wait: Duration) {
        let max = self.retry.total_timeout;
        record_pause(wait.min(max));
        self.rate_limiter.pause(wait, max);
    }
}
