//! The telemetry of a request: a span and events of `tracing`, and metrics if the feature is
//! enabled.
//!
//! Names are documented in `docs/OBSERVABILITY.md` and stay. Values are names, numbers and words of
//! our own: never a credential, a body, a path, a parameter, a header or a message of the platform.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokenfleet_core::{Account, Error, ErrorKind, Fate, Operation, Result};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Span, debug, trace, warn, warn_span};

#[cfg(feature = "metrics")]
use crate::metrics::Meter;
use crate::{ApiRequest, ApiResponse};

/// The target that subscribers filter by, whichever module reports.
const TARGET: &str = "tokenfleet";
const OK: &str = "ok";
const CANCELLED: &str = "cancelled";

/// The telemetry of one request, from its beginning until it is finished or dropped.
pub(crate) struct Telemetry {
    span: Span,
    started: Instant,
    /// The number of attempts, including one that was dropped while it waited for a response.
    attempts: AtomicU32,
    finished: bool,
    #[cfg(feature = "metrics")]
    meter: Meter,
}

/// The reason why an attempt was suppressed: not sent, although the platform could be reached.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Suppressed {
    /// The credential was rejected too often and is not sent for a while.
    Cooldown,
    /// Another failed login would lock this address out.
    Lockout,
    /// The retry budget of the account is spent.
    RetryBudget,
}

impl Suppressed {
    /// Returns the reason behind an error of the lockout guard.
    pub(crate) fn from_lockout_error(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::RateLimited => Self::Lockout,
            _ => Self::Cooldown,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Cooldown => "cooldown",
            Self::Lockout => "lockout",
            Self::RetryBudget => "retry_budget",
        }
    }
}

impl Telemetry {
    /// Opens the span of a request.
    pub(crate) fn begin(account: &Account, request: &ApiRequest) -> Self {
        let operation: Operation = request.operation;
        // WARN, so that a WARN filter still shows which account a warning is about.
        let span = warn_span!(
            target: TARGET,
            "tokenfleet.call",
            provider = account.provider(),
            account = account.name(),
            operation = operation.as_str(),
            page = request.page_number,
            attempts = Empty,
            status = Empty,
            outcome = Empty,
            fate = Empty,
            elapsed_ms = Empty,
        );
        Self {
            span,
            started: Instant::now(),
            attempts: AtomicU32::new(0),
            finished: false,
            #[cfg(feature = "metrics")]
            meter: Meter::new(account, operation),
        }
    }

    /// Returns the span that everything about the request happens in.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Records how long an attempt waited for the account's limits.
    pub(crate) fn record_wait(&self, wait: Duration) {
        trace!(name: "tokenfleet.wait", target: TARGET, wait_ms = millis(wait), "wait");
    }

    /// Counts an attempt that is about to be sent.
    pub(crate) fn count_attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Records the result of an attempt.
    pub(crate) fn record_attempt(&self, result: &Result<ApiResponse>, elapsed: Duration) {
        let (outcome, status) = match result {
            Ok(response) => (OK, Some(response.status())),
            Err(error) => (error.kind().as_str(), error.status()),
        };
        debug!(
            name: "tokenfleet.attempt",
            target: TARGET,
            attempt = self.attempts(),
            status,
            outcome,
            elapsed_ms = millis(elapsed),
            "attempt"
        );
        #[cfg(feature = "metrics")]
        self.meter.attempt(outcome, status, elapsed);
    }

    /// Records that another attempt follows after `delay`.
    pub(crate) fn record_retry(&self, cause: &Error, delay: Duration) {
        let outcome = cause.kind().as_str();
        warn!(
            name: "tokenfleet.retry",
            target: TARGET,
            attempt = self.attempts(),
            status = cause.status(),
            outcome,
            wait_ms = millis(delay),
            "retry"
        );
        #[cfg(feature = "metrics")]
        self.meter.retry(outcome);
    }

    /// Records that an attempt was suppressed.
    pub(crate) fn record_suppressed(&self, suppressed: Suppressed) {
        let reason = suppressed.as_str();
        warn!(name: "tokenfleet.suppressed", target: TARGET, reason, "suppressed");
        #[cfg(feature = "metrics")]
        self.meter.suppressed(reason);
    }

    /// Records the result of the request.
    pub(crate) fn finish(&mut self, result: &Result<ApiResponse>) {
        match result {
            Ok(response) => self.end(OK, Some(response.status()), None),
            Err(error) => self.end(error.kind().as_str(), error.status(), Some(error.fate())),
        }
    }

    fn end(&mut self, outcome: &'static str, status: Option<u16>, fate: Option<Fate>) {
        self.finished = true;
        let (elapsed, attempts) = (self.started.elapsed(), self.attempts());
        let (elapsed_ms, fate) = (millis(elapsed), fate.map(Fate::as_str));
        debug!(
            name: "tokenfleet.call",
            target: TARGET,
            parent: &self.span,
            attempts,
            status,
            outcome,
            fate,
            elapsed_ms,
            "call"
        );
        // After the event, so that its line does not show every field twice.
        self.span
            .record("attempts", attempts)
            .record("status", status)
            .record("outcome", outcome)
            .record("fate", fate)
            .record("elapsed_ms", elapsed_ms);
        #[cfg(feature = "metrics")]
        self.meter.call(outcome, elapsed);
    }
}

/// Records a request that was dropped as `cancelled`.
impl Drop for Telemetry {
    fn drop(&mut self) {
        if !self.finished {
            self.end(CANCELLED, None, None);
        }
    }
}

/// Records that the account sends nothing for `wait`, because the platform asked for it.
pub(crate) fn record_pause(wait: Duration) {
    warn!(name: "tokenfleet.pause", target: TARGET, wait_ms = millis(wait), "pause");
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
