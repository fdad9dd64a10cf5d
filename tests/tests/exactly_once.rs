//! Creating a token exactly once, whatever becomes of the requests.
//!
//! `TOKENFLEET_SCHEDULES=5000 cargo test --release -p tokenfleet-tests --test exactly_once -- --nocapture` tries more and
//! prints how they ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokenfleet_conformance::Fixture;
use tokenfleet_core::workflow::{Marker, Reconciliation, UnknownWrite};
use tokenfleet_core::{CreateToken, ErrorKind, ExactlyOnce, Timestamp, TokenProviderExt};
use tokenfleet_foreman::Release;
use tokenfleet_http::TokioTimer;
use tokenfleet_simulators::{Action, Canned, Fault, NewToken, Simulator, State};
use tokenfleet_tests::{SimulatedFixture, cloudsmith, foreman, losant, mindbody};

const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(30);

fn schedules() -> u64 {
    let asked_for = std::env::var("TOKENFLEET_SCHEDULES").ok();
    asked_for
        .and_then(|count| count.parse().ok())
        .unwrap_or(150)
}

/// Something that loses a request or its answer, or carries it out late.
fn mishap(dice: &mut Rng) -> Fault {
    let late = Action::ApplyLate(Duration::from_millis(dice.u64(1..29_000)));
    match dice.u8(..9) {
        0 => Fault::new(Action::CloseBefore),
        1 => Fault::new(Action::CloseAfter),
        2 => Fault::new(Action::Answer(Canned::status(503))),
        3 => Fault::new(Action::AnswerAfterwards(Canned::status(502))),
        4 => Fault::new(Action::CutBody(dice.usize(..40))),
        5 => Fault::new(Action::DelayAnswer(Duration::from_secs(100))),
        6 => Fault::new(late).and(Action::CloseBefore),
        7 => Fault::new(late).and(Action::Answer(Canned::status(504))),
        _ => Fault::new(Action::Answer(
            Canned::status(429).header("retry-after", "1"),
        )),
    }
}

/// What will go wrong: most creations, and now and then a request of the repair. Each request meets one mishap.
fn plan_mishaps(simulator: &Arc<dyn Simulator>, dice: &mut Rng) {
    for (method, most, unharmed) in [("POST", 4, 1), ("GET", 6, 2), ("DELETE", 6, 2)] {
        for after in 0..dice.u64(..most) {
            if dice.u8(..4) >= unharmed {
                let fault = mishap(dice).method(method);
                // A fault that is used up counts no longer.
                simulator.faults().add(fault.after(after));
            }
        }
    }
}

fn alive(simulator: &Arc<dyn Simulator>) -> Vec<String> {
    let tokens = simulator.tokens().into_iter();
    let alive = tokens.filter(|token| token.state == State::Active);
    alive.map(|token| token.id).collect()
}

async fn try_schedules(name: &str, begin: impl Fn() -> SimulatedFixture) {
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..schedules() {
        let mut dice = Rng::with_seed(seed);
        let fixture = begin();
        let simulator = fixture.simulator();
        let provider = fixture.provider();
        for other in ["ci tf-0123456789abcdef", "cj"] {
            simulator.insert(NewToken::named(other));
        }
        let before = alive(simulator);
        plan_mishaps(simulator, &mut dice);
        let markers = Mutex::new(Vec::new());
        let issued = ExactlyOnce::new(&*provider, &TokioTimer)
            .with_recheck_delay(LOOK_AGAIN_AFTER)
            .with_marker_callback(|marker: &Marker| markers.lock().unwrap().push(marker.clone()))
            .create(CreateToken::new("ci"))
            .await;
        // Whatever is still under way arrives.
        tokio::time::sleep(Duration::from_secs(600)).await;
        let mut ours = alive(simulator);
        assert!(
            before.iter().all(|id| ours.contains(id)),
            "{name}, seed {seed}: a token that is not ours was touched"
        );
        ours.retain(|id| !before.contains(id));
        let end = match &issued {
            Ok(issued) => {
                assert_eq!(ours, [issued.token.id.to_string()], "{name}, seed {seed}");
                assert!(
                    simulator.accepts(issued.secret.expose()),
                    "{name}, seed {seed}"
                );
                format!("created, markers used: {}", markers.lock().unwrap().len())
            }
            Err(error) => {
                assert!(
                    ours.is_empty(),
                    "{name}, seed {seed}: {ours:?} after {error}"
                );
                assert!(!error.may_have_applied(), "{name}, seed {seed}: {error}");
                format!("failed, nothing left: {:?}", error.kind())
            }
        };
        *ends.entry(end).or_default() += 1;
    }
    println!("{name}: {ends:#?}");
}

#[tokio::test(start_paused = true)]
async fn losant_keeps_no_token_that_nobody_knows() {
    try_schedules("Losant", || losant(&["tokens=1"])).await;
}

#[tokio::test(start_paused = true)]
async fn foreman_keeps_no_token_that_nobody_knows() {
    try_schedules("Foreman", || {
        foreman(&["tokens=1"], Some(Release::new(3, 9)))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_repaired_is_refused_before_anything_is_sent() {
    for fixture in [cloudsmith(&["tokens=0"], true), mindbody(&[], false)] {
        let provider = fixture.provider();
        let error = ExactlyOnce::new(&*provider, &TokioTimer)
            .create(CreateToken::unnamed())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(fixture.simulator().log().entries().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_cannot_be_asked_again_is_said_to_hold_the_marked_token() {
    let fixture = losant(&["tokens=1"]);
    let simulator = fixture.simulator();
    simulator
        .faults()
        .add(Fault::new(Action::CloseAfter).method("POST"));
    simulator
        .faults()
        .add(Fault::new(Action::CloseBefore).method("GET").always());
    let provider = fixture.provider();
    let marker = Mutex::new(None);
    let error = ExactlyOnce::new(&*provider, &TokioTimer)
        .with_marker_callback(|used: &Marker| *marker.lock().unwrap() = Some(used.clone()))
        .create(CreateToken::new("ci"))
        .await
        .unwrap_err();
    let marker = marker.into_inner().unwrap().unwrap();
    assert!(error.may_have_applied(), "{error}");
    assert!(error.to_string().contains(marker.as_str()), "{error}");

    // Later, perhaps elsewhere, the marker finds it.
    simulator.faults().clear();
    let lost = UnknownWrite::Marked {
        marker: &marker,
        name: None,
    };
    match provider.reconcile(lost).await.unwrap() {
        Reconciliation::Applied(tokens) => assert_eq!(tokens.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_rotation_is_told_by_the_old_secret_and_a_lost_issue_by_nothing_but_time() {
    let fixture = cloudsmith(&["tokens=0"], true);
    let provider = fixture.provider();
    let simulator = fixture.simulator();
    let issued = provider.create(CreateToken::unnamed()).await.unwrap();
    let (id, old) = (issued.token.id, issued.secret);
    let lost = || provider.reconcile(UnknownWrite::Rotation { old: &old });
    assert_eq!(lost().await.unwrap(), Reconciliation::NotApplied);
    simulator
        .faults()
        .add(Fault::new(Action::CloseAfter).method("PUT"));
    let error = provider.rotate(&id).await.unwrap_err();
    assert!(error.may_have_applied(), "{error}");
    assert_eq!(lost().await.unwrap(), Reconciliation::Applied(Vec::new()));

    let fixture = mindbody(&[], false);
    let at = Timestamp::now();
    match fixture
        .provider()
        .reconcile(UnknownWrite::Unmarked { at })
        .await
        .unwrap()
    {
        Reconciliation::Unknown { dead_by, .. } => {
            assert_eq!(
                dead_by,
                Some(at.saturating_add(Duration::from_secs(86_400)))
            );
        }
        other => panic!("{other:?}"),
    }
}
