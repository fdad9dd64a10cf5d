//! Providers that keep every law and that the suite once failed all the same.

#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that all of this is a test"
)]

use std::time::Duration;

use futures_executor::block_on;
use tokenfleet_conformance::{Fixture, MemoryFixture, MemoryProfile, run};
use tokenfleet_core::Capabilities;
use tokenfleet_core::capability::{ArgumentDescription, CreateCapability};

/// Returns a platform whose largest page holds this many tokens.
fn with_max_page_size(profile: MemoryProfile, size: u32) -> MemoryProfile {
    let mut profile = profile;
    let capabilities: &mut Capabilities = &mut profile.capabilities;
    if let Some(list) = &mut capabilities.list {
        list.max_page_size = Some(size);
        list.default_page_size = list.default_page_size.map(|default| default.min(size));
    }
    profile
}

#[test]
fn a_platform_with_small_pages_passes() {
    for size in [10, 2, 1] {
        for profile in [
            MemoryProfile::deleting(),
            MemoryProfile::full(),
            MemoryProfile::keyset(),
            MemoryProfile::hiding(),
        ] {
            let make_fixture =
                async || MemoryFixture::new(with_max_page_size(profile.clone(), size));
            block_on(run(make_fixture)).assert_passed();
        }
    }
}

#[test]
fn a_platform_whose_tokens_live_for_a_month_at_most_passes() {
    const DAY: Duration = Duration::from_secs(86_400);
    let create = || CreateCapability::new().with_required_name();
    for create in [
        create().with_required_expiry(),
        create().with_expiry(),
        create().with_lifetime(Duration::from_secs(5)),
    ] {
        for days in [30, 1] {
            let mut profile = MemoryProfile::deleting();
            profile.default_lifetime = Some(days * DAY);
            profile.capabilities.create = Some(create.clone().with_max_lifetime(days * DAY));
            block_on(run(async || MemoryFixture::new(profile.clone()))).assert_passed();
        }
    }
}

#[test]
fn a_platform_that_requires_a_text_and_a_list_passes() {
    let mut profile = MemoryProfile::deleting();
    let create = CreateCapability::new()
        .with_required_name()
        .with_argument(ArgumentDescription::text("region").required())
        .with_argument(ArgumentDescription::list("cidr").required());
    profile.capabilities.create = Some(create);
    let report = block_on(run(async || MemoryFixture::new(profile.clone())));
    report.assert_passed();
    assert!(
        report
            .ran()
            .any(|case| case.starts_with("an argument of the platform is kept"))
    );
}

#[test]
fn a_platform_that_takes_lifetimes_passes_whatever_its_clock_says() {
    for offset in [0, 3_600] {
        let make_fixture = async || {
            let fixture = MemoryFixture::new(MemoryProfile::lifetimes());
            fixture.advance(Duration::from_secs(offset)).await;
            fixture
        };
        block_on(run(make_fixture)).assert_passed();
    }
}

#[test]
fn a_platform_that_widens_scopes_and_says_so_passes() {
    let mut profile = MemoryProfile::deleting();
    profile.added_scopes = vec!["read:self".to_owned()];
    let create = profile.capabilities.create.take().unwrap();
    profile.capabilities.create = Some(create.with_widened_scopes());
    block_on(run(async || MemoryFixture::new(profile.clone()))).assert_passed();

    // Undeclared, a token may do more than was requested.
    let create = profile.capabilities.create.as_mut().unwrap();
    create.widened_scopes = false;
    let report = block_on(run(async || MemoryFixture::new(profile.clone())));
    let failed: Vec<_> = report.failures().map(|entry| entry.name).collect();
    assert_eq!(failed, ["scopes are kept"]);
}

#[test]
fn a_platform_whose_tokens_never_expire_passes() {
    let make_fixture = async || MemoryFixture::new(MemoryProfile::never_expiring());
    let report = block_on(run(make_fixture));
    report.assert_passed();
    assert!(
        report
            .ran()
            .any(|case| case == "a token created without an expiry never expires")
    );
    assert!(
        report
            .refused()
            .any(|case| case == "a requested expiry is kept")
    );
}
