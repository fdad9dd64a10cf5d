//! A text file of the inventory for Prometheus.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use tokenfleet::{Account, AccountReport, Error, Fact, Timestamp, Token, TokenState, Verdict};

use crate::arguments::MetricsArguments;
use crate::output::escape;
use crate::report_file::ReportFile;

/// The file of `--metrics-file`.
pub(crate) struct MetricsFile(ReportFile);

impl MetricsFile {
    /// Creates the file if one is requested. It appears when it is written.
    pub(crate) fn create(arguments: &MetricsArguments) -> Result<Option<Self>, Error> {
        let path = arguments.metrics_file.as_deref();
        let file = path
            .map(|path| ReportFile::create_public("--metrics-file", path))
            .transpose()?;
        Ok(file.map(Self))
    }

    pub(crate) fn write(self, text: &str) -> Result<(), Error> {
        self.0.write(text)
    }
}

/// The numbers of the tokens that were listed.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    accounts: HashMap<Account, AccountMetrics>,
}

#[derive(Debug, Default)]
struct AccountMetrics {
    by_state: [u64; TokenState::ALL.len()],
    /// The tokens that are neither revoked nor expired, by their expiry: at a time, never, not
    /// reported.
    by_expiry: [u64; EXPIRIES.len()],
    earliest_expiry: Option<Timestamp>,
}

const EXPIRIES: [&str; 3] = ["at", "never", "not_reported"];

/// The result of a check in an account.
#[derive(Debug, Clone)]
pub(crate) struct CheckMetrics {
    pub(crate) account: Account,
    pub(crate) check: String,
    pub(crate) findings: u64,
    pub(crate) waived: u64,
    pub(crate) not_judged: u64,
}

/// A number of a check.
type Count = fn(&CheckMetrics) -> u64;

impl Metrics {
    pub(crate) fn count(&mut self, account: &Account, token: &Token) {
        let metrics = match self.accounts.get_mut(account) {
            Some(metrics) => metrics,
            None => self.accounts.entry(account.clone()).or_default(),
        };
        let states = TokenState::ALL.iter().zip(&mut metrics.by_state);
        for (_, count) in states.filter(|(state, _)| **state == token.state) {
            *count += 1;
        }
        if matches!(token.state, TokenState::Revoked | TokenState::Expired) {
            return;
        }
        let index = match token.expiry {
            Fact::Known(at) => {
                let earliest = metrics.earliest_expiry.map_or(at, |known| known.min(at));
                metrics.earliest_expiry = Some(earliest);
                0
            }
            Fact::Absent => 1,
            Fact::NotReported => 2,
        };
        metrics.by_expiry[index] += 1;
    }

    /// Returns the numbers in the exposition format of Prometheus.
    pub(crate) fn exposition(
        &self,
        reports: &[AccountReport],
        checks: &[CheckMetrics],
        now: Timestamp,
    ) -> String {
        let mut text = Exposition::default();
        let none = AccountMetrics::default();
        let each = || {
            reports.iter().filter_map(|report| {
                let metrics = match (self.accounts.get(&report.account), &report.verdict) {
                    (Some(metrics), _) => metrics,
                    // Zero would say that there are no tokens.
                    (None, Verdict::Failed(_) | Verdict::NotListable) => return None,
                    (None, _) => &none,
                };
                Some((labels(&report.account), metrics))
            })
        };
        text.family("tokenfleet_tokens", "Tokens that were listed, by state.");
        for (labels, metrics) in each() {
            for (state, count) in TokenState::ALL.iter().zip(metrics.by_state) {
                let labels = [&labels[..], &[("state", state.as_str())]].concat();
                text.sample(&labels, count);
            }
        }
        text.family(
            "tokenfleet_tokens_by_expiry",
            "Tokens that are neither revoked nor expired, by the kind of their expiry.",
        );
        for (labels, metrics) in each() {
            for (expiry, count) in EXPIRIES.into_iter().zip(metrics.by_expiry) {
                text.sample(&[&labels[..], &[("expiry", expiry)]].concat(), count);
            }
        }
        text.family(
            "tokenfleet_earliest_expiry_timestamp_seconds",
            "Earliest expiry of the tokens that are neither revoked nor expired.",
        );
        let expiries = || {
            each().filter_map(|(labels, metrics)| {
                Some((labels, metrics.earliest_expiry?.unix_seconds()))
            })
        };
        for (labels, expiry) in expiries() {
            text.sample(&labels, expiry);
        }
        text.family(
            "tokenfleet_seconds_to_earliest_expiry",
            "Seconds from the run to the earliest expiry.",
        );
        for (labels, expiry) in expiries() {
            text.sample(&labels, expiry - now.unix_seconds());
        }
        text.family(
            "tokenfleet_account_complete",
            "1 if every token that the platform lists was listed, otherwise 0.",
        );
        let is_listable = |report: &AccountReport| !matches!(report.verdict, Verdict::NotListable);
        for report in reports.iter().filter(|report| is_listable(report)) {
            let is_complete = report.verdict.is_complete_as_shown();
            text.sample(&labels(&report.account), u8::from(is_complete));
        }
        text.family(
            "tokenfleet_account_listable",
            "1 if the platform lists the tokens of the account, otherwise 0.",
        );
        for report in reports {
            text.sample(&labels(&report.account), u8::from(is_listable(report)));
        }
        let of_checks: [(_, _, Count); 3] = [
            (
                "tokenfleet_check_findings",
                "Findings of a check that no waiver covers.",
                |check| check.findings,
            ),
            (
                "tokenfleet_check_waived",
                "Findings of a check that a waiver covers.",
                |check| check.waived,
            ),
            (
                "tokenfleet_check_not_judged",
                "Judgements that a check could not make because a field is not reported.",
                |check| check.not_judged,
            ),
        ];
        for (name, help, count) in of_checks.into_iter().filter(|_| !checks.is_empty()) {
            text.family(name, help);
            for check in checks {
                let own = [("check", check.check.as_str())];
                let labels = [&labels(&check.account)[..], &own].concat();
                text.sample(&labels, count(check));
            }
        }
        text.family("tokenfleet_run_timestamp_seconds", "Time of the run.");
        text.sample(&[], now.unix_seconds());
        text.text
    }
}

fn labels(account: &Account) -> [(&'static str, &str); 2] {
    [
        ("account", account.name()),
        ("provider", account.provider()),
    ]
}

/// Text in the exposition format.
#[derive(Default)]
struct Exposition {
    text: String,
    family: &'static str,
}

impl Exposition {
    /// Starts a family of gauges.
    fn family(&mut self, name: &'static str, help: &str) {
        self.family = name;
        self.text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl fmt::Display) {
        self.text += self.family;
        for (index, (name, text)) in labels.iter().enumerate() {
            let separator = if index == 0 { '{' } else { ',' };
            // Writing to a string does not fail.
            let _ = write!(self.text, "{separator}{name}=\"{}\"", escaped(text));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }
}

/// Escapes a label value as the exposition format requires, and what a terminal would interpret.
fn escaped(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escape).collect();
    let shown = lines.join("\n");
    shown
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
