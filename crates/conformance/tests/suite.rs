//! The settings of a suite: deviations, fixtures that cannot be built, limits and progress.

#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that all of this is a test"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_executor::block_on;
use tokenfleet_conformance::{
    ExistingToken, Fixture, FixtureError, InsertedToken, MemoryFixture, MemoryProfile, Outcome,
    Progress, Report, Suite, TokenSpec, cases, run,
};
use tokenfleet_core::{Secret, TokenId, TokenProvider};

const CASE: &str = "a revoked secret is dead";

fn deleting() -> MemoryFixture {
    MemoryFixture::new(MemoryProfile::deleting())
}

/// A platform that accepts every secret for ever.
struct Forgiving {
    inner: MemoryFixture,
    closed: Arc<AtomicU32>,
    close: Result<(), FixtureError>,
}

impl Forgiving {
    fn new() -> Self {
        Self {
            inner: deleting(),
            closed: Arc::default(),
            close: Ok(()),
        }
    }
}

#[async_trait]
impl Fixture for Forgiving {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.inner.provider()
    }

    fn credentials(&self) -> Vec<Secret> {
        self.inner.credentials()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        self.inner.insert(spec).await
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        self.inner.tokens().await
    }

    async fn accepts(&self, _secret: &Secret) -> bool {
        true
    }

    fn request_count(&self) -> u64 {
        self.inner.request_count()
    }

    async fn remove(&self, id: &TokenId) -> bool {
        self.inner.remove(id).await
    }

    async fn close(&self) -> Result<(), FixtureError> {
        self.closed.fetch_add(1, Ordering::SeqCst);
        self.close.clone()
    }
}

fn outcome(report: &Report) -> &Outcome {
    report.outcome(CASE).unwrap()
}

#[test]
fn a_declared_deviation_is_shown_with_its_reason_and_fails_nothing() {
    let suite =
        Suite::new(async || Forgiving::new()).with_deviation(CASE, "secrets live until midnight");
    let report = block_on(suite.run_some(|case| case.name() == CASE));
    assert!(matches!(outcome(&report), Outcome::Deviates { .. }));
    report.assert_passed();
    let text = report.to_string();
    assert!(
        text.contains("deviates law 5   a revoked secret is dead (secrets live until midnight)"),
        "{text}"
    );
    assert!(text.contains("1 deviate as declared, 0 failed"), "{text}");
    let declared: Vec<_> = report.deviations().collect();
    assert_eq!(declared, [(CASE, "secrets live until midnight")]);
}

#[test]
fn an_undeclared_failure_fails_beside_a_declared_one() {
    let suite = Suite::new(async || Forgiving::new())
        .with_deviation("revoking by secret revokes that token", "another case");
    let report = block_on(suite.run_some(|case| case.name() == CASE));
    assert!(matches!(outcome(&report), Outcome::Failed(_)));
    assert!(!report.passed());
}

#[test]
fn a_declared_deviation_that_no_longer_deviates_fails() {
    let suite = Suite::new(async || deleting()).with_deviation(CASE, "was so once");
    let report = block_on(suite.run_some(|case| case.name() == CASE));
    let Outcome::Failed(failure) = outcome(&report) else {
        panic!("{report}");
    };
    assert_eq!(
        failure.expected,
        "the platform deviates as declared: was so once"
    );
    assert_eq!(
        failure.happened,
        "the provider conforms; remove the declaration"
    );
}

#[test]
fn a_declared_deviation_whose_case_does_not_apply_fails() {
    const FOREIGN: &str = "every page reports the total number of matching tokens";
    let profile = MemoryProfile::secret_only();
    let suite = Suite::new(async || MemoryFixture::new(profile.clone()))
        .with_deviation(FOREIGN, "was so once");
    let report = block_on(suite.run_some(|case| case.name() == FOREIGN));
    assert!(report.failures().count() == 1, "{report}");
}

#[test]
fn a_deviation_of_an_unknown_case_fails_with_a_suggestion() {
    let suite = Suite::new(async || deleting()).with_deviation("a revoked secret is daed", "why");
    let report = block_on(suite.run_some(|case| case.name() == CASE));
    assert!(!report.passed());
    assert_eq!(
        report.problems(),
        [
            "a deviation is declared for the unknown case `a revoked secret is daed`; did you mean \
          `a revoked secret is dead`?"
        ]
    );
    let message = std::panic::catch_unwind(|| report.assert_passed()).unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains("did you mean"), "{message}");
}

#[test]
fn a_fixture_that_cannot_be_built_is_told_from_a_failure() {
    let tries = AtomicU32::new(0);
    let report = block_on(run(async || {
        tries.fetch_add(1, Ordering::SeqCst);
        Err::<MemoryFixture, _>("the server at port 8081 does not respond")
    }));
    assert_eq!(tries.load(Ordering::SeqCst), 1, "others are not tried");
    assert_eq!(report.failures().count(), cases().count());
    let reason = "the server at port 8081 does not respond".to_owned();
    assert_eq!(*outcome(&report), Outcome::NoFixture(reason));
    let message = std::panic::catch_unwind(|| report.assert_passed()).unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert_eq!(message.matches("does not respond").count(), 1, "{message}");
}

#[test]
fn one_fixture_that_cannot_be_built_fails_one_case() {
    let tries = AtomicU32::new(0);
    let report = block_on(run(async || {
        if tries.fetch_add(1, Ordering::SeqCst) == 5 {
            return Err(FixtureError::new("no user was left"));
        }
        Ok(deleting())
    }));
    assert_eq!(report.failures().count(), 1, "{report}");
    assert!(report.to_string().contains("no fixture: no user was left"));
}

#[test]
fn a_panic_while_a_fixture_is_built_is_no_failure_of_the_provider() {
    let report = block_on(run(async || -> MemoryFixture { panic!("no port") }));
    let reason = "it panicked: no port".to_owned();
    assert_eq!(*outcome(&report), Outcome::NoFixture(reason));
}

#[test]
fn a_fixture_is_closed_after_its_case_whatever_the_outcome() {
    let closed = Arc::<AtomicU32>::default();
    let suite = Suite::new(async || Forgiving {
        closed: Arc::clone(&closed),
        close: Err(FixtureError::new("the user is still there")),
        ..Forgiving::new()
    });
    let report = block_on(suite.run_some(|case| case.name() == CASE));
    assert_eq!(closed.load(Ordering::SeqCst), 1);
    let text = report.to_string();
    assert!(
        text.contains("left behind: the user is still there"),
        "{text}"
    );
}

#[test]
fn heavy_cases_and_those_above_the_limit_are_left_out_and_the_report_says_so() {
    let suite = Suite::new(async || deleting()).without_heavy_cases();
    let report = block_on(suite.run());
    for case in cases().filter(|case| case.is_heavy()) {
        let reason = "heavy cases are left out".to_owned();
        assert_eq!(
            report.outcome(case.name()),
            Some(&Outcome::NotApplicable(reason))
        );
    }
    report.assert_passed();

    let suite = Suite::new(async || deleting()).with_request_limit(100, Duration::from_secs(60));
    let report = block_on(suite.run_some(|case| case.name() == CASE));
    let reason = "it may send 250 requests, and the account 100 in 60 s".to_owned();
    assert_eq!(*outcome(&report), Outcome::NotApplicable(reason));
}

#[test]
fn a_case_waits_for_the_limit_and_says_so() {
    let period = Duration::from_millis(300);
    let waits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&waits);
    let suite = Suite::new(async || deleting())
        .with_request_limit(255, period)
        .with_progress(move |progress| {
            if let Progress::Waiting(case, wait) = progress {
                seen.lock().unwrap().push((case.name(), wait));
            }
        });
    let report = block_on(suite.run_some(|case| case.group() == "listing" && !case.is_heavy()));
    let waits = waits.lock().unwrap();
    assert!(!waits.is_empty());
    let waited: Duration = report.entries().iter().map(|entry| entry.waited).sum();
    assert_eq!(waited, waits.iter().map(|(_, wait)| *wait).sum());
    assert!(waits.iter().all(|(_, wait)| *wait <= period));
}

#[test]
fn what_runs_is_known_before_it_ends() {
    let started = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&started);
    let suite = Suite::new(async || std::future::pending::<MemoryFixture>().await).with_progress(
        move |progress| {
            if let Progress::Started(case) = progress {
                seen.lock().unwrap().push(case.name());
            }
        },
    );
    let mut run = Box::pin(suite.run_some(|case| case.name() == CASE));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(run.as_mut().poll(&mut context).is_pending());
    assert_eq!(*started.lock().unwrap(), [CASE]);
}

#[test]
fn a_report_has_durations_requests_and_places() {
    let report = block_on(run(async || deleting()));
    let entry = |name| report.entries().iter().find(|entry| entry.name == name);
    let ran = entry(CASE).unwrap();
    assert!(ran.duration > Duration::ZERO);
    assert!(ran.requests > 0);
    assert!(ran.location.contains("revocation.rs:") || ran.location.contains("rotation.rs:"));
    assert!(report.requests() > 500);
}

#[test]
fn a_report_survives_json() {
    let suite = Suite::new(async || Forgiving::new())
        .with_account_kind("a platform | in memory")
        .with_deviation(CASE, "secrets *live*\nuntil midnight");
    let report = block_on(suite.run());
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["provider"], "memory");
    assert_eq!(json["account_kind"], "a platform | in memory");
    assert_eq!(json["passed"], report.passed());
    assert_eq!(json["requests"], report.requests());
    let cases = json["cases"].as_array().unwrap();
    assert_eq!(cases.len(), report.entries().len());
    for (case, entry) in cases.iter().zip(report.entries()) {
        assert_eq!(case["name"], entry.name);
        assert_eq!(case["law"], entry.law);
        assert_eq!(case["outcome"], entry.outcome.as_str());
        assert_eq!(case["reason"].as_str(), entry.outcome.reason());
        assert_eq!(case["requests"], entry.requests);
        assert_eq!(
            case["left_out"].as_array().unwrap().len(),
            entry.left_out.len()
        );
        let failure = entry.outcome.failure();
        let happened = failure.map(|failure| failure.happened.as_str());
        assert_eq!(case["happened"].as_str(), happened);
        assert!(case["duration_ms"].is_u64());
        assert!(case["place"].as_str().unwrap().starts_with("src/cases/"));
    }
    let total: u64 = json["totals"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(total, cases.len() as u64);
    assert_eq!(json["totals"]["deviates"], 1);

    let markdown = report.to_markdown();
    assert!(markdown.contains("## Declared deviations"), "{markdown}");
    assert!(
        markdown.contains("deviates: secrets \\*live\\* until midnight"),
        "{markdown}"
    );
    assert!(
        markdown.contains("| account | a platform \\| in memory |"),
        "{markdown}"
    );
}
