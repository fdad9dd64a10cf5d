//! A report as JSON.

use serde_json::{Value, json};
use tokenfleet_core::Account;

use super::{Entry, Report};

impl Report {
    /// Returns the report as a JSON document, which can be stored and shown to others.
    ///
    /// New keys may come. `outcome` is one of `ran`, `refused`, `not_applicable`, `deviates`,
    /// `failed` and `no_fixture`, and `law` a number of the table on the front page. Durations are
    /// milliseconds.
    ///
    /// ```
    /// # use tokenfleet_conformance::{MemoryFixture, MemoryProfile, run_some};
    /// # futures_executor::block_on(async {
    /// let make = async || MemoryFixture::new(MemoryProfile::deleting());
    /// let report = run_some(make, |case| case.name() == "a revoked secret is dead").await;
    /// let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    /// assert_eq!(json["passed"], true);
    /// assert_eq!(json["cases"][0]["outcome"], "ran");
    /// # });
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let account = self.account.as_ref();
        let totals: serde_json::Map<_, _> = self
            .totals()
            .into_iter()
            .map(|(outcome, count)| (outcome.to_owned(), count.into()))
            .collect();
        let cases: Vec<_> = self.entries.iter().map(case).collect();
        let report = json!({
            "suite": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "date": self.started.truncated_to_seconds().to_string(),
            "provider": account.map(Account::provider),
            "account": account.map(Account::name),
            "account_kind": self.account_kind,
            "passed": self.passed(),
            "problems": self.problems,
            "duration_ms": milliseconds(self.duration()),
            "requests": self.requests(),
            "totals": totals,
            "cases": cases,
        });
        format!("{report:#}")
    }
}

fn case(entry: &Entry) -> Value {
    let failure = entry.outcome.failure();
    json!({
        "group": entry.group,
        "law": entry.law,
        "name": entry.name,
        "place": entry.place(),
        "outcome": entry.outcome.as_str(),
        "reason": entry.outcome.reason(),
        "expected": failure.map(|failure| &failure.expected),
        "happened": failure.map(|failure| &failure.happened),
        "left_out": entry.left_out,
        "left_behind": entry.left_behind,
        "account": entry.account.as_ref().map(Account::name),
        "requests": entry.requests,
        "duration_ms": milliseconds(entry.duration),
        "waited_ms": milliseconds(entry.waited),
    })
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
