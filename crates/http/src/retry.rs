//! The retry policy: whether a failed request is retried, and after which delay.

use std::time::Duration;

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Error, Result};

use crate::backoff;

/// Limits for retries: number of attempts, timeouts, backoff and budget.
///
/// A request is retried when the platform was unreachable, unavailable or asked to wait, and only
/// if that is harmless: reads, and writes that are idempotent or were certainly not applied. That
/// is certain if nothing was sent, or if the platform itself refused the request: a refusal in
/// another form than its own may come from a gateway that passed the request on. The delay between
/// attempts is an exponential backoff with full jitter, or as long as the platform asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The maximum number of attempts per request.
    pub max_attempts: u32,
    /// The timeout of one attempt.
    pub attempt_timeout: Duration,
    /// The timeout of all attempts together, including the delays between them.
    pub total_timeout: Duration,
    /// The upper bound of the first delay; it doubles with each attempt.
    pub initial_backoff: Duration,
    /// The upper bound of every delay, unless the platform asks for a longer one.
    pub max_backoff: Duration,
    /// The number of retries that all requests of an account share. Every success gives one back,
    /// and a retry the platform scheduled (`Retry-After`) costs nothing. Once the budget is spent,
    /// every request gets one attempt.
    pub budget: u32,
}

/// The largest number of attempts that a configuration may set.
const MAX_ATTEMPTS: u32 = 100;

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            attempt_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(120),
            initial_backoff: Duration::from_millis(250),
            max_backoff: Duration::from_secs(10),
            budget: 50,
        }
    }
}

impl RetryPolicy {
    /// Reads `attempts` (1 to 100), `attempt_timeout`, `total_timeout` (such as `"30s"`) and
    /// `retry_budget` from an account's settings. Missing keys keep their default.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub fn from_settings(settings: &mut Settings) -> Result<Self> {
        let mut policy = Self::default();
        if let Some(attempts) = settings.number("attempts")? {
            if !(1..=MAX_ATTEMPTS).contains(&attempts) {
                return Err(Error::configuration(format!(
                    "{} must be a whole number from 1 to {MAX_ATTEMPTS}",
                    settings.place("attempts")
                )));
            }
            policy.max_attempts = attempts;
        }
        if let Some(time) = settings.timeout("total_timeout")? {
            policy.total_timeout = time;
        }
        match settings.timeout("attempt_timeout")? {
            Some(time) if time > policy.total_timeout => {
                return Err(Error::configuration(format!(
                    "{} is longer than the total timeout of {} s",
                    settings.place("attempt_timeout"),
                    policy.total_timeout.as_secs()
                ))
                .with_advice("raise total_timeout, or lower this timeout"));
            }
            Some(time) => policy.attempt_timeout = time,
            None => {}
        }
        if let Some(retries) = settings.number("retry_budget")? {
            policy.budget = retries;
        }
        Ok(policy)
    }

    /// Creates a policy without retries: every request gets one attempt.
    #[must_use]
    pub fn no_retries() -> Self {
        Self::default().with_max_attempts(1)
    }

    /// Sets the maximum number of attempts (at least 1).
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the timeout of one attempt.
    #[must_use]
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets the timeout of all attempts together.
    #[must_use]
    pub fn with_total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// Sets the upper bounds of the first delay and of every delay.
    #[must_use]
    pub fn with_backoff(mut self, initial: Duration, max: Duration) -> Self {
        self.initial_backoff = initial;
        self.max_backoff = max;
        self
    }

    /// Sets the number of retries that all requests of an account share.
    #[must_use]
    pub fn with_budget(mut self, retries: u32) -> Self {
        self.budget = retries;
        self
    }

    /// Returns the delay before the next attempt, or `None` if the request is not retried.
    pub(crate) fn next_delay(
        &self,
        error: &Error,
        idempotent: bool,
        attempt: u32,
        time_left: Duration,
    ) -> Option<Duration> {
        let harmless = idempotent || !error.may_have_applied();
        if attempt >= self.max_attempts || !harmless || !error.kind().is_transient() {
            return None;
        }
        let delay = error
            .retry_after()
            .unwrap_or_else(|| backoff::delay(self.initial_backoff, self.max_backoff, attempt));
        (delay < time_left).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::config::Setting;
    use tokenfleet_core::{ErrorKind, Fate};

    use super::*;

    fn read(text: &[(&'static str, Setting)]) -> Result<RetryPolicy> {
        let mut settings = Settings::new("accounts.iot");
        for (key, value) in text {
            settings.insert(*key, value.clone(), Some(3));
        }
        let policy = RetryPolicy::from_settings(&mut settings)?;
        settings.finish().map(|()| policy)
    }

    fn time(text: &str) -> Setting {
        Setting::Text(text.to_owned())
    }

    #[test]
    fn settings_replace_the_defaults_and_missing_ones_keep_them() {
        assert_eq!(read(&[]).unwrap(), RetryPolicy::default());
        let policy = read(&[
            ("attempts", Setting::Integer(2)),
            ("attempt_timeout", time("5s")),
            ("total_timeout", time("1m")),
            ("retry_budget", Setting::Integer(0)),
        ]);
        let expected = RetryPolicy::default()
            .with_max_attempts(2)
            .with_attempt_timeout(Duration::from_secs(5))
            .with_total_timeout(Duration::from_secs(60))
            .with_budget(0);
        assert_eq!(policy.unwrap(), expected);
        assert_eq!(RetryPolicy::no_retries().max_attempts, 1);
        let equal = read(&[("attempt_timeout", time("2m"))]).unwrap();
        assert_eq!(equal.attempt_timeout, equal.total_timeout);
    }

    #[test]
    fn a_request_is_retried_only_if_that_is_harmless_and_there_is_time() {
        let policy = RetryPolicy::default().with_max_attempts(3);
        let (rejected, unknown) = (Fate::Rejected, Fate::MaybeApplied);
        let busy = ErrorKind::RateLimited;
        for (kind, fate, idempotent, attempt, seconds_left, retried) in [
            (busy, rejected, false, 1, 6, true),
            (busy, rejected, false, 2, 6, true),
            (busy, rejected, false, 3, 6, false),
            (busy, rejected, false, 1, 5, false),
            (busy, unknown, false, 1, 6, false),
            (busy, unknown, true, 1, 6, true),
            (ErrorKind::Conflict, rejected, true, 1, 6, false),
        ] {
            let wait = Duration::from_secs(5);
            let error = Error::new(kind, fate, "no").with_retry_after(wait);
            let left = Duration::from_secs(seconds_left);
            let delay = policy.next_delay(&error, idempotent, attempt, left);
            assert_eq!(
                delay,
                retried.then_some(wait),
                "{error} {fate:?} {attempt} {left:?}"
            );
        }
    }

    #[test]
    fn a_setting_out_of_bounds_or_misspelled_is_rejected_with_its_line() {
        let a_time = "must be a duration from \"1s\" to \"1d\", such as \"30s\"";
        let a_number = "must be a whole number from 1 to 100";
        for (key, value, expected) in [
            ("attempts", Setting::Integer(0), a_number),
            ("attempts", Setting::Integer(101), a_number),
            ("attempts", time("2"), "must be a whole number"),
            ("total_timeout", time("0s"), a_time),
            ("total_timeout", time("25h"), a_time),
            ("total_timeout", time("30"), a_time),
            ("attempt_timeout", Setting::Integer(30), a_time),
            (
                "attempt_timeout",
                time("3m"),
                "is longer than the total timeout of 120 s; raise total_timeout, or lower this timeout",
            ),
            (
                "retry_budget",
                Setting::Integer(-1),
                "must be a whole number",
            ),
        ] {
            let error = read(&[(key, value)]).unwrap_err().to_string();
            assert_eq!(error, format!("line 3: accounts.iot.{key} {expected}"));
        }
        let error = read(&[("atempts", Setting::Integer(2))]).unwrap_err();
        assert!(error.to_string().ends_with("did you mean `attempts`?"));
    }
}
