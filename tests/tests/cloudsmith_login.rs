//! Logging in at Cloudsmith: from a password, and perhaps a code, to the key.

use std::sync::Arc;

use tokenfleet_cloudsmith::{Login, LoginStep, TwoFactorChallenge};
use tokenfleet_core::{Error, ErrorKind, Fate, Secret};
use tokenfleet_simulators::Simulator;
use tokenfleet_simulators::cloudsmith::Options;
use tokenfleet_tests::{base_url, build, transport};

fn login(options: &[&str]) -> (Arc<dyn Simulator>, Login) {
    let simulator = build("cloudsmith", options);
    let login = Login::new(base_url(), transport(&simulator));
    (simulator, login)
}

async fn challenge(login: &Login) -> TwoFactorChallenge {
    let Options {
        two_factor_email,
        password,
        ..
    } = Options::default();
    match login
        .with_password(&two_factor_email, &Secret::new(password))
        .await
        .unwrap()
    {
        LoginStep::TwoFactor(challenge) => challenge,
        other => panic!("a second factor was to be asked for: {other:?}"),
    }
}

fn demand(error: &Error, kind: ErrorKind) {
    assert_eq!(
        (error.kind(), error.fate()),
        (kind, Fate::Rejected),
        "{error}"
    );
}

#[tokio::test]
async fn a_password_leads_to_the_key_there_is_or_to_a_new_one() {
    for options in [&["tokens=1"][..], &[]] {
        let (simulator, login) = login(options);
        let Options {
            email, password, ..
        } = Options::default();
        let step = login.with_password(&email, &Secret::new(password)).await;
        let LoginStep::Done(key) = step.unwrap() else {
            panic!("no second factor is set up");
        };
        assert_eq!(simulator.token_count(), 1);
        assert_eq!(key.expose(), simulator.tokens()[0].secret);
        assert!(simulator.accepts(key.expose()));
    }
}

#[tokio::test]
async fn a_code_completes_the_login_however_it_is_asked_for() {
    for answer in ["two_factor_answer=422", "two_factor_answer=201"] {
        let (simulator, login) = login(&[answer, "tokens=1"]);
        let challenge = challenge(&login).await;
        assert!(!format!("{challenge:?}").contains("tft-"));
        let code = Secret::new(Options::default().totp);
        let key = login.with_code(challenge, &code).await.unwrap();
        assert!(simulator.accepts(key.expose()), "{answer}");
    }
}

#[tokio::test]
async fn a_wrong_password_or_code_is_unauthenticated_and_is_not_shown() {
    let (_, login) = login(&[]);
    let wrong = Secret::new("wrong-password-1a2b");
    let email = Options::default().email;
    let error = login.with_password(&email, &wrong).await.unwrap_err();
    demand(&error, ErrorKind::Unauthenticated);
    let waiting = challenge(&login).await;
    let code = Secret::new("wrong-code-000000");
    let refusal = login.with_code(waiting, &code).await.unwrap_err();
    demand(&refusal, ErrorKind::Unauthenticated);
    for text in [
        format!("{error} {error:?}"),
        format!("{refusal} {refusal:?}"),
    ] {
        let shown = ["wrong-password", "wrong-code", "tft-"];
        assert!(!shown.iter().any(|secret| text.contains(secret)), "{text}");
    }
    // A wrong code spoils nothing for the next attempt.
    let code = Secret::new(Options::default().totp);
    let waiting = challenge(&login).await;
    assert!(login.with_code(waiting, &code).await.is_ok());
}

#[tokio::test]
async fn after_too_many_failures_even_the_right_password_must_wait() {
    let (simulator, login) = login(&["lockout_after=3", "clock=2026-01-31T12:00:00Z"]);
    let Options {
        email, password, ..
    } = Options::default();
    for _ in 0..3 {
        let wrong = Secret::new("wrong");
        let error = login.with_password(&email, &wrong).await.unwrap_err();
        demand(&error, ErrorKind::Unauthenticated);
    }
    let right = Secret::new(password);
    let sent = simulator.log().total();
    let error = login.with_password(&email, &right).await.unwrap_err();
    demand(&error, ErrorKind::PermissionDenied);
    // Whoever is locked out makes it worse by trying again.
    assert_eq!(simulator.log().total(), sent + 1);
    simulator
        .clock()
        .advance(jiff::SignedDuration::from_mins(16));
    assert!(login.with_password(&email, &right).await.is_ok());
}

#[tokio::test]
async fn a_login_that_was_switched_off_is_not_found() {
    for gone in ["login=404", "login=410"] {
        let (_, login) = login(&[gone]);
        let password = Secret::new(Options::default().password);
        let error = login.with_password("me@example.com", &password).await;
        demand(&error.unwrap_err(), ErrorKind::NotFound);
    }
}
