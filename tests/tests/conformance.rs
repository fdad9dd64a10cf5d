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
    for options in [
        &["api=1.20"][..],
        &["accept_version=enforce"],
        &["max_per_page=3"],
        &["max_per_page=100", "above_max=refuse"],
        &["bad_page=default"],
        &["collation=ignore_case"],
        &["ties=reverse_id"],
        &["missing_expiry=last"],
        &["glob_case=insensitive"],
        &["past_expiry=refuse"],
        &["no_expiry=null"],
        &["unauthorized_type=InvalidCredentials"],
        &["lacking_scope=401"],
        &["malformed_id=404"],
        &["trailing_slash=refuse"],
        &["unmapped=404"],
    ] {
        check(&format!("losant {options:?}"), || losant(options)).await;
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
        "rate_interval=spread",
        "rate_limit=none",
        "key_format=prefixed",
        "mask=last_four",
        "mask=first_four",
        "mask=empty",
        "slug_on_refresh=changes",
        "created_on_refresh=stays",
        "times=microseconds",
        "times=offset",
        "empty_headers=present",
        "past_end=empty",
        "links=full",
        "unknown_slug=framework",
        "bad_key=sentence",
        "missing_slash=404",
        "missing_slash=accept",
    ] {
        check(&format!("cloudsmith {option}"), || {
            cloudsmith(&[option], false)
        })
        .await;
    }
}

#[tokio::test]
async fn mindbody_keeps_every_law_in_both_spellings() {
    check("mindbody bearer", || mindbody(&[], false)).await;
    check("mindbody bare", || mindbody(&[], true)).await;
}

#[tokio::test]
async fn mindbody_keeps_every_law_whatever_is_unknown_of_it() {
    for option in [
        "user_type=Staff",
        "user_type=Admin",
        "token_format=long",
        "expires=absent",
        "expires_format=seconds",
        "expires_format=ticks",
        "expires_format=offset",
        "expires_format=bare",
        "renewed_token=changes",
        "renew_answer=without_token",
        "renew_answer=empty",
        "renewals_exhausted=400",
        "renewals_exhausted=unchanged",
        "revoke_answer=empty",
        "revoke_answer=204",
        "second_revoke=403",
        "wrong_api_key=403",
        "wrong_site=401",
        "wrong_site=403",
        "foreign_site=403",
        "empty_username=403",
        "issue_again=refused",
        "older_tokens=end",
    ] {
        check(&format!("mindbody {option}"), || mindbody(&[option], false)).await;
    }
}
