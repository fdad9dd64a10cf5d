//! Trying again, within bounds.

use std::time::Duration;

use tokenfleet_core::Error;

/// How often and how long a call is tried.
///
/// A call is repeated when the platform was unreachable, out of order or asked to wait, and only if repeating cannot do
/// harm: reads, and writes that are idempotent or were certainly not carried out. Between attempts it waits a random
/// time up to a growing bound, or as long as the platform asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many requests one call may send in all.
    pub attempts: u32,
    /// How long one request may take.
    pub attempt_timeout: Duration,
    /// How long a call may take in all, waiting included.
    pub total_timeout: Duration,
    /// The bound of the first wait; it doubles each time.
    pub first_wait: Duration,
    /// The bound of every wait that we choose.
    pub longest_wait: Duration,
    /// How many retries the calls of one account may make together before one succeeds: every success gives one back. A
    /// retry that comes when the platform asked for it costs nothing. When all are spent, every call sends one request.
    pub budget: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            attempt_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(120),
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(10),
            budget: 50,
        }
    }
}

impl RetryPolicy {
    /// Every call sends one request.
    #[must_use]
    pub fn never() -> Self {
        Self::default().with_attempts(1)
    }

    /// At most that many requests a call.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// At most that long a request.
    #[must_use]
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// At most that long a call.
    #[must_use]
    pub fn with_total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// With random waits up to these bounds.
    #[must_use]
    pub fn with_waits(mut self, first: Duration, longest: Duration) -> Self {
        self.first_wait = first;
        self.longest_wait = longest;
        self
    }

    /// With that many retries for all calls of an account together.
    #[must_use]
    pub fn with_budget(mut self, retries: u32) -> Self {
        self.budget = retries;
        self
    }

    /// How long to wait before trying again; `None`: give up.
    pub(crate) fn wait(
        &self,
        error: &Error,
        repeatable: bool,
        attempt: u32,
        remaining: Duration,
    ) -> Option<Duration> {
        let harmless = repeatable || !error.may_have_applied();
        if attempt >= self.attempts || !harmless || !error.kind().is_transient() {
            return None;
        }
        let wait = error.retry_after().unwrap_or_else(|| {
            let bound = self
                .first_wait
                .saturating_mul(1 << (attempt - 1).min(16))
                .min(self.longest_wait);
            bound.mul_f64(fastrand::f64())
        });
        (wait < remaining).then_some(wait)
    }
}
