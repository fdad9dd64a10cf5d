//! The login at Cloudsmith: from a password, and a code where one is required, to the key.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokenfleet_cloudsmith::{Login, LoginStep, TwoFactorChallenge};
use tokenfleet_core::journal::{Intent, Journal, Outcome, Run};
use tokenfleet_core::{Error, ErrorKind, Fate, Operation, Result, Secret};
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
        other => panic!("a second factor is required: {other:?}"),
    }
}

fn assert_rejected(error: &Error, kind: ErrorKind) {
    assert_eq!(
        (error.kind(), error.fate()),
        (kind, Fate::Rejected),
        "{error}"
    );
}

#[tokio::test]
async fn a_password_returns_the_existing_key_or_a_new_one() {
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
async fn a_code_completes_the_login_however_the_platform_requires_it() {
    for option in ["two_factor_answer=422", "two_factor_answer=201"] {
        let (simulator, login) = login(&[option, "tokens=1"]);
        let challenge = challenge(&login).await;
        assert!(!format!("{challenge:?}").contains("tft-"));
        let code = Secret::new(Options::default().totp);
        let key = login.with_code(challenge, &code).await.unwrap();
        assert!(simulator.accepts(key.expose()), "{option}");
    }
}

#[tokio::test]
async fn a_wrong_password_or_code_is_unauthenticated_and_is_not_shown() {
    let (_, login) = login(&[]);
    let wrong = Secret::new("wrong-password-1a2b");
    let email = Options::default().email;
    let error = login.with_password(&email, &wrong).await.unwrap_err();
    assert_rejected(&error, ErrorKind::Unauthenticated);
    let pending = challenge(&login).await;
    let code = Secret::new("wrong-code-000000");
    let code_error = login.with_code(pending, &code).await.unwrap_err();
    assert_rejected(&code_error, ErrorKind::Unauthenticated);
    for text in [
        format!("{error} {error:?}"),
        format!("{code_error} {code_error:?}"),
    ] {
        let secrets = ["wrong-password", "wrong-code", "tft-"];
        assert!(
            !secrets.iter().any(|secret| text.contains(secret)),
            "{text}"
        );
    }
    // A wrong code does not affect the next attempt.
    let code = Secret::new(Options::default().totp);
    let pending = challenge(&login).await;
    assert!(login.with_code(pending, &code).await.is_ok());
}

#[tokio::test]
async fn after_too_many_failures_even_the_right_password_is_locked_out() {
    let (simulator, login) = login(&["lockout_after=3", "clock=2026-01-31T12:00:00Z"]);
    let Options {
        email, password, ..
    } = Options::default();
    for _ in 0..3 {
        let wrong = Secret::new("wrong");
        let error = login.with_password(&email, &wrong).await.unwrap_err();
        assert_rejected(&error, ErrorKind::Unauthenticated);
    }
    let right = Secret::new(password);
    let sent = simulator.log().total();
    let error = login.with_password(&email, &right).await.unwrap_err();
    assert_rejected(&error, ErrorKind::PermissionDenied);
    // Retrying prolongs a lockout.
    assert_eq!(simulator.log().total(), sent + 1);
    simulator
        .clock()
        .advance(jiff::SignedDuration::from_mins(16));
    assert!(login.with_password(&email, &right).await.is_ok());
}

#[tokio::test]
async fn a_login_that_was_removed_is_not_found() {
    for option in ["login=404", "login=410"] {
        let (_, login) = login(&[option]);
        let password = Secret::new(Options::default().password);
        let error = login.with_password("me@example.com", &password).await;
        assert_rejected(&error.unwrap_err(), ErrorKind::NotFound);
    }
}

/// A journal in memory, which can be full.
#[derive(Debug, Default)]
struct Lines {
    intents: Mutex<Vec<Intent>>,
    outcomes: Mutex<Vec<Outcome>>,
    is_full: bool,
}

#[async_trait]
impl Journal for Lines {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        if self.is_full {
            return Err(Error::configuration("the journal is full"));
        }
        self.intents.lock().unwrap().push(intent.clone());
        Ok(())
    }

    async fn record_outcome(&self, _: &Intent, outcome: &Outcome) {
        self.outcomes.lock().unwrap().push(outcome.clone());
    }
}

#[tokio::test]
async fn a_login_is_a_write_and_its_steps_are_recorded_as_one_operation() {
    let journal = Arc::new(Lines::default());
    let (simulator, login) = login(&[]);
    let login = login.with_journal(journal.clone(), Run::new());
    let challenge = challenge(&login).await;
    let code = Secret::new(Options::default().totp);
    let key = login.with_code(challenge, &code).await.unwrap();
    assert!(simulator.accepts(key.expose()));
    let intents = journal.intents.lock().unwrap();
    let outcomes = journal.outcomes.lock().unwrap();
    let [password_step, code_step] = &intents[..] else {
        panic!("{intents:?}");
    };
    assert_eq!(password_step.operation_id, code_step.operation_id);
    assert_eq!(code_step.operation, Operation::Create);
    let fates: Vec<_> = outcomes.iter().map(Outcome::fate).collect();
    assert_eq!(fates, [Fate::Rejected, Fate::Applied]);
    let recorded = format!("{intents:?} {outcomes:?}");
    for secret in [key.expose(), code.expose()] {
        assert!(!recorded.contains(secret), "{recorded}");
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_recorded_is_not_sent() {
    let full = Lines {
        is_full: true,
        ..Lines::default()
    };
    let (simulator, login) = login(&[]);
    let login = login.with_journal(Arc::new(full), Run::new());
    let Options {
        email, password, ..
    } = Options::default();
    let step = login.with_password(&email, &Secret::new(password)).await;
    let error = step.unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent);
    assert_eq!(error.operation(), Some(Operation::Create));
    assert_eq!(simulator.log().total(), 0);
}
