//! From a described request to a judged answer.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::config::CredentialSource;
use tokenfleet_core::{Account, Error, ErrorKind, Fate, Operation, Result, Secret};
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;

use crate::attempt::Failure;
use crate::lockout::{Lockout, LockoutGuard};
use crate::rate_limiter::RateLimiter;
use crate::retry_budget::RetryBudget;
use crate::telemetry::{Suppressed, Telemetry, pauses};
use crate::{ApiRequest, ApiResponse, BaseUrl, ErrorParser, RetryPolicy, Transport};

const REQUESTS_AT_A_TIME: u32 = 16;

/// Sends the calls of one account.
///
/// One client per account: it owns the account's limits.
#[derive(Debug)]
pub struct ApiClient {
    pub(crate) account: Account,
    pub(crate) base_url: BaseUrl,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) error_parser: ErrorParser,
    pub(crate) retry: RetryPolicy,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) logins: LockoutGuard,
    budget: RetryBudget,
}

/// Where the acting credential comes from, and how a call shows it.
#[derive(Clone, Copy)]
pub(crate) struct Acting<'a> {
    pub(crate) source: &'a dyn CredentialSource,
    pub(crate) dress: &'a (dyn Fn(ApiRequest, &Secret) -> ApiRequest + Sync),
}

/// A call on its way.
pub(crate) struct Sending<'a> {
    /// Without the acting credential, if there is one.
    pub(crate) call: ApiRequest,
    pub(crate) acting: Option<Acting<'a>>,
    /// The acting credential, once it was asked for.
    pub(crate) secret: Option<Secret>,
    pub(crate) attempt: u32,
    pub(crate) started: Instant,
    pub(crate) deadline: Option<Instant>,
    pub(crate) telemetry: Telemetry,
}

impl ApiClient {
    /// A client for that account.
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
            budget: RetryBudget::new(RetryPolicy::default().budget),
            retry: RetryPolicy::default(),
            rate_limiter: RateLimiter::new(REQUESTS_AT_A_TIME),
            logins: LockoutGuard::new(None),
        }
    }

    /// With that policy of trying again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.budget = RetryBudget::new(retry.budget);
        self.retry = retry;
        self
    }

    /// At a platform that publishes how many requests it takes in a time.
    #[must_use]
    pub fn with_rate_limit(self, requests: u32, time: Duration) -> Self {
        self.rate_limiter.set_rate(requests, time);
        self
    }

    /// At a platform that locks an address out after that many failed logins, and forgets them a while after the last.
    ///
    /// It is never brought to that: a credential that was not accepted yet is shown by one request at a time, and before
    /// the last failures are used up only one that was accepted is shown at all. A call with another one fails with
    /// [`RateLimited`](ErrorKind::RateLimited), unsent.
    #[must_use]
    pub fn with_lockout(mut self, failures: u32, forgotten_after: Duration) -> Self {
        // Requests with an accepted credential are under way together, and all fail when it is revoked: even then fewer
        // fail than lock the address out.
        let failures = failures.saturating_sub(REQUESTS_AT_A_TIME + 1).max(1);
        self.logins = LockoutGuard::new(Some(Lockout {
            failures,
            forgotten_after,
        }));
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

    /// A credential that an operation needs besides the acting one, such as a password in a body.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::secret`], naming account and operation.
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

    /// Sends a call as it is, again where that is harmless, and returns its answer if it is a success.
    ///
    /// For calls that show no acting credential, but one that is itself in question.
    ///
    /// # Errors
    ///
    /// Everything else, with its fate.
    pub async fn send(&self, call: ApiRequest) -> Result<ApiResponse> {
        self.send_by(call, None).await
    }

    /// Sends a call with the acting credential, which `dress` adds to it, as [`send`](Self::send) does.
    ///
    /// When the credential is refused its source is asked once more. If it gives another one, a call that may be repeated
    /// is sent again with it; the refused one is never sent again by the same call. A credential that was refused several
    /// times in a row, by whatever calls, rests for some minutes.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and as [`CredentialSource::secret`].
    pub async fn send_authenticated(
        &self,
        source: &dyn CredentialSource,
        call: ApiRequest,
        dress: impl Fn(ApiRequest, &Secret) -> ApiRequest + Sync,
    ) -> Result<ApiResponse> {
        let dress = &dress;
        self.send_by(call, Some(Acting { source, dress })).await
    }

    async fn send_by(&self, call: ApiRequest, acting: Option<Acting<'_>>) -> Result<ApiResponse> {
        let operation = call.operation;
        let started = Instant::now();
        let telemetry = Telemetry::begin(&self.account, &call);
        let span = telemetry.span();
        let mut sending = Sending {
            call,
            acting,
            secret: None,
            attempt: 1,
            started,
            deadline: started.checked_add(self.retry.total_timeout),
            telemetry,
        };
        let sent = async {
            let result = self.keep_sending(&mut sending).await;
            sending.telemetry.finish(&result);
            result
        };
        let sent = sent.instrument(span).await;
        sent.map_err(|error| self.in_context(operation, error))
    }

    async fn keep_sending(&self, sending: &mut Sending<'_>) -> Result<ApiResponse> {
        // What all attempts together may have done: a later one says nothing about an earlier one.
        let mut fate = Fate::NotSent;
        let mut asked_again = false;
        loop {
            let attempt = sending.attempt;
            let failure = match self.attempt(sending).await {
                Ok(answer) => {
                    self.budget.give_back();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let elapsed = sending.started.elapsed();
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
                && let (Some(acting), Some(refused)) = (sending.acting, sending.secret.take())
            {
                acting.source.refused(&refused);
                // A refusal should mean that nothing was done. But it may come from something before the platform, on
                // the way back too: what may not be done twice is left to the caller, whose next call asks anew.
                let again = sending.call.idempotent && attempt < self.retry.max_attempts;
                if !again || std::mem::replace(&mut asked_again, true) {
                    return Err(error);
                }
                // If none can be had now, the refusal says more than why.
                match sending.ask(acting).await {
                    Ok(other) if !other.is_same(&refused) => {
                        sending.telemetry.retries(&error, Duration::ZERO);
                        sending.secret = Some(other);
                    }
                    _ => return Err(error),
                }
            } else {
                let remaining = until(sending.deadline);
                let idempotent = sending.call.idempotent;
                let wait = self
                    .retry
                    .next_delay(&error, idempotent, attempt, remaining);
                match wait {
                    // Who waits as long as the platform asks does not press it.
                    Some(wait) if error.retry_after().is_some() || self.budget.spend() => {
                        sending.telemetry.retries(&error, wait);
                        sleep(wait).await;
                    }
                    Some(_) => {
                        sending.telemetry.suppresses(Suppressed::Budget);
                        return Err(error);
                    }
                    None => return Err(error),
                }
            }
            sending.attempt = attempt.saturating_add(1);
        }
    }

    /// Lets nothing through for that long, or until a call that begins now would have given up: then it is tried whether
    /// the platform still means it.
    pub(crate) fn pause(&self, wait: Duration) {
        let wait = wait.min(self.retry.total_timeout);
        pauses(wait);
        self.rate_limiter.close_for(wait);
    }
}

impl Sending<'_> {
    /// Asks for the acting credential, for as long as the call may take.
    pub(crate) async fn ask(&self, acting: Acting<'_>) -> Result<Secret> {
        let asked = timeout(until(self.deadline), acting.source.secret());
        asked.await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Timeout,
                Fate::NotSent,
                "the source of the credential did not answer in time",
            ))
        })
    }
}

/// How long until then; for ever, when that is too far away to be told.
pub(crate) fn until(deadline: Option<Instant>) -> Duration {
    deadline.map_or(Duration::MAX, |deadline| {
        deadline.saturating_duration_since(Instant::now())
    })
}
