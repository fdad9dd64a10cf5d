//! How many requests the cases send.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "clippy does not see that all of this is a test"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_executor::block_on;
use tokenfleet_conformance::{
    ExistingToken, Fault, Fixture, InsertedToken, MemoryFixture, MemoryProfile, TokenSpec, cases,
    run,
};
use tokenfleet_core::capability::{ArgumentDescription, ArgumentValue};
use tokenfleet_core::{Secret, Timestamp, TokenId, TokenProvider};

/// A fixture that needs a request for everything that it does, as one of a real server.
struct CountingFixture(MemoryFixture, AtomicU64);

impl CountingFixture {
    fn count(&self) -> &MemoryFixture {
        self.1.fetch_add(1, Ordering::SeqCst);
        &self.0
    }
}

#[async_trait]
impl Fixture for CountingFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.0.provider()
    }

    fn credentials(&self) -> Vec<Secret> {
        self.0.credentials()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        self.count().insert(spec).await
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        self.count().tokens().await
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.count().accepts(secret).await
    }

    fn request_count(&self) -> u64 {
        self.0.request_count()
    }

    fn total_requests(&self) -> u64 {
        self.request_count() + self.1.load(Ordering::SeqCst)
    }

    async fn remove(&self, id: &TokenId) -> bool {
        self.count().remove(id).await
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        self.0.intruder()
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn advance(&self, by: Duration) -> bool {
        self.0.advance(by).await
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.0.inject(fault).await
    }

    fn origin(&self) -> Option<String> {
        self.0.origin()
    }

    fn argument(&self, argument: &ArgumentDescription) -> Option<ArgumentValue> {
        self.0.argument(argument)
    }

    fn scopes(&self) -> Vec<String> {
        self.0.scopes()
    }
}

#[test]
fn no_case_sends_more_requests_than_it_is_expected_to() {
    let mut too_heavy = BTreeSet::new();
    for profile in MemoryProfile::all() {
        let list = profile.capabilities.list.as_ref();
        let max_page_size = list.and_then(|list| list.max_page_size);
        // Smaller pages are more requests, whatever a case does.
        if max_page_size.is_some_and(|size| size < 10) {
            continue;
        }
        let make = async || CountingFixture(MemoryFixture::new(profile.clone()), AtomicU64::new(0));
        let report = block_on(run(make));
        println!("{}: {} requests", profile.name(), report.requests());
        for (entry, case) in report.entries().iter().zip(cases()) {
            if entry.requests > case.expected_requests() {
                too_heavy.insert(format!("{} requests: {}", entry.requests, case.name()));
            }
        }
    }
    assert!(
        too_heavy.is_empty(),
        "make them smaller, or add them to HEAVY in src/weight.rs: {too_heavy:#?}"
    );
}
