//! Sinks that cannot be read, and those that somebody else has written.

use tokenfleet_core::capability::ListCapability;
use tokenfleet_core::{Capabilities, TokenId};
use tokenfleet_rotation::machine::{
    Answer, Change, FailureEffect, Machine, Parked, PlannedSink, Preference, RotationPlan,
    RotationState, SecretNumber, SinkReading, Step, Strategy, WaitReason,
};
use tokenfleet_rotation::sink::{Readable, Refusal, Stamp};

use crate::script::{OLD, Script, failure, is_create, is_read, is_revoke, is_write, overlap};

#[test]
fn what_a_person_put_into_a_sink_is_neither_replaced_nor_outlived() {
    // Before the delivery, by a plan that adopts nothing.
    let mut plan = Script::new(&overlap(), Readable::Secret).plan;
    plan.sinks = vec![PlannedSink::new(Readable::Secret)];
    let mut script = Script::with_plan(plan);
    assert_eq!(script.until_parked(), Parked::NotOurs { sink: 0 });
    assert_eq!(script.sent(is_create), 0, "no token was created in vain");
    // The sink itself may refuse it, too.
    let mut script = Script::new(&overlap(), Readable::Secret);
    script.until(is_write);
    script.answer(Answer::WriteRefused(Refusal::Foreign));
    assert_eq!(script.until_parked(), Parked::NotOurs { sink: 0 });
    // While it is delivered.
    let mut script = Script::new(&overlap(), Readable::Secret);
    script.until(is_write);
    script.sink = SinkReading::new(None, Some(SecretNumber::new(7)));
    script.answer(Answer::WriteRefused(Refusal::Conflict));
    assert_eq!(script.until_parked(), Parked::SinkChanged { sink: 0 });
    // During the overlap.
    let mut script = Script::new(&overlap(), Readable::Secret);
    script.until(|step| matches!(step, Step::Wait { .. }));
    script.sink = SinkReading::new(None, Some(SecretNumber::new(7)));
    assert_eq!(script.until_parked(), Parked::SinkChanged { sink: 0 });
    assert_eq!(script.sent(is_revoke), 0);
}

#[test]
fn a_person_who_resumes_gets_another_token_into_a_sink_that_was_changed_during_the_overlap() {
    let changed = SinkReading::new(None, Some(SecretNumber::new(7)));
    for adopts in [true, false] {
        let mut plan = Script::new(&overlap(), Readable::Secret).plan;
        let mut script = Script::with_plan(plan.clone());
        script.until(|step| matches!(step, Step::Wait { .. }));
        script.sink = changed.clone();
        assert_eq!(script.until_parked(), Parked::SinkChanged { sink: 0 });
        let mut rotation = script.durable.clone();
        rotation.apply(&Change::Resumed);
        plan.sinks[0].adopt = adopts;
        let mut script = Script::with_plan(plan);
        script.sink = changed.clone();
        script.durable = rotation.clone();
        script.machine = Machine::new(script.plan.clone(), rotation, 2);
        if adopts {
            script.until(is_create);
        } else {
            assert_eq!(script.until_parked(), Parked::NotOurs { sink: 0 });
            assert_eq!(script.sent(is_create), 0);
        }
        assert_eq!(script.sent(is_revoke), 0);
    }
}

#[test]
fn a_sink_that_a_later_epoch_wrote_stops_the_worker_before_it_writes() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    let stamp = Stamp::new("another", 9, TokenId::new("x"));
    script.sink = SinkReading::new(Some(stamp), Some(OLD));
    // A worker that is superseded learns of it when it records this.
    assert_eq!(
        script.until_parked(),
        Parked::SinkAhead { sink: 0, epoch: 9 }
    );
    assert_eq!(script.sent(is_write), 0);
}

#[test]
fn a_sink_that_cannot_be_read_is_written_until_it_says_so() {
    let mut script = Script::new(&overlap(), Readable::Nothing);
    script.until(is_write);
    script.answer(failure(FailureEffect::Unknown));
    script.finish();
    assert_eq!((script.sent(is_write), script.sent(is_read)), (2, 0));
    let waits = |step: &Step| {
        matches!(
            step,
            Step::Wait {
                reason: WaitReason::Overlap,
                ..
            }
        )
    };
    assert_eq!(script.sent(waits), 1);
}

#[test]
fn a_sink_that_returns_stamps_only_is_read_back_by_them() {
    let mut script = Script::new(&overlap(), Readable::Stamp);
    script.sink.secret = None;
    for _ in 0..100 {
        if script.next() == Step::Finished {
            break;
        }
        script.go_on();
        script.sink.secret = None;
    }
    assert_eq!(script.durable.state, RotationState::Done);
    assert_eq!(script.sent(is_write), 1);
    assert!(script.sent(is_read) >= 3);
}

#[test]
fn a_sink_that_another_open_rotation_writes_is_not_adopted() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    let stamp = Stamp::new("another", 9, TokenId::new("old"));
    script.sink = SinkReading::new(Some(stamp), Some(OLD)).with_contested(true);
    assert_eq!(script.until_parked(), Parked::Contested { sink: 0 });
    assert_eq!(script.sent(is_create), 0);
    // It appears while the successor is delivered.
    let mut script = Script::new(&overlap(), Readable::Secret);
    script.until(is_write);
    let stamp = Stamp::new("another", 1, TokenId::new("old"));
    script.sink = SinkReading::new(Some(stamp), Some(SecretNumber::new(7))).with_contested(true);
    script.answer(Answer::WriteRefused(Refusal::Conflict));
    assert_eq!(script.until_parked(), Parked::Contested { sink: 0 });
}

#[test]
fn the_only_secret_that_works_is_delivered_elsewhere_before_a_person_is_asked_about_a_sink() {
    let in_place = Capabilities::none()
        .with_list(ListCapability::unpaged())
        .with_rotate()
        .with_verify();
    let strategy = Strategy::for_capabilities(&in_place, Preference::InPlace).unwrap();
    let sink = PlannedSink::new(Readable::Secret).with_adoption();
    let plan = RotationPlan::new(strategy, [sink; 3]).unwrap();
    let changed = SinkReading::new(None, Some(SecretNumber::new(7)));
    let is_written = |number: usize| move |step: &Step| matches!(step, Step::WriteSink { sink, .. } if *sink == number);
    for refusal in [Refusal::Foreign, Refusal::Conflict] {
        let mut script = Script::with_plan(plan.clone());
        script.until(is_write);
        script.answer(Answer::WriteRefused(refusal));
        let expected = if refusal == Refusal::Conflict {
            assert_eq!(script.next(), Step::ReadSink(0));
            script.answer(Answer::Read(changed.clone()));
            Parked::SinkChanged { sink: 0 }
        } else {
            Parked::NotOurs { sink: 0 }
        };
        // One that is down meanwhile is tried again, however long that takes.
        for _ in 0..5 {
            script.until(is_written(1));
            script.answer(failure(FailureEffect::Unknown));
        }
        // And another one is found to be somebody else's.
        script.until(|step| *step == Step::ReadSink(2));
        script.answer(Answer::Read(SinkReading::new(None, Some(OLD))));
        script.until(is_written(2));
        script.answer(Answer::WriteRefused(Refusal::Foreign));
        assert_eq!(script.until_parked(), expected);
        assert_eq!(script.sent(is_written(0)), 1, "it is left as it is");
        assert_eq!(script.sent(is_written(1)), 6);
        assert_eq!(script.sent(is_written(2)), 1, "so is this one");
    }
}

#[test]
fn what_another_ledger_wrote_is_not_replaced() {
    let ours = Stamp::new("earlier", 1, TokenId::new("old")).with_ledger("ours");
    let theirs = Stamp::new("earlier", 1, TokenId::new("old")).with_ledger("theirs");
    let mut plan = Script::new(&overlap(), Readable::Secret).plan;
    plan.sinks = vec![PlannedSink::new(Readable::Secret)];
    for (stamp, is_ours) in [(ours, true), (theirs, false)] {
        let mut script = Script::with_plan(plan.clone());
        script.machine = script.machine.with_ledger("ours");
        script.sink = SinkReading::new(Some(stamp), Some(OLD));
        if is_ours {
            script.finish();
        } else {
            assert_eq!(script.until_parked(), Parked::NotOurs { sink: 0 });
            assert_eq!(script.sent(is_create), 0);
        }
    }
}
