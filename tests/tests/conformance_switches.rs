//! Every adapter keeps every law, however the unknown facts of its platform turn out.
//! `conformance.rs` runs the suite on the default platforms.

use tokenfleet_conformance::{Fixture, run, run_some};
use tokenfleet_core::{CreateToken, ErrorKind, Fate, RevokeOptions, Secret, SecretShape};
use tokenfleet_simulators::{Action, Canned, Fault};
use tokenfleet_tests::{
    FOREMAN_RELEASES, MindbodyMistake, SimulatedFixture, cloudsmith, foreman, losant, mindbody,
    mindbody_with_intruder,
};

/// Runs the suite and prints what ran, what was refused, and what did not apply and why.
async fn check(platform: &str, fixture: impl Fn() -> SimulatedFixture) {
    let report = run(async || fixture()).await;
    println!("{platform}\n{report}");
    report.assert_passed();
}

/// Runs the suite once for every other setting of every switch of a simulator, except those that
/// another test covers.
async fn check_switches(
    provider: &str,
    covered_elsewhere: &[&str],
    fixture: impl Fn(&[&str]) -> SimulatedFixture,
) {
    for (switch, settings) in tokenfleet_simulators::switches(provider).unwrap() {
        for setting in settings.iter().skip(1) {
            let option = format!("{switch}={setting}");
            if !covered_elsewhere.contains(&option.as_str()) && !covered_elsewhere.contains(&switch)
            {
                check(&format!("{provider} {option}"), || fixture(&[&option])).await;
            }
        }
    }
}

// Losant does not document the largest page of tokens.
#[tokio::test]
async fn losant_keeps_every_law_however_small_its_largest_page_is() {
    for options in [
        &["max_per_page=3"][..],
        &["max_per_page=100", "above_max=refuse"],
    ] {
        check(&format!("losant {options:?}"), || losant(options)).await;
    }
}

#[tokio::test]
async fn losant_keeps_every_law_whatever_its_unknown_facts() {
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
async fn foreman_keeps_every_law_whatever_its_unknown_facts() {
    check("foreman without its version", || {
        foreman(&["version_header=false"], None)
    })
    .await;
    check("foreman in another time zone", || {
        foreman(&["zone=Asia/Kolkata"], None)
    })
    .await;
    // An expiry that is not kept must fail a case, as `expiry_not_kept` shows.
    check_switches("foreman", &["asked_expiry"], |options| {
        foreman(options, None)
    })
    .await;
}

#[tokio::test]
async fn cloudsmith_keeps_every_law_whatever_its_unknown_facts() {
    check("cloudsmith with a password", || cloudsmith(&[], true)).await;
    check("cloudsmith without limits", || {
        cloudsmith(&["rate_limit=none"], false)
    })
    .await;
    check("cloudsmith treating a wrong key as anonymous", || {
        let anonymous = ["bad_key=anonymous", "anonymous_list=empty"];
        cloudsmith(&anonymous, false)
    })
    .await;
    // The login is no part of the provider, and a second key contradicts the documented error.
    let excluded = ["credential", "second_key"];
    let excluded = [&excluded, &LOGIN[..], &SERVICES[..]].concat();
    check_switches("cloudsmith", &excluded, |options| {
        cloudsmith(options, false)
    })
    .await;
}

/// The switches of Cloudsmith's login.
const LOGIN: [&str; 2] = ["login", "two_factor_answer"];

/// The switches of Cloudsmith's service accounts.
const SERVICES: [&str; 8] = [
    "collection",
    "organization_role",
    "created_status",
    "unknown_service",
    "duplicate_name",
    "slug_on_rename",
    "service_self",
    "name_query",
];

/// Returns Cloudsmith's service accounts with these options.
fn services(options: &[&str]) -> SimulatedFixture {
    let options = [&["collection=services"], options].concat();
    cloudsmith(&options, false)
}

#[tokio::test]
async fn cloudsmiths_service_accounts_keep_every_law_whatever_their_unknown_facts() {
    check("cloudsmith's service accounts with a password", || {
        cloudsmith(&["collection=services"], true)
    })
    .await;
    check("cloudsmith's service accounts without limits", || {
        services(&["rate_limit=none"])
    })
    .await;
    check("cloudsmith's service accounts whose keys expire", || {
        services(&["key_policy_days=90"])
    })
    .await;
    // A member sees no service account, and nobody knows whether names are unique and whether a
    // service account is recognised as one.
    let excluded = [
        "credential",
        "second_key",
        "collection",
        "organization_role",
        "duplicate_name",
        "service_self",
    ];
    let excluded = [&excluded, &LOGIN[..]].concat();
    check_switches("cloudsmith", &excluded, services).await;
}

/// Nobody knows what Cloudsmith tells a service account about itself. If it does not recognise one,
/// a live key cannot be told from a dead one; everything else holds.
#[tokio::test]
async fn cloudsmiths_service_accounts_may_not_be_recognised_as_such() {
    const CASES: [&str; 2] = [
        "a live secret is distinguished from one that was never issued",
        // One of them verifies a live secret.
        "concurrent reads do not affect each other",
    ];
    for answer in ["service_self=anonymous", "service_self=forbidden"] {
        let fixture = async || services(&[answer]);
        let report = run_some(fixture, |case| !CASES.contains(&case.name())).await;
        println!("{answer}\n{report}");
        report.assert_passed();
    }
}

/// Two service accounts may share a name, or not: nobody knows. Everything else holds either way.
#[tokio::test]
async fn cloudsmiths_service_accounts_may_have_unique_names() {
    const CASE: &str = "two tokens may share a name";
    let fixture = async || services(&["duplicate_name=refused"]);
    let report = run_some(fixture, |case| case.name() != CASE).await;
    println!("{report}");
    report.assert_passed();
}

/// Whatever the documentation says of the number of keys, a listing that goes on may hold another.
#[tokio::test]
async fn cloudsmith_names_no_key_as_the_owner_of_a_secret_if_another_page_follows() {
    let fixture = cloudsmith(&[], false);
    let provider = fixture.provider();
    let key = provider.create(CreateToken::unnamed()).await.unwrap();
    let found = provider.token_of(&key.secret).await.unwrap();
    assert_eq!(found.map(|token| token.id), Some(key.token.id));
    let two_pages = Action::Header("x-pagination-pagetotal".to_owned(), "2".to_owned());
    let two_pages = Fault::new(two_pages).path("/user/tokens/").always();
    fixture.simulator().faults().add(two_pages);
    assert_eq!(provider.token_of(&key.secret).await.unwrap(), None);
}

/// Mindbody does not document what its tokens look like.
#[tokio::test]
async fn mindbody_calls_a_secret_impossible_only_if_no_header_can_carry_it() {
    let provider = mindbody(&[], false).provider();
    for text in [
        "5b1a3c0ffee9",
        "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
        "a-b_c/d+e=",
        "é",
    ] {
        let shape = provider.secret_shape(&Secret::new(text));
        assert_eq!(shape, SecretShape::Possible, "{text:?}");
    }
    for text in ["", "two\nlines", "two\r\nlines", "a\0b", "a\u{7f}b"] {
        let shape = provider.secret_shape(&Secret::new(text));
        assert_eq!(shape, SecretShape::Impossible, "{text:?}");
    }
}

#[tokio::test]
async fn mindbody_keeps_every_law_whatever_its_unknown_facts() {
    check("mindbody with bare authorization", || mindbody(&[], true)).await;
    let excluded = ["issue_again", "older_tokens"];
    check_switches("mindbody", &excluded, |options| mindbody(options, false)).await;
}

#[tokio::test]
async fn mindbody_refuses_a_wrong_api_key_whatever_the_status() {
    for wrong_api_key in ["wrong_api_key=401", "wrong_api_key=403"] {
        for second_revoke in ["second_revoke=401", "second_revoke=403"] {
            check("mindbody with a wrong API key", || {
                let options = [wrong_api_key, second_revoke];
                mindbody_with_intruder(&options, false, MindbodyMistake::ApiKey)
            })
            .await;
        }
    }
}

/// A site is not a credential, so its refusal may be of another kind, but must not pass for a dead
/// token.
#[tokio::test]
async fn mindbody_at_a_wrong_site_revokes_nothing_and_says_so() {
    const CASE: &str = "a wrong credential leads to no false claim about a secret";
    for mistake in [MindbodyMistake::Site, MindbodyMistake::OtherSite] {
        for status in ["400", "401", "403"] {
            let wrong_site = format!("wrong_site={status}");
            let foreign_site = format!("foreign_site={}", status.replace("400", "401"));
            for second_revoke in ["second_revoke=401", "second_revoke=403"] {
                let options = [wrong_site.as_str(), foreign_site.as_str(), second_revoke];
                let fixture = async || mindbody_with_intruder(&options, false, mistake);
                let report = run_some(fixture, |case| case.name() == CASE).await;
                println!("{mistake:?} {options:?}\n{report}");
                report.assert_passed();
                assert!(report.ran().any(|name| name == CASE));
            }
        }
    }
}

#[tokio::test]
async fn mindbody_may_refuse_a_second_issue_and_the_first_token_stays_alive() {
    let fixture = mindbody(&["issue_again=refused"], false);
    let provider = fixture.provider();
    let first = provider.create(CreateToken::unnamed()).await.unwrap();
    let error = provider.create(CreateToken::unnamed()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.fate()),
        (ErrorKind::Unauthenticated, Fate::Rejected)
    );
    assert!(fixture.accepts(&first.secret).await);
}

#[tokio::test]
async fn mindbody_may_end_older_tokens_and_revoking_them_cannot_tell_them_from_unknown_ones() {
    let fixture = mindbody(&["older_tokens=end"], false);
    let provider = fixture.provider();
    let first = provider.create(CreateToken::unnamed()).await.unwrap();
    let second = provider.create(CreateToken::unnamed()).await.unwrap();
    assert!(!fixture.accepts(&first.secret).await);
    let options = RevokeOptions::default();
    let revoked = provider.revoke((&first.secret).into(), options).await;
    assert_eq!(revoked.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(fixture.accepts(&second.secret).await);
}

/// The response of Mindbody to a renewal is not specified, and may be empty.
#[tokio::test]
async fn mindbody_may_respond_to_a_renewal_with_nothing_and_the_secret_stays_alive() {
    for status in [200, 204] {
        let fixture = mindbody(&[], false);
        let provider = fixture.provider();
        let issued = provider.create(CreateToken::unnamed()).await.unwrap();
        let empty = Action::AnswerAfterwards(Canned::status(status));
        let renewal = Fault::new(empty).path("/public/v6/usertoken/renew");
        fixture.simulator().faults().add(renewal);
        let renewed = provider.renew(&issued.secret).await.unwrap();
        assert!(renewed.secret.is_none());
        assert_eq!(renewed.token.id, issued.token.id);
        assert!(
            !renewed.token.expiry.is_reported(),
            "the platform reported no expiry"
        );
        assert!(fixture.accepts(&issued.secret).await);
    }
}
