//! Every adapter keeps every law, whichever way the unknown facts of its platform turn out.

use tokenfleet_conformance::Fixture;
use tokenfleet_conformance::run;
use tokenfleet_core::{CreateToken, ErrorKind, Fate, RevocationOutcome, RevokeOptions};
use tokenfleet_foreman::Release;
use tokenfleet_tests::{SimulatedFixture, cloudsmith, foreman, losant, mindbody};

/// Runs the suite and shows what ran, what was refused, and what did not apply and why.
async fn check(platform: &str, fixture: impl Fn() -> SimulatedFixture) {
    let report = run(async || fixture()).await;
    println!("{platform}\n{report}");
    report.assert_passed();
}

/// Runs the suite once for every other setting of every switch of a simulator, but for those that a test of its own
/// covers.
async fn check_switches(
    provider: &str,
    elsewhere: &[&str],
    fixture: impl Fn(&[&str]) -> SimulatedFixture,
) {
    for (switch, settings) in tokenfleet_simulators::switches(provider).unwrap() {
        for setting in settings.iter().skip(1) {
            let option = format!("{switch}={setting}");
            if !elsewhere.contains(&option.as_str()) && !elsewhere.contains(&switch) {
                check(&format!("{provider} {option}"), || fixture(&[&option])).await;
            }
        }
    }
}

#[tokio::test]
async fn losant_keeps_every_law_whatever_is_unknown_of_it() {
    check("losant", || losant(&[])).await;
    check("losant with small pages", || losant(&["max_per_page=3"])).await;
    check("losant with no larger pages", || {
        losant(&["max_per_page=100", "above_max=refuse"])
    })
    .await;
    check_switches("losant", &["above_max"], losant).await;
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
async fn foreman_keeps_every_law_whatever_is_unknown_of_it() {
    check("foreman without its version", || {
        foreman(&["version_header=false"], None)
    })
    .await;
    check("foreman in another zone", || {
        foreman(&["zone=Asia/Kolkata"], None)
    })
    .await;
    check_switches("foreman", &[], |options| foreman(options, None)).await;
}

#[tokio::test]
async fn cloudsmith_keeps_every_law_whatever_is_unknown_of_it() {
    check("cloudsmith", || cloudsmith(&[], false)).await;
    check("cloudsmith with the key it acts with", || {
        cloudsmith(&["tokens=1", "credential=own"], false)
    })
    .await;
    check("cloudsmith with a password", || cloudsmith(&[], true)).await;
    check("cloudsmith without limits", || {
        cloudsmith(&["rate_limit=none"], false)
    })
    .await;
    // The login is not the provider's, and a second key contradicts the documented error.
    let elsewhere = ["credential", "login", "two_factor_answer", "second_key"];
    check_switches("cloudsmith", &elsewhere, |options| {
        cloudsmith(options, false)
    })
    .await;
}

#[tokio::test]
async fn mindbody_keeps_every_law_whatever_is_unknown_of_it() {
    check("mindbody", || mindbody(&[], false)).await;
    check("mindbody in the bare spelling", || mindbody(&[], true)).await;
    let elsewhere = ["issue_again", "older_tokens"];
    check_switches("mindbody", &elsewhere, |options| mindbody(options, false)).await;
}

#[tokio::test]
async fn mindbody_may_refuse_to_issue_twice_and_the_first_token_lives() {
    let fixture = mindbody(&["issue_again=refused"], false);
    let provider = fixture.provider();
    let first = provider.create(CreateToken::unnamed()).await.unwrap();
    let refusal = provider.create(CreateToken::unnamed()).await.unwrap_err();
    assert_eq!(
        (refusal.kind(), refusal.fate()),
        (ErrorKind::Unauthenticated, Fate::Rejected)
    );
    assert!(fixture.accepts(&first.secret).await);
}

#[tokio::test]
async fn mindbody_may_end_older_tokens_and_revoking_them_finds_them_gone() {
    let fixture = mindbody(&["older_tokens=end"], false);
    let provider = fixture.provider();
    let first = provider.create(CreateToken::unnamed()).await.unwrap();
    let second = provider.create(CreateToken::unnamed()).await.unwrap();
    assert!(!fixture.accepts(&first.secret).await);
    let options = RevokeOptions::default();
    let gone = provider
        .revoke((&first.secret).into(), options)
        .await
        .unwrap();
    assert_eq!(gone.outcome, RevocationOutcome::AlreadyGone);
    assert!(fixture.accepts(&second.secret).await);
}
