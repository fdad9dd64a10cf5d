//! What a call adds to the metrics of the program, through the facade `metrics`.

use std::time::Duration;

use metrics::{counter, histogram};
use tokenfleet_core::{Account, Operation};

/// Whose calls are counted.
pub(crate) struct Meter {
    provider: String,
    account: String,
    operation: &'static str,
}

impl Meter {
    pub(crate) fn of(account: &Account, operation: Operation) -> Self {
        Self {
            provider: account.provider().to_owned(),
            account: account.name().to_owned(),
            operation: operation.as_str(),
        }
    }

    pub(crate) fn call(&self, outcome: &'static str, took: Duration) {
        let labels = self.labels("outcome", outcome);
        counter!("tokenfleet_calls_total", &labels).increment(1);
        histogram!("tokenfleet_call_duration_seconds", &labels).record(took);
    }

    pub(crate) fn attempt(&self, outcome: &'static str, status: Option<u16>, took: Duration) {
        let labels = self.labels("outcome", outcome);
        histogram!("tokenfleet_attempt_duration_seconds", &labels).record(took);
        let [provider, account, operation, outcome] = labels;
        let status = status.map_or_else(String::new, |status| status.to_string());
        let labels = [provider, account, operation, outcome, ("status", status)];
        counter!("tokenfleet_attempts_total", &labels).increment(1);
    }

    pub(crate) fn retry(&self, outcome: &'static str) {
        let labels = self.labels("outcome", outcome);
        counter!("tokenfleet_retries_total", &labels).increment(1);
    }

    pub(crate) fn suppressed(&self, reason: &'static str) {
        let labels = self.labels("reason", reason);
        counter!("tokenfleet_suppressed_total", &labels).increment(1);
    }

    fn labels(&self, name: &'static str, value: &'static str) -> [(&'static str, String); 4] {
        [
            ("provider", self.provider.clone()),
            ("account", self.account.clone()),
            ("operation", self.operation.to_owned()),
            (name, value.to_owned()),
        ]
    }
}
