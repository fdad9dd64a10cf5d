//! What a call tells whoever listens: a span and events of `tracing`, and metrics where they are wanted.
//!
//! Names are documented in `docs/OBSERVABILITY.md` and stay. Told are names, numbers and our own words: never a credential,
//! a body, a path, a parameter, a header or what the platform said.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokenfleet_core::{Account, Error, ErrorKind, Fate, Operation, Result};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Span, debug, trace, warn, warn_span};

use crate::attempt::Failure;
#[cfg(feature = "metrics")]
use crate::metrics::Meter;
use crate::{ApiRequest, ApiResponse};

/// What listeners filter by, whichever module speaks.
const TARGET: &str = "tokenfleet";
const OK: &str = "ok";
const CANCELLED: &str = "cancelled";

/// One call, from its beginning until it is finished or dropped.
pub(crate) struct Telemetry {
    span: Span,
    started: Instant,
    /// Also those that are never answered: a call is dropped while it waits.
    attempts: AtomicU32,
    finished: bool,
    #[cfg(feature = "metrics")]
    meter: Meter,
}

/// Why a request was not sent although the call might have been.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Suppressed {
    /// The credential was refused too often.
    Rest,
    /// Another failed login would lock this address out.
    Lockout,
    /// The account's retries are used up.
    Budget,
}

impl Suppressed {
    /// Why the account's logins allow none.
    pub(crate) fn of_login(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::RateLimited => Self::Lockout,
            _ => Self::Rest,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Lockout => "lockout",
            Self::Budget => "budget",
        }
    }
}

impl Telemetry {
    pub(crate) fn begin(account: &Account, call: &ApiRequest) -> Self {
        let operation: Operation = call.operation;
        // As loud as the warnings in it: who hears only those hears whom they are about.
        let span = warn_span!(
            target: TARGET,
            "tokenfleet.call",
            provider = account.provider(),
            account = account.name(),
            operation = operation.as_str(),
            page = call.page,
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
            meter: Meter::of(account, operation),
        }
    }

    /// What everything about the call happens in.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// How long it waited for its account's limits before a request.
    pub(crate) fn waited(&self, wait: Duration) {
        trace!(name: "tokenfleet.wait", target: TARGET, wait_ms = millis(wait), "wait");
    }

    /// A request is about to be sent.
    pub(crate) fn sends(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// What became of that request.
    pub(crate) fn attempted(&self, result: &Result<ApiResponse, Failure>, took: Duration) {
        let (outcome, status) = match result {
            Ok(answer) => (OK, Some(answer.status())),
            Err(Failure::Sent(error) | Failure::Unsent(error)) => {
                (error.kind().as_str(), error.status())
            }
        };
        debug!(
            name: "tokenfleet.attempt",
            target: TARGET,
            attempt = self.attempts(),
            status,
            outcome,
            elapsed_ms = millis(took),
            "attempt"
        );
        #[cfg(feature = "metrics")]
        self.meter.attempt(outcome, status, took);
    }

    /// Another request follows after a wait.
    pub(crate) fn retries(&self, because: &Error, wait: Duration) {
        let outcome = because.kind().as_str();
        warn!(
            name: "tokenfleet.retry",
            target: TARGET,
            attempt = self.attempts(),
            status = because.status(),
            outcome,
            wait_ms = millis(wait),
            "retry"
        );
        #[cfg(feature = "metrics")]
        self.meter.retry(outcome);
    }

    /// A request is not sent.
    pub(crate) fn suppresses(&self, why: Suppressed) {
        let reason = why.as_str();
        warn!(name: "tokenfleet.unavailable", target: TARGET, reason, "suppressed");
        #[cfg(feature = "metrics")]
        self.meter.suppressed(reason);
    }

    pub(crate) fn finish(&mut self, result: &Result<ApiResponse>) {
        match result {
            Ok(answer) => self.end(OK, Some(answer.status()), None),
            Err(error) => self.end(error.kind().as_str(), error.status(), Some(error.fate())),
        }
    }

    fn end(&mut self, outcome: &'static str, status: Option<u16>, fate: Option<Fate>) {
        self.finished = true;
        let (took, attempts) = (self.started.elapsed(), self.attempts());
        let (elapsed_ms, fate) = (millis(took), fate.map(Fate::as_str));
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
        // Afterwards, so that a line about the event does not say everything twice.
        self.span
            .record("attempts", attempts)
            .record("status", status)
            .record("outcome", outcome)
            .record("fate", fate)
            .record("elapsed_ms", elapsed_ms);
        #[cfg(feature = "metrics")]
        self.meter.call(outcome, took);
    }
}

/// Who drops a call before it ends hears of it too.
impl Drop for Telemetry {
    fn drop(&mut self) {
        if !self.finished {
            self.end(CANCELLED, None, None);
        }
    }
}

/// The account sends nothing for that long, because the platform asked for it.
pub(crate) fn pauses(wait: Duration) {
    warn!(name: "tokenfleet.pause", target: TARGET, wait_ms = millis(wait), "pause");
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
