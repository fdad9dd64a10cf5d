//! The suite works with limited fixtures and with accounts that are not empty.

#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that all of this is a test"
)]

use std::sync::Arc;

use async_trait::async_trait;
use futures_executor::block_on;
use tokenfleet_conformance::{
    ExistingToken, Fault, Fixture, InsertedToken, MemoryFixture, MemoryProfile, Report, TokenSpec,
    cases, run, run_some,
};
use tokenfleet_core::capability::{ArgumentDescription, CreateCapability};
use tokenfleet_core::{Secret, TokenId, TokenProvider};

/// A fixture with the required methods only, which does not know the secrets of inserted tokens.
struct MinimalFixture(MemoryFixture);

#[async_trait]
impl Fixture for MinimalFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.0.provider()
    }

    fn credentials(&self) -> Vec<Secret> {
        self.0.credentials()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        let inserted = self.0.insert(spec).await?;
        Some(InsertedToken::new(inserted.id))
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        let tokens = self.0.tokens().await.into_iter();
        tokens
            .map(|token| {
                let existing = ExistingToken::new(token.id, token.state);
                if token.is_unlisted {
                    existing.with_unlisted()
                } else {
                    existing
                }
            })
            .collect()
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.0.accepts(secret).await
    }

    fn request_count(&self) -> u64 {
        self.0.request_count()
    }
}

/// Creates a fixture with one token, which on many platforms is the acting credential.
async fn fixture_with_token(profile: MemoryProfile) -> MemoryFixture {
    let fixture = MemoryFixture::new(profile);
    fixture
        .insert(TokenSpec::active().with_name("acting"))
        .await;
    fixture
}

fn ran(report: &Report, name: &str) -> bool {
    report.ran().any(|ran| ran == name)
}

#[test]
fn a_fixture_of_six_methods_is_enough_for_most_cases() {
    for profile in MemoryProfile::all() {
        // The clock of this platform stands still if nobody moves it.
        if profile.capabilities.read_delay.is_some() {
            continue;
        }
        let make_fixture = async || MinimalFixture(MemoryFixture::new(profile.clone()));
        let report = block_on(run(make_fixture));
        report.assert_passed();
        if profile.capabilities.revoke.is_some() && profile.name() != "single-key" {
            assert!(ran(&report, "a revoked secret is dead"), "{report}");
        }
        let mut skipped = report.not_applicable();
        assert!(
            skipped.any(|(_, reason)| reason.contains("the fixture")),
            "{report}"
        );
    }
}

#[test]
fn a_required_text_that_the_fixture_does_not_name_fails_no_case() {
    let mut profile = MemoryProfile::deleting();
    let region = ArgumentDescription::text("region").required();
    let create = CreateCapability::new().with_required_name();
    profile.capabilities.create = Some(create.with_argument(region));
    let make_fixture = async || MinimalFixture(MemoryFixture::new(profile.clone()));
    let report = block_on(run(make_fixture));
    report.assert_passed();
    let mut skipped = report.not_applicable();
    assert!(
        skipped.any(|(_, reason)| reason.contains("the required argument region")),
        "{report}"
    );
}

#[test]
fn a_token_that_exists_before_a_case_does_not_affect_it() {
    for profile in MemoryProfile::all() {
        block_on(run(async || fixture_with_token(profile.clone()).await)).assert_passed();
    }
}

#[test]
fn a_run_can_be_limited_to_one_law() {
    let make_fixture = async || MemoryFixture::new(MemoryProfile::keyset());
    let report = block_on(run_some(make_fixture, |case| case.law() == 4));
    assert_eq!(
        report.entries().len(),
        cases().filter(|case| case.law() == 4).count()
    );
    assert_eq!(report.ran().count(), report.entries().len());
}

#[test]
fn the_reference_fixture_loses_requests_and_responses_on_request() {
    let fixture = MemoryFixture::new(MemoryProfile::full());
    block_on(async {
        let provider = fixture.provider();
        let id = fixture.insert(TokenSpec::active()).await.unwrap().id;
        assert!(fixture.inject(Fault::LoseRequest).await);
        assert!(provider.get(&id).await.unwrap_err().is_retryable());
        assert_eq!(fixture.request_count(), 0);
        assert!(fixture.inject(Fault::LoseResponse).await);
        assert!(provider.rotate(&id).await.unwrap_err().may_have_applied());
        assert_eq!(fixture.request_count(), 1);
        assert!(provider.get(&TokenId::new("1")).await.is_ok());
    });
}

#[test]
fn a_case_says_what_it_did_without() {
    let make_fixture = async || MinimalFixture(MemoryFixture::new(MemoryProfile::retaining()));
    let report = block_on(run(make_fixture));
    let left_out = |name| {
        let entry = report.entries().iter().find(|entry| entry.name == name);
        entry
            .unwrap_or_else(|| panic!("{name}"))
            .left_out
            .join("; ")
    };
    assert_eq!(
        left_out("a requested expiry is kept"),
        "the expiry on the platform: the fixture does not know it; \
         what happens later: the fixture cannot move the clock"
    );
    assert_eq!(
        left_out("errors do not reveal a secret"),
        "LoseRequest: the fixture cannot inject this fault; \
         LoseResponse: the fixture cannot inject this fault; \
         a wrong credential: the fixture has no provider with one"
    );
    let text = report.to_string();
    assert!(text.contains("left out: what happens later"), "{text}");

    let full = block_on(run(async || MemoryFixture::new(MemoryProfile::full())));
    let left_out = full
        .entries()
        .iter()
        .find(|entry| !entry.left_out.is_empty());
    assert_eq!(left_out, None, "a whole fixture leaves nothing out");
}
