//! Every adapter keeps every law, whichever way the unknown facts of its platform turn out.

use tokenfleet_conformance::{Fixture, run, run_some};
use tokenfleet_core::{CreateToken, ErrorKind, Fate, RevocationOutcome, RevokeOptions};
use tokenfleet_foreman::Release;
use tokenfleet_simulators::{Action, Canned, Fault};
use tokenfleet_tests::{
    FOREMAN_RELEASES, SimulatedFixture, Wrong, assert_expected, cloudsmith, foreman, losant,
    mindbody, mindbody_intruded,
};

/// Runs the suite and shows what ran, what was refused, and what did not apply and why.
async fn check(platform: &str, fixture: impl Fn() -> SimulatedFixture) {
    let report = run(async || fixture()).await;
    println!("{platform}\n{report}");
    report.assert_passed();
}

/// Runs the suite on a platform as it is by default, and holds what became of every case against a list: so a case that
/// quietly ceased to apply is noticed.
async fn check_and_compare(platform: &str, fixture: impl Fn() -> SimulatedFixture) {
    let report = run(async || fixture()).await;
    report.assert_passed();
    assert_expected(platform, &report.to_string());
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
    check_and_compare("losant", || losant(&[])).await;
    check("losant with small pages", || losant(&["max_per_page=3"])).await;
    check("losant with no larger pages", || {
        losant(&["max_per_page=100", "above_max=refuse"])
    })
    .await;
    check_switches("losant", &["above_max"], losant).await;
}

#[tokio::test]
async fn foreman_keeps_every_law_in_every_release() {
    for (version, release) in FOREMAN_RELEASES {
        check(version, || foreman(&[version], Some(release))).await;
        check(version, || foreman(&[version], None)).await;
    }
}

#[tokio::test]
async fn foreman_keeps_every_law_whatever_is_unknown_of_it() {
    check_and_compare("foreman", || foreman(&[], Some(Release::new(3, 13)))).await;
    check("foreman without its version", || {
        foreman(&["version_header=false"], None)
    })
    .await;
    check("foreman in another zone", || {
        foreman(&["zone=Asia/Kolkata"], None)
    })
    .await;
    // An expiry that is not kept must fail a case, as another test shows.
    check_switches("foreman", &["asked_expiry"], |options| {
        foreman(options, None)
    })
    .await;
}

#[tokio::test]
async fn cloudsmith_keeps_every_law_whatever_is_unknown_of_it() {
    check_and_compare("cloudsmith", || cloudsmith(&[], false)).await;
    check_and_compare("cloudsmith-own-key", || {
        cloudsmith(&["tokens=1", "credential=own"], false)
    })
    .await;
    check("cloudsmith with a password", || cloudsmith(&[], true)).await;
    check("cloudsmith without limits", || {
        cloudsmith(&["rate_limit=none"], false)
    })
    .await;
    check("cloudsmith taking a wrong key for nobody's", || {
        let nobody = ["bad_key=anonymous", "anonymous_list=empty"];
        cloudsmith(&nobody, false)
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
    check_and_compare("mindbody", || mindbody(&[], false)).await;
    check("mindbody in the bare spelling", || mindbody(&[], true)).await;
    let elsewhere = ["issue_again", "older_tokens"];
    check_switches("mindbody", &elsewhere, |options| mindbody(options, false)).await;
}

#[tokio::test]
async fn mindbody_refuses_a_wrong_api_key_whatever_is_unknown_of_the_refusal() {
    for wrong_api_key in ["wrong_api_key=401", "wrong_api_key=403"] {
        for second_revoke in ["second_revoke=401", "second_revoke=403"] {
            check("mindbody with a wrong API key", || {
                let options = [wrong_api_key, second_revoke];
                mindbody_intruded(&options, false, Wrong::ApiKey)
            })
            .await;
        }
    }
}

/// A site is no credential, so a refusal of it may be of another kind; but it must not pass for a death.
#[tokio::test]
async fn mindbody_at_a_wrong_site_kills_nothing_and_says_so() {
    const CASE: &str = "a wrong credential leads to no false claim about a secret";
    for wrong in [Wrong::Site, Wrong::OtherSite] {
        for status in ["400", "401", "403"] {
            let wrong_site = format!("wrong_site={status}");
            let foreign_site = format!("foreign_site={}", status.replace("400", "401"));
            for second_revoke in ["second_revoke=401", "second_revoke=403"] {
                let options = [wrong_site.as_str(), foreign_site.as_str(), second_revoke];
                let make = async || mindbody_intruded(&options, false, wrong);
                let report = run_some(make, |case| case.name() == CASE).await;
                println!("{wrong:?} {options:?}\n{report}");
                report.assert_passed();
                assert!(report.ran().any(|name| name == CASE));
            }
        }
    }
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

/// What Mindbody answers to a renewal is not specified, also not that it answers anything.
#[tokio::test]
async fn mindbody_may_answer_a_renewal_with_nothing_and_the_secret_lives_on() {
    for status in [200, 204] {
        let fixture = mindbody(&[], false);
        let provider = fixture.provider();
        let issued = provider.create(CreateToken::unnamed()).await.unwrap();
        let nothing = Action::AnswerAfterwards(Canned::status(status));
        let renewal = Fault::new(nothing).path("/public/v6/usertoken/renew");
        fixture.simulator().faults().add(renewal);
        let renewed = provider.renew(&issued.secret).await.unwrap();
        assert!(renewed.secret.is_none());
        assert_eq!(renewed.token.id, issued.token.id);
        assert!(!renewed.token.expiry.is_reported(), "nobody said when");
        assert!(fixture.accepts(&issued.secret).await);
    }
}
