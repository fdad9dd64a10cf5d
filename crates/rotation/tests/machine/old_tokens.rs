//! The old token: when it is revoked, and whether it is still the same one.

use std::time::Duration;

use tokenfleet_core::capability::{ListCapability, TokenField};
use tokenfleet_core::{Capabilities, TokenId};
use tokenfleet_rotation::machine::{
    Answer, FailureEffect, Inspection, Parked, Preference, SETTLE, SHORT_SETTLE, Step, Strategy,
    WaitReason,
};
use tokenfleet_rotation::sink::Readable;

use crate::script::{HOUR, NEW, Script, failure, is_create, is_revoke, is_search, overlap, reused};

#[test]
fn a_token_that_is_used_is_revoked_when_it_rests_or_the_overlap_has_lasted_too_long() {
    let reported = overlap().with_reported_fields([TokenField::LastUsed]);
    let plan = Script::new(&reported, Readable::Secret).plan;
    let mut script = Script::with_plan(plan.with_rest(HOUR, HOUR * 48));
    let delivered = script.now;
    for _ in 0..60 {
        if matches!(
            script.until(|step| is_revoke(step) || matches!(step, Step::Inspect(_))),
            Step::Revoke(_)
        ) {
            break;
        }
        // It was used just now.
        let last_used = Some(script.now);
        script.answer(Answer::Inspected(Inspection::Present { last_used }));
    }
    assert_eq!(script.now, delivered.saturating_add(HOUR * 48));
    assert_eq!(script.sent(is_revoke), 0);
    script.finish();
    // A token that is gone already is not revoked: its id may be another's by now.
    let mut script = Script::new(&reused(), Readable::Secret);
    script.until(|step| matches!(step, Step::Inspect(_)));
    script.answer(Answer::Inspected(Inspection::Dead));
    script.finish();
    assert_eq!(script.sent(is_revoke), 0);
}

#[test]
fn an_id_that_may_be_anothers_is_looked_at_again_before_a_revocation_is_repeated() {
    let mut script = Script::new(&reused(), Readable::Secret);
    script.until(is_revoke);
    script.answer(failure(FailureEffect::Unknown));
    assert!(matches!(
        script.until(|step| is_revoke(step) || matches!(step, Step::Inspect(_))),
        Step::Inspect(_)
    ));
}

#[test]
fn everything_is_waited_for_as_long_as_it_takes_and_repeated_until_it_is_dead() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    for _ in 0..30 {
        script.until(is_revoke);
        script.answer(failure(FailureEffect::Unknown));
    }
    let hour = script.until(|step| {
        matches!(
            step,
            Step::Wait {
                reason: WaitReason::Backoff,
                ..
            }
        )
    });
    let Step::Wait { until, .. } = hour else {
        panic!("{hour:?}");
    };
    assert_eq!(
        script.now.duration_until(until),
        HOUR,
        "the backoff has a limit"
    );
    script.finish();
}

#[test]
fn a_search_waits_until_a_late_token_would_be_listed() {
    let delay = Duration::from_secs(300);
    for (overlap_of, settle) in [(Duration::ZERO, SHORT_SETTLE), (HOUR / 60, SETTLE)] {
        let plan = Script::new(&overlap().with_read_delay(delay), Readable::Secret).plan;
        let mut script = Script::with_plan(plan.with_overlap(overlap_of));
        script.until(is_create);
        let sent_at = script.now;
        script.answer(failure(FailureEffect::Unknown));
        // A token that must die now does not wait for that.
        script.until(is_revoke);
        let revoked_at = script.now;
        script.until(is_search);
        assert_eq!(script.now, sent_at.saturating_add(settle + delay));
        assert_eq!(revoked_at < script.now, overlap_of.is_zero());
        script.finish();
    }
}

#[test]
fn a_token_is_rotated_and_revoked_only_if_it_is_known_to_be_the_old_one() {
    // Without the time of its creation, nothing is done where ids are given to others.
    let mut script = Script::new(&reused(), Readable::Secret);
    script.durable.subject_created_at = None;
    script.restart();
    assert_eq!(script.until_parked(), Parked::NoSubject);
    // The successor has the id of a token that was deleted meanwhile.
    let mut script = Script::new(&reused(), Readable::Secret);
    script.until(is_create);
    script.answer(Answer::Issued {
        token: TokenId::new("old"),
        secret: NEW,
    });
    assert_eq!(script.until_parked(), Parked::OtherToken);
    assert_eq!(script.sent(is_revoke), 0);
    // In place, it is looked at before each rotation.
    let in_place = Capabilities::none()
        .with_list(ListCapability::unpaged())
        .with_rotate()
        .with_reused_ids();
    assert!(Strategy::for_capabilities(&in_place, Preference::InPlace).is_err());
    let in_place = in_place.with_reported_fields([TokenField::CreatedAt]);
    let is_rotate = |step: &Step| matches!(step, Step::Rotate(_));
    let is_inspect = |step: &Step| matches!(step, Step::Inspect(_));
    let mut script = Script::new(&in_place, Readable::Secret);
    script.until(is_rotate);
    assert_eq!(script.sent(is_inspect), 1);
    script.answer(failure(FailureEffect::Unknown));
    script.until(is_inspect);
    script.answer(Answer::Inspected(Inspection::Dead));
    assert_eq!(script.until_parked(), Parked::OtherToken);
    assert_eq!(script.sent(is_rotate), 1);
}
