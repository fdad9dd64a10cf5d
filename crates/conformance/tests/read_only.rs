//! A provider behind the wrapper that refuses every write.

#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that all of this is a test"
)]

use std::sync::Arc;

use futures_executor::block_on;
use tokenfleet_conformance::{MemoryFixture, MemoryProfile, Report, run};
use tokenfleet_core::*;

fn read_only(provider: Arc<dyn TokenProvider>) -> Arc<dyn TokenProvider> {
    Arc::new(ReadOnly::new(provider, "the brake"))
}

/// Returns a profile of a platform that can do the same, except for writes.
fn without_writes(mut profile: MemoryProfile) -> MemoryProfile {
    let capabilities = &mut profile.capabilities;
    capabilities.create = None;
    capabilities.update = None;
    capabilities.rotate = false;
    capabilities.renew = None;
    capabilities.revoke = None;
    profile
}

#[test]
fn every_case_that_reads_or_finds_runs_and_passes_behind_a_read_only_provider() {
    let mut found = 0;
    for profile in MemoryProfile::all().into_iter().map(without_writes) {
        let plain = block_on(run(async || MemoryFixture::new(profile.clone())));
        let wrapped = block_on(run(async || {
            MemoryFixture::new(profile.clone()).with_wrapper(read_only)
        }));
        wrapped.assert_passed();
        let ran = |report: &Report| report.ran().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(ran(&wrapped), ran(&plain), "{}", profile.name());
        let is_found = |case: &String| case == "the token that is found for a secret is its own";
        found += ran(&wrapped).iter().filter(|case| is_found(case)).count();
    }
    assert!(found > 0, "no case finds a token");
}
