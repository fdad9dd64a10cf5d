//! Attempts to create a successor: which count, what they wait for, and when a person is asked.

use tokenfleet_core::capability::ListCapability;
use tokenfleet_core::{Capabilities, Liveness};
use tokenfleet_rotation::machine::{
    Answer, Change, Failure, FailureEffect, Parked, PlannedSink, Preference, RotationPlan,
    SHORT_SETTLE, Step, Strategy, WaitReason,
};
use tokenfleet_rotation::sink::Readable;

use crate::script::{Script, failure, is_create, is_read, is_revoke, is_search, overlap};

#[test]
fn a_rotation_without_faults_records_three_times_and_searches_for_nothing() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    script.finish();
    let recorded = |step: &Step| matches!(step, Step::Attempt { .. } | Step::Record(_));
    assert_eq!(script.sent(recorded), 3);
    assert_eq!((script.sent(is_create), script.sent(is_revoke)), (1, 1));
    assert_eq!(
        script.sent(is_search),
        0,
        "one attempt, whose answer arrived"
    );
}

#[test]
fn nothing_is_created_while_a_sink_does_not_answer() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    for _ in 0..20 {
        script.until(is_read);
        script.answer(failure(FailureEffect::None));
    }
    let waits = |step: &Step| {
        matches!(
            step,
            Step::Wait {
                reason: WaitReason::Backoff,
                ..
            }
        )
    };
    assert!(script.sent(waits) >= 15, "{:?}", script.steps);
    assert!(script.durable.attempts.is_empty());
    script.finish();
}

#[test]
fn a_person_need_not_wait_for_the_next_attempt_but_for_what_may_still_arrive() {
    let is_attempt = |step: &Step| matches!(step, Step::Attempt { .. });
    let mut script = Script::new(&overlap(), Readable::Secret);
    for number in 1..4 {
        script.until(is_create);
        script.answer(failure(FailureEffect::None));
        let last = script.now;
        script.restart();
        script.machine = script.machine.clone().with_retry_now();
        script.until(is_attempt);
        assert_eq!(script.now, last, "attempt {number}");
        // The failures of this worker itself are waited for.
        script.until(is_create);
        script.answer(failure(FailureEffect::None));
        script.until(is_attempt);
        assert!(script.now > last, "attempt {number}");
    }
    // Nobody can tell there whether the first rotation arrives after the second one.
    let in_place = Capabilities::none()
        .with_list(ListCapability::unpaged())
        .with_rotate();
    let mut script = Script::new(&in_place, Readable::Secret);
    script.until(|step| matches!(step, Step::Rotate(_)));
    script.answer(failure(FailureEffect::Unknown));
    let sent_at = script.now;
    script.restart();
    script.machine = script.machine.clone().with_retry_now();
    script.until(is_attempt);
    assert!(script.now >= sent_at.saturating_add(SHORT_SETTLE));
}

#[test]
fn an_attempt_that_certainly_created_nothing_does_not_count() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    for _ in 0..10 {
        script.until(is_create);
        script.answer(failure(FailureEffect::None));
    }
    script.finish();
    assert_eq!(script.sent(is_create), 11);
    assert_eq!(script.sent(is_search), 0, "no token can bear their markers");
}

#[test]
fn attempts_that_may_have_created_a_token_are_limited_and_a_person_allows_one_more() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    for _ in 0..5 {
        script.until(is_create);
        script.answer(failure(FailureEffect::Unknown));
    }
    let reason = script.until_parked();
    assert_eq!(reason, Parked::TooManyAttempts { attempts: 5 });
    assert!(!reason.advice().is_empty() && !reason.to_string().is_empty());
    script.restart();
    assert_eq!(
        script.until_parked(),
        reason,
        "a restart does not unpark it"
    );
    script.durable.apply(&Change::Resumed);
    script.restart();
    script.finish();
    assert_eq!(script.sent(is_create), 6);
    let searched = script.steps.iter().find_map(|step| match step {
        Step::Search(markers) => Some(markers.len()),
        _ => None,
    });
    assert_eq!(searched, Some(5), "every marker but that of the successor");
}

#[test]
fn a_refusal_that_will_not_pass_is_parked_at_once() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    script.until(is_create);
    script.answer(failure(FailureEffect::Refused));
    let error = "it failed".to_owned();
    assert_eq!(script.until_parked(), Parked::Refused { error });
    assert_eq!(script.sent(is_create), 1);
}

#[test]
fn a_worker_that_dies_again_and_again_is_parked() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    for _ in 0..11 {
        script.restart();
    }
    assert_eq!(script.until_parked(), Parked::Stuck { starts: 11 });
    script.durable.apply(&Change::Resumed);
    script.restart();
    script.finish();
}

#[test]
fn what_is_inconclusive_is_counted_by_all_workers_and_asked_less_and_less() {
    let mut script = Script::new(&overlap().with_verify(), Readable::Secret);
    let mut waits = Vec::new();
    script.deliver();
    for number in 1..=5 {
        script.until(|step| matches!(step, Step::Verify(_)));
        let reason = "no answer".to_owned();
        script.answer(Answer::Verified(Liveness::Unknown { reason }));
        script.go_on();
        if number < 5 {
            let Step::Wait { until, .. } = script.next() else {
                panic!("{:?}", script.next());
            };
            waits.push(script.now.duration_until(until));
            // The worker ends at the wait.
            script.now = until;
            script.restart();
        }
    }
    assert!(waits.is_sorted() && waits[3] >= waits[0] * 8, "{waits:?}");
    let reason = "no answer".to_owned();
    assert_eq!(script.until_parked(), Parked::Unverified { reason });
    script.durable.apply(&Change::Resumed);
    script.restart();
    script.finish();
}

#[test]
fn a_plan_that_would_lose_a_secret_is_refused() {
    let strategy = Strategy::for_capabilities(&overlap(), Preference::Overlap).unwrap();
    RotationPlan::new(strategy.clone(), []).unwrap_err();
    for readable in [Readable::Nothing, Readable::Stamp] {
        let sink = PlannedSink::new(readable);
        RotationPlan::new(strategy.clone(), [sink]).unwrap_err();
        RotationPlan::new(strategy.clone(), [sink.with_adoption()]).unwrap();
    }
}

#[test]
fn a_refusal_that_needs_a_person_is_certain_and_lasts() {
    use tokenfleet_core::{Error, ErrorKind, Fate};
    for (kind, effect) in [
        (ErrorKind::PermissionDenied, FailureEffect::Refused),
        (ErrorKind::NotFound, FailureEffect::Refused),
        (ErrorKind::RateLimited, FailureEffect::None),
        (ErrorKind::Conflict, FailureEffect::Unknown),
    ] {
        let error = Error::new(kind, Fate::Rejected, "refused");
        assert_eq!(Failure::from(&error).effect, effect, "{kind:?}");
    }
}

#[test]
fn in_place_a_person_is_asked_when_an_attempt_may_have_replaced_the_key_of_the_account() {
    let capabilities = Capabilities::none()
        .with_list(ListCapability::unpaged())
        .with_rotate();
    let mut refused = Failure::unknown("401");
    refused.effect = FailureEffect::None;
    refused.is_unauthenticated = true;
    let is_rotate = |step: &Step| matches!(step, Step::Rotate(_));
    for is_lost in [false, true] {
        let strategy = Strategy::for_capabilities(&capabilities, Preference::Overlap).unwrap();
        let sink = PlannedSink::new(Readable::Secret).with_adoption();
        let mut script = Script::with_plan(RotationPlan::new(strategy, [sink]).unwrap());
        script.until(is_rotate);
        if is_lost {
            script.answer(failure(FailureEffect::Unknown));
            script.restart();
            // The credential of a sink says nothing about the key of the platform.
            script.until(is_read);
            script.answer(Answer::Failed(refused.clone()));
            script.until(is_rotate);
        }
        script.answer(Answer::Failed(refused.clone()));
        if is_lost {
            let parked = script.until_parked();
            assert!(parked.to_string().contains("make a key"), "{parked}");
        } else {
            // The old key works, and the credential may be mended any time.
            script.until(is_rotate);
        }
    }
}
