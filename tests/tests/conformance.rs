//! Every adapter keeps every law, whichever way the unknown facts of its platform turn out.

use tokenfleet_conformance::run;
use tokenfleet_foreman::Release;
use tokenfleet_tests::{SimulatedFixture, cloudsmith, foreman, losant, mindbody};

/// Runs the suite and shows what ran, what was refused, and what did not apply and why.
async fn check(platform: &str, fixture: impl Fn() -> SimulatedFixture) {
    let report = run(async || fixture()).await;
    println!("{platform}\n{report}");
    report.assert_passed();
}

#[tokio::test]
async fn losant_keeps_every_law() {
    check("losant", || losant(&[])).await;
}

#[tokio::test]
async fn losant_keeps_every_law_for_applications_and_instances() {
    check("losant application", || losant(&["collection=application"])).await;
    check("losant instance", || losant(&["collection=instance"])).await;
}

#[tokio::test]
async fn losant_keeps_every_law_whatever_is_unknown_of_it() {
    for option in [
        "api=1.20",
        "max_per_page=3",
        "collation=ignore_case",
        "missing_expiry=last",
        "glob_case=insensitive",
        "past_expiry=refuse",
        "no_expiry=null",
        "malformed_id=not_found",
    ] {
        check(option, || losant(&[option])).await;
    }
}

#[tokio::test]
async fn foreman_keeps_every_law_in_every_release() {
    for (version, release) in [
        ("version=1.24", Release::new(1, 24)),
        ("version=2.5", Release::new(2, 5)),
        ("version=3.1", Release::new(3, 1)),
        ("version=3.2", Release::new(3, 2)),
        ("version=3.8", Release::new(3, 8)),
        ("version=3.9", Release::new(3, 9)),
        ("version=3.13", Release::new(3, 13)),
    ] {
        check(version, || foreman(&[version], Some(release))).await;
        check(version, || foreman(&[version], None)).await;
    }
}

#[tokio::test]
async fn cloudsmith_keeps_every_law_with_a_key_of_its_own_or_another() {
    check("cloudsmith", || cloudsmith(&[], false)).await;
    check("cloudsmith own", || {
        cloudsmith(&["tokens=1", "credential=own"], false)
    })
    .await;
    check("cloudsmith password", || cloudsmith(&[], true)).await;
}

#[tokio::test]
async fn cloudsmith_keeps_every_law_whatever_is_unknown_of_it() {
    for option in [
        "slug_on_refresh=changes",
        "created_on_refresh=stays",
        "empty_headers=present",
        "rate_limit=none",
        "missing_slash=not_found",
    ] {
        check(option, || cloudsmith(&[option], false)).await;
    }
}

#[tokio::test]
async fn mindbody_keeps_every_law_in_both_spellings() {
    check("mindbody bearer", || mindbody(&[], false)).await;
    check("mindbody bare", || mindbody(&[], true)).await;
}
