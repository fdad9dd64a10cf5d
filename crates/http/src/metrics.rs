//! The metrics of requests, recorded through the `metrics` crate.

use std::time::Duration;

use metrics::{counter, histogram};
use tokenfleet_core::{Account, Operation};

/// A recorder of the metrics of one request, with the labels that all of them share.
pub(crate) struct Meter {
    provider: String,
    account: String,
    operation: &'static str,
}

impl Meter {
    /// Creates the recorder of a request.
    pub(crate) fn new(account: &Account, operation: Operation) -> Self {
        Self {
            provider: account.provider().to_owned(),
            account: account.name().to_owned(),
            operation: operation.as_str(),
        }
    }

    /// Counts a finished request.
    pub(crate) fn call(&self, outcome: &'static str, elapsed: Duration) {
        let labels = self.labels("outcome", outcome);
        counter!("tokenfleet_calls_total", &labels).increment(1);
        histogram!("tokenfleet_call_duration_seconds", &labels).record(elapsed);
    }

    /// Counts an attempt that was sent.
    pub(crate) fn attempt(&self, outcome: &'static str, status: Option<u16>, elapsed: Duration) {
        let labels = self.labels("outcome", outcome);
        histogram!("tokenfleet_attempt_duration_seconds", &labels).record(elapsed);
        let [provider, account, operation, outcome] = labels;
        let status = status.map_or_else(String::new, |status| status.to_string());
        let labels = [provider, account, operation, outcome, ("status", status)];
        counter!("tokenfleet_attempts_total", &labels).increment(1);
    }

    /// Counts a retry.
    pub(crate) fn retry(&self, outcome: &'static str) {
        let labels = self.labels("outcome", outcome);
        counter!("tokenfleet_retries_total", &labels).increment(1);
    }

    /// Counts a suppressed attempt.
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
