//! The suite copes with fixtures that can do less, and with accounts that are not empty.

#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that all of this is a test"
)]

use std::sync::Arc;

use async_trait::async_trait;
use futures_executor::block_on;
use tokenfleet_conformance::{
    Existing, Fault, Fixture, Inserted, MemoryFixture, MemoryProfile, Report, TokenSpec, cases,
    run, run_some,
};
use tokenfleet_core::{Secret, TokenId, TokenProvider};

/// Only what every fixture must do, and it tells no secret of what it inserts.
struct Modest(MemoryFixture);

#[async_trait]
impl Fixture for Modest {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.0.provider()
    }

    fn credentials(&self) -> Vec<Secret> {
        self.0.credentials()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<Inserted> {
        let inserted = self.0.insert(spec).await?;
        Some(Inserted::new(inserted.id))
    }

    async fn tokens(&self) -> Vec<Existing> {
        let tokens = self.0.tokens().await.into_iter();
        tokens
            .map(|token| Existing::new(token.id, token.state))
            .collect()
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.0.accepts(secret).await
    }

    fn requests(&self) -> u64 {
        self.0.requests()
    }
}

/// One token is there before: the acting credential itself, on many platforms.
async fn inhabited(profile: MemoryProfile) -> MemoryFixture {
    let fixture = MemoryFixture::new(profile);
    fixture.insert(TokenSpec::active().named("acting")).await;
    fixture
}

fn ran(report: &Report, name: &str) -> bool {
    report.ran().any(|ran| ran == name)
}

#[test]
fn a_fixture_of_six_methods_is_enough_for_most_cases() {
    for profile in MemoryProfile::all() {
        let make = async || Modest(MemoryFixture::new(profile.clone()));
        let report = block_on(run(make));
        report.assert_passed();
        if profile.capabilities.revoke.is_some() && profile.name() != "single-key" {
            assert!(ran(&report, "a revoked secret is dead"), "{report}");
        }
        let reasons: Vec<_> = report.not_applicable().map(|(_, reason)| reason).collect();
        assert!(
            reasons.iter().any(|reason| reason.contains("the fixture")),
            "{report}"
        );
    }
}

#[test]
fn a_token_that_is_there_before_disturbs_no_case() {
    for profile in MemoryProfile::all() {
        block_on(run(async || inhabited(profile.clone()).await)).assert_passed();
    }
}

#[test]
fn a_run_can_be_narrowed_to_one_law() {
    let make = async || MemoryFixture::new(MemoryProfile::marking());
    let report = block_on(run_some(make, |case| case.law() == 4));
    assert_eq!(
        report.entries().len(),
        cases().filter(|case| case.law() == 4).count()
    );
    assert_eq!(report.ran().count(), report.entries().len());
}

#[test]
fn the_reference_fixture_loses_requests_and_answers_as_asked() {
    let fixture = MemoryFixture::new(MemoryProfile::everything());
    block_on(async {
        let provider = fixture.provider();
        let id = fixture.insert(TokenSpec::active()).await.unwrap().id;
        assert!(fixture.inject(Fault::LoseRequest).await);
        assert!(provider.get(&id).await.unwrap_err().is_retryable());
        assert_eq!(fixture.requests(), 0);
        assert!(fixture.inject(Fault::LoseAnswer).await);
        assert!(provider.rotate(&id).await.unwrap_err().may_have_applied());
        assert_eq!(fixture.requests(), 1);
        assert!(provider.get(&TokenId::new("1")).await.is_ok());
    });
}
