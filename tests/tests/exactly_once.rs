//! A token is created exactly once, whatever happens to the requests.
//!
//! `TOKENFLEET_SCHEDULES=5000 cargo test --release -p tokenfleet-tests --test exactly_once --
//! --nocapture` tries more schedules and prints how they ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokenfleet_conformance::{Fixture, MemoryProfile, MemoryProvider};
use tokenfleet_core::workflow::{Marker, Reconciliation, UnknownWrite};
use tokenfleet_core::{
    CreateToken, ErrorKind, ExactlyOnce, Fate, Query, Timestamp, TokenProviderExt,
};
use tokenfleet_foreman::Release;
use tokenfleet_http::TokioTimer;
use tokenfleet_simulators::{Action, Canned, Fault, NewToken, Simulator, State};
use tokenfleet_tests::{SimulatedFixture, cloudsmith, foreman, losant, mindbody};

const RECHECK_DELAY: Duration = Duration::from_secs(30);

fn schedules() -> u64 {
    let configured = std::env::var("TOKENFLEET_SCHEDULES").ok();
    configured
        .and_then(|count| count.parse().ok())
        .unwrap_or(150)
}

/// Returns a fault that loses a request or its response, or applies the request late.
fn random_fault(random: &mut Rng) -> Fault {
    let late = Action::ApplyLate(Duration::from_millis(random.u64(1..29_000)));
    match random.u8(..9) {
        0 => Fault::new(Action::CloseBefore),
        1 => Fault::new(Action::CloseAfter),
        2 => Fault::new(Action::Answer(Canned::status(503))),
        3 => Fault::new(Action::AnswerAfterwards(Canned::status(502))),
        4 => Fault::new(Action::CutBody(random.usize(..40))),
        5 => Fault::new(Action::DelayAnswer(Duration::from_secs(100))),
        6 => Fault::new(late).and(Action::CloseBefore),
        7 => Fault::new(late).and(Action::Answer(Canned::status(504))),
        _ => Fault::new(Action::Answer(
            Canned::status(429).header("retry-after", "1"),
        )),
    }
}

/// Adds faults to most creations and to some requests of the recovery, at most one to each request.
fn add_faults(simulator: &Arc<dyn Simulator>, random: &mut Rng) {
    for (method, maximum, unharmed) in [("POST", 4, 1), ("GET", 6, 2), ("DELETE", 6, 2)] {
        for after in 0..random.u64(..maximum) {
            if random.u8(..4) >= unharmed {
                let fault = random_fault(random).method(method);
                // A fault that was used up no longer counts.
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

async fn try_schedules(name: &str, fixture: impl Fn() -> SimulatedFixture) {
    let mut endings: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..schedules() {
        let mut random = Rng::with_seed(seed);
        let fixture = fixture();
        let simulator = fixture.simulator();
        let provider = fixture.provider();
        for other in ["ci tf-0123456789abcdef", "cj"] {
            simulator.insert(NewToken::named(other));
        }
        let before = alive(simulator);
        add_faults(simulator, &mut random);
        let markers = Mutex::new(Vec::new());
        let issued = ExactlyOnce::new(&*provider, &TokioTimer)
            .with_recheck_delay(RECHECK_DELAY)
            .with_marker_callback(|marker: &Marker| markers.lock().unwrap().push(marker.clone()))
            .create(CreateToken::new("ci"))
            .await;
        // Every request that is still in flight arrives.
        tokio::time::sleep(Duration::from_secs(600)).await;
        let mut ours = alive(simulator);
        assert!(
            before.iter().all(|id| ours.contains(id)),
            "{name}, seed {seed}: a token that is not ours was touched"
        );
        ours.retain(|id| !before.contains(id));
        let ending = match &issued {
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
        *endings.entry(ending).or_default() += 1;
    }
    println!("{name}: {endings:#?}");
}

#[tokio::test(start_paused = true)]
async fn losant_keeps_no_unknown_token() {
    try_schedules("Losant", || losant(&["tokens=1"])).await;
}

#[tokio::test(start_paused = true)]
async fn foreman_keeps_no_unknown_token() {
    try_schedules("Foreman", || {
        foreman(&["tokens=1"], Some(Release::new(3, 9)))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_stores_names_otherwise_keeps_no_unknown_token() {
    for stored in ["trimmed", "folded"] {
        let option = format!("stored_names={stored}");
        let fixture = losant(&["tokens=1", &option]);
        let simulator = fixture.simulator();
        let before = alive(simulator).len();
        let lost = Fault::new(Action::CloseAfter).method("POST");
        simulator.faults().add(lost);
        let issued = ExactlyOnce::new(&*fixture.provider(), &TokioTimer)
            .with_recheck_delay(RECHECK_DELAY)
            .create(CreateToken::new(" CI "))
            .await;
        let alive = alive(simulator);
        assert_eq!(
            alive.len() - before,
            usize::from(issued.is_ok()),
            "{stored}"
        );
        let revoked = simulator
            .log()
            .entries()
            .iter()
            .any(|entry| entry.method == "DELETE");
        assert!(revoked, "{stored}: the token of the lost response is found");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_with_an_earlier_copy_of_the_request_keeps_no_unknown_token() {
    let fixture = foreman(&["tokens=1"], Some(Release::new(3, 9)));
    let simulator = fixture.simulator();
    let before = alive(simulator).len();
    // The platform refuses a request that it applied, and it is sent again.
    let busy = Canned::json(429, r#"{"error": {"message": "Too many requests"}}"#);
    let busy = Action::AnswerAfterwards(busy);
    simulator.faults().add(Fault::new(busy).method("POST"));
    let issued = ExactlyOnce::new(&*fixture.provider(), &TokioTimer)
        .with_recheck_delay(RECHECK_DELAY)
        .create(CreateToken::new("ci"))
        .await
        .unwrap();
    let alive = alive(simulator);
    assert_eq!(alive.len() - before, 1);
    assert!(simulator.accepts(issued.secret.expose()));
}

/// Returns a refusal that no platform sends.
fn gateway_refusal(status: u16) -> Canned {
    Canned::json(status, r#"{"message": "no route", "request_id": "1"}"#)
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_a_gateway_that_passed_the_request_on_keeps_no_unknown_token() {
    for status in [400, 401, 403, 404, 407, 409, 410, 418, 422, 429] {
        for fixture in [
            losant(&["tokens=1"]),
            foreman(&["tokens=1"], Some(Release::new(3, 9))),
        ] {
            let simulator = fixture.simulator();
            let name = simulator.provider();
            let before = alive(simulator).len();
            let refused = Action::AnswerAfterwards(gateway_refusal(status));
            let refused = Fault::new(refused).method("POST");
            simulator.faults().add(refused.clone());
            let issued = ExactlyOnce::new(&*fixture.provider(), &TokioTimer)
                .create(CreateToken::new("ci"))
                .await
                .unwrap();
            assert!(simulator.accepts(issued.secret.expose()));
            assert_eq!(alive(simulator).len() - before, 1, "{name}, {status}");

            // It always refuses, and the token cannot be revoked: the error says so.
            simulator.faults().add(refused.always());
            let kept = Action::Answer(Canned::status(503));
            simulator
                .faults()
                .add(Fault::new(kept).method("DELETE").always());
            let error = ExactlyOnce::new(&*fixture.provider(), &TokioTimer)
                .create(CreateToken::new("ci"))
                .await
                .unwrap_err();
            assert!(error.may_have_applied(), "{name}, {status}: {error}");
            assert!(error.to_string().contains("may be active"), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_a_gateway_changed_nothing_if_no_token_is_found() {
    for status in [403, 404, 429] {
        for fixture in [
            losant(&["tokens=1"]),
            foreman(&["tokens=1"], Some(Release::new(3, 9))),
        ] {
            let refused = Action::Answer(gateway_refusal(status));
            let refused = Fault::new(refused).method("POST");
            fixture.simulator().faults().add(refused.always());
            let plain = fixture.provider().create(CreateToken::new("ci")).await;
            let error = ExactlyOnce::new(&*fixture.provider(), &TokioTimer)
                .create(CreateToken::new("ci"))
                .await
                .unwrap_err();
            let plain = plain.unwrap_err();
            assert_eq!(
                (error.kind(), error.status()),
                (plain.kind(), plain.status())
            );
            assert_eq!(error.fate(), Fate::Rejected);
            let says_so = error
                .to_string()
                .contains("no token of this request was found");
            assert_eq!(says_so, plain.may_have_applied(), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_a_gateway_whose_token_cannot_be_searched_for_may_have_applied() {
    for (status, search_status) in [(429, 429), (403, 403), (404, 503), (401, 403)] {
        for fixture in [
            losant(&["tokens=1"]),
            foreman(&["tokens=1"], Some(Release::new(3, 9))),
        ] {
            let faults = fixture.simulator().faults();
            let refused = Action::AnswerAfterwards(gateway_refusal(status));
            faults.add(Fault::new(refused).method("POST").always());
            let not_found = Action::Answer(gateway_refusal(search_status));
            faults.add(Fault::new(not_found).method("GET").always());
            let marker = Mutex::new(None);
            let error = ExactlyOnce::new(&*fixture.provider(), &TokioTimer)
                .with_marker_callback(|used: &Marker| *marker.lock().unwrap() = Some(used.clone()))
                .create(CreateToken::new("ci"))
                .await
                .unwrap_err();
            let marker = marker.into_inner().unwrap().unwrap();
            let text = error.to_string();
            assert_eq!(error.fate(), Fate::MaybeApplied, "{text}");
            assert!(!error.is_retryable(), "{text}");
            assert_eq!(error.status(), Some(status), "{text}");
            assert!(text.contains(marker.as_str()), "{text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_base_url_or_credential_that_is_refused_everywhere_is_a_plain_error() {
    for (status, kind) in [
        (404, ErrorKind::Configuration),
        (401, ErrorKind::Unauthenticated),
    ] {
        for fixture in [
            losant(&["tokens=1"]),
            foreman(&["tokens=1"], Some(Release::new(3, 9))),
        ] {
            let refused = Action::Answer(gateway_refusal(status));
            let faults = fixture.simulator().faults();
            faults.add(Fault::new(refused).always());
            let plain = fixture.provider().create(CreateToken::new("ci")).await;
            let error = ExactlyOnce::new(&*fixture.provider(), &TokioTimer)
                .create(CreateToken::new("ci"))
                .await
                .unwrap_err();
            assert_eq!((error.kind(), error.fate()), (kind, Fate::Rejected));
            assert_eq!(error.to_string(), plain.unwrap_err().to_string());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_platform_does_not_find_yet_is_not_taken_for_revoked() {
    let not_found = Canned::json(404, r#"{"type": "NotFound", "message": "not found"}"#);
    for is_lost in [true, false] {
        let fixture = losant(&["tokens=1"]);
        let simulator = fixture.simulator();
        let before = alive(simulator).len();
        let lost = if is_lost {
            Action::CloseAfter
        } else {
            Action::AnswerAfterwards(gateway_refusal(429))
        };
        let lost = Fault::new(lost).method("POST");
        let gone = Fault::new(Action::Answer(not_found.clone())).method("DELETE");
        simulator.faults().add(lost.clone());
        simulator.faults().add(gone.clone());
        let issued = ExactlyOnce::new(&*fixture.provider(), &TokioTimer)
            .create(CreateToken::new("ci"))
            .await
            .unwrap();
        assert!(simulator.accepts(issued.secret.expose()));
        assert_eq!(alive(simulator).len() - before, 1);

        simulator.faults().add(lost);
        simulator.faults().add(gone.always());
        let error = ExactlyOnce::new(&*fixture.provider(), &TokioTimer)
            .create(CreateToken::new("ci"))
            .await
            .unwrap_err();
        assert!(error.may_have_applied(), "{error}");
        assert!(error.to_string().contains("may be active"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_without_recovery_is_refused_before_anything_is_sent() {
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
async fn an_unreachable_platform_may_hold_the_marked_token_and_the_error_says_so() {
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

    // Later, perhaps on another machine, the marker finds it.
    simulator.faults().clear();
    let unknown = UnknownWrite::Marked {
        marker: &marker,
        name: None,
    };
    match provider.reconcile(unknown).await.unwrap() {
        Reconciliation::Applied(tokens) => assert_eq!(tokens.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_rotation_is_reconciled_by_the_old_secret_and_a_lost_issue_only_by_time() {
    let fixture = cloudsmith(&["tokens=0"], true);
    let provider = fixture.provider();
    let simulator = fixture.simulator();
    let issued = provider.create(CreateToken::unnamed()).await.unwrap();
    let (id, old) = (issued.token.id, issued.secret);
    let reconcile = || provider.reconcile(UnknownWrite::Rotation { old: &old });
    assert_eq!(reconcile().await.unwrap(), Reconciliation::NotApplied);
    simulator
        .faults()
        .add(Fault::new(Action::CloseAfter).method("PUT"));
    let error = provider.rotate(&id).await.unwrap_err();
    assert!(error.may_have_applied(), "{error}");
    assert_eq!(
        reconcile().await.unwrap(),
        Reconciliation::Applied(Vec::new())
    );

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

#[tokio::test(start_paused = true)]
async fn an_optional_name_carries_the_marker_of_a_token_without_one() {
    let provider = MemoryProvider::new(MemoryProfile::lifetimes());
    provider.inject(tokenfleet_conformance::Fault::LoseResponse);
    let request = CreateToken::unnamed().with_lifetime(Duration::from_secs(3_600));
    let issued = ExactlyOnce::new(&provider, &TokioTimer)
        .with_recheck_delay(RECHECK_DELAY)
        .create(request)
        .await
        .unwrap();
    let listed = provider.list_all(Query::new()).await.unwrap().tokens;
    assert_eq!(listed, [issued.token]);
    let name = listed[0].name.known().unwrap();
    assert!(name.parse::<Marker>().is_ok(), "{name}");
}
