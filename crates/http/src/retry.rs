//! Trying again, within bounds.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Error, Result};

/// How often and how long a call is tried.
///
/// A call is repeated when the platform was unreachable, out of order or asked to wait, and only if repeating cannot do
/// harm: reads, and writes that are idempotent or were certainly not carried out. Between attempts it waits a random
/// time up to a growing bound, or as long as the platform asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many requests one call may send in all.
    pub max_attempts: u32,
    /// How long one request may take.
    pub attempt_timeout: Duration,
    /// How long a call may take in all, waiting included.
    pub total_timeout: Duration,
    /// The bound of the first wait; it doubles each time.
    pub initial_backoff: Duration,
    /// The bound of every wait that we choose.
    pub max_backoff: Duration,
    /// How many retries the calls of one account may make together before one succeeds: every success gives one back. A
    /// retry that comes when the platform asked for it costs nothing. When all are spent, every call sends one request.
    pub budget: u32,
}

/// More attempts than anybody waits for.
const MOST_ATTEMPTS: u32 = 100;

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
    /// Takes `attempts` (1 to 100), `attempt_timeout`, `total_timeout` (such as `"30s"`) and `retry_budget` from an account's
    /// settings; what is not there is as by default.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub fn from_settings(settings: &mut Settings) -> Result<Self> {
        let mut policy = Self::default();
        if let Some(attempts) = settings.number("attempts")? {
            if !(1..=MOST_ATTEMPTS).contains(&attempts) {
                return Err(Error::configuration(format!(
                    "{} must be a whole number from 1 to {MOST_ATTEMPTS}",
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
                    "{} is more than the {} s that a call may take in all",
                    settings.place("attempt_timeout"),
                    policy.total_timeout.as_secs()
                ))
                .with_advice("raise total_timeout, or lower this"));
            }
            Some(time) => policy.attempt_timeout = time,
            None => {}
        }
        if let Some(retries) = settings.number("retry_budget")? {
            policy.budget = retries;
        }
        Ok(policy)
    }

    /// Every call sends one request.
    #[must_use]
    pub fn no_retries() -> Self {
        Self::default().with_max_attempts(1)
    }

    /// At most that many requests a call.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
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
    pub fn with_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.initial_backoff = first;
        self.max_backoff = longest;
        self
    }

    /// With that many retries for all calls of an account together.
    #[must_use]
    pub fn with_budget(mut self, retries: u32) -> Self {
        self.budget = retries;
        self
    }

    /// How long to wait before trying again; `None`: give up.
    pub(crate) fn next_delay(
        &self,
        error: &Error,
        idempotent: bool,
        attempt: u32,
        remaining: Duration,
    ) -> Option<Duration> {
        let harmless = idempotent || !error.may_have_applied();
        if attempt >= self.max_attempts || !harmless || !error.kind().is_transient() {
            return None;
        }
        let wait = error.retry_after().unwrap_or_else(|| {
            let bound = self
                .initial_backoff
                .saturating_mul(1 << (attempt - 1).min(16))
                .min(self.max_backoff);
            bound.mul_f64(random_fraction())
        });
        (wait < remaining).then_some(wait)
    }
}

/// From 0 up to 1: clients that fail together shall not come again together.
fn random_fraction() -> f64 {
    // Each state is seeded by the operating system.
    let bits = RandomState::new().hash_one(0) as u32;
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::config::Setting;

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
    fn what_settings_say_replaces_the_default_and_nothing_else_does() {
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
    }

    #[test]
    fn what_is_out_of_bounds_or_misspelt_is_refused_with_its_line() {
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
                "is more than the 120 s that a call may take in all; raise total_timeout, or lower this",
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
