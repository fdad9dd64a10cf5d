//! Successors that no sink takes, or that the platform refuses.

use std::time::Duration;

use tokenfleet_core::{Liveness, TokenId};
use tokenfleet_rotation::machine::{
    Answer, Attempt, Change, Failure, FailureEffect, Parked, RotationState, SecretNumber,
    SinkReading, Step, WaitReason,
};
use tokenfleet_rotation::sink::{Readable, Refusal, Stamp};

use crate::script::{
    HOUR, NEW, OLD, Script, failure, is_create, is_read, is_revoke, is_write, overlap,
};

#[test]
fn a_successor_that_the_platform_rejects_never_outlives_the_old_token() {
    let mut script = Script::new(&overlap().with_verify(), Readable::Secret);
    script.deliver();
    script.until(|step| matches!(step, Step::Verify(_)));
    script.answer(Answer::Verified(Liveness::Dead));
    script.until(is_create);
    assert_eq!(script.sent(is_revoke), 0);
    assert_eq!(script.durable.state, RotationState::Issuing);
    // What stays unknown is parked, and nothing is revoked.
    let mut script = Script::new(&overlap().with_verify(), Readable::Secret);
    script.deliver();
    for _ in 0..5 {
        script.until(|step| matches!(step, Step::Verify(_)));
        let reason = "no answer".to_owned();
        script.answer(Answer::Verified(Liveness::Unknown { reason }));
    }
    let reason = "no answer".to_owned();
    assert_eq!(script.until_parked(), Parked::Unverified { reason });
    assert_eq!(script.sent(is_revoke), 0);
}

/// Goes on until a person is asked, with these answers to writes. Returns the reason, and the
/// tokens that were revoked.
fn undelivered(script: &mut Script, effect: FailureEffect) -> (Parked, usize) {
    for _ in 0..300 {
        match script.next() {
            Step::Parked(reason) => return (reason, script.sent(is_revoke)),
            Step::WriteSink { .. } => script.answer(failure(effect)),
            _ => script.go_on(),
        }
    }
    panic!("{:?}", script.steps);
}

#[test]
fn a_successor_that_no_sink_takes_is_revoked_before_another_one_is_created() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    let error = "it failed".to_owned();
    let (parked, revoked) = undelivered(&mut script, FailureEffect::Refused);
    assert_eq!(parked, Parked::Withdrawn { error });
    assert_eq!((script.sent(is_create), revoked), (2, 2));
    assert_eq!(script.durable.left_behind(), Vec::<&Attempt>::new());
    // A person allows one more.
    script.durable.apply(&Change::Resumed);
    script.restart();
    undelivered(&mut script, FailureEffect::Refused);
    assert_eq!((script.sent(is_create), script.sent(is_revoke)), (3, 3));

    // What may pass is tried more often.
    let mut script = Script::new(&overlap(), Readable::Secret);
    let (parked, revoked) = undelivered(&mut script, FailureEffect::None);
    assert!(matches!(parked, Parked::Withdrawn { .. }), "{parked:?}");
    assert_eq!((script.sent(is_create), revoked), (5, 5));
}

#[test]
fn a_successor_that_a_sink_may_hold_is_not_revoked_while_it_is_delivered() {
    let mut script = Script::new(&overlap(), Readable::Secret);
    script.until(is_write);
    script.answer(failure(FailureEffect::Unknown));
    for _ in 0..20 {
        match script.next() {
            Step::WriteSink { .. } => script.answer(failure(FailureEffect::Refused)),
            _ => script.go_on(),
        }
    }
    assert_eq!(script.sent(is_revoke), 0, "{:?}", script.steps);
}

#[test]
fn a_secret_that_the_platform_refuses_is_never_delivered() {
    let capabilities = overlap().with_verify();
    let mut script = Script::new(&capabilities, Readable::Secret);
    while script.sent(is_revoke) < 2 {
        script.until(|step| matches!(step, Step::Verify(_)) || is_revoke(step));
        match script.next() {
            Step::Verify(_) => script.answer(Answer::Verified(Liveness::Dead)),
            _ => script.go_on(),
        }
    }
    let parked = script.until_parked();
    assert!(matches!(parked, Parked::Withdrawn { .. }), "{parked:?}");
    assert_eq!((script.sent(is_write), script.sent(is_revoke)), (0, 2));

    // Nor is one whose record says so.
    let mut script = Script::new(&overlap(), Readable::Secret);
    for _ in 0..2 {
        script.until(is_create);
        script.answer(Answer::DeadOnArrival {
            token: TokenId::new("dead"),
            secret: NEW,
            error: "the clocks differ".to_owned(),
        });
    }
    let error = "the clocks differ".to_owned();
    assert_eq!(script.until_parked(), Parked::Withdrawn { error });
    assert_eq!((script.sent(is_write), script.sent(is_revoke)), (0, 2));

    // A platform that answers with the record that was there has created nothing to revoke.
    let mut script = Script::new(&overlap(), Readable::Secret);
    script.until(is_create);
    script.answer(Answer::DeadOnArrival {
        token: TokenId::new("old"),
        secret: NEW,
        error: "suspended".to_owned(),
    });
    assert_eq!(script.until_parked(), Parked::OtherToken);
    assert_eq!(script.sent(is_revoke), 0);

    // What is not known does not hold up the delivery.
    let mut script = Script::new(&capabilities, Readable::Secret);
    script.until(|step| matches!(step, Step::Verify(_)));
    script.answer(failure(FailureEffect::Unknown));
    script.finish();
    assert_eq!((script.sent(is_create), script.sent(is_write)), (1, 1));
}

#[test]
fn a_new_secret_that_is_refused_is_tried_again_for_some_seconds_before_that_is_believed() {
    let is_verify = |step: &Step| matches!(step, Step::Verify(_));
    let unknown = || {
        let reason = "429".to_owned();
        Answer::Verified(Liveness::Unknown { reason })
    };
    // It is accepted a moment later, or nothing is known any more: then it is not delivered.
    for (then, creations) in [(Answer::Verified(Liveness::Alive), 1), (unknown(), 2)] {
        let mut script = Script::new(&overlap().with_verify(), Readable::Secret);
        script.until(is_verify);
        let issued_at = script.now;
        script.answer(Answer::Verified(Liveness::Dead));
        let Step::Wait { reason, .. } = script.next() else {
            panic!("{:?}", script.next());
        };
        assert_eq!(reason, WaitReason::Acceptance);
        script.until(is_verify);
        assert_eq!(script.sent(is_write), 0, "not before it is known");
        while script.sent(is_create) == 1
            && is_verify(&script.until(|step| is_verify(step) || is_write(step) || is_revoke(step)))
        {
            script.answer(then.clone());
        }
        let tried_for = issued_at.duration_until(script.now);
        assert!(tried_for <= Duration::from_secs(30), "{tried_for:?}");
        script.finish();
        assert_eq!(script.sent(is_create), creations, "{then:?}");
    }
}

#[test]
fn a_successor_that_certainly_no_sink_has_is_revoked_before_a_worker_waits_or_asks_a_person() {
    let failed = |retry_after| {
        let mut failure = Failure::unknown("it failed");
        failure.effect = FailureEffect::None;
        failure.retry_after = retry_after;
        Answer::Failed(failure)
    };
    let foreign = SinkReading::new(None, Some(SecretNumber::new(7)));
    let theirs = Stamp::new("another", 1, TokenId::new("x"));
    let contested = SinkReading::new(Some(theirs), Some(OLD)).with_contested(true);
    let conflict = || Answer::WriteRefused(Refusal::Conflict);
    let read = |reading: &SinkReading| Answer::Read(reading.clone());
    let down = |times| vec![failed(None); times];
    // The answers of the sink to writes and reads after the successor was issued, and the reason to
    // ask a person.
    let cases: [(&str, Vec<Answer>, Option<Parked>); 7] = [
        ("reads fail", [vec![conflict()], down(2)].concat(), None),
        ("a write has to wait", vec![failed(Some(HOUR))], None),
        (
            "a read has to wait",
            vec![conflict(), failed(Some(HOUR))],
            None,
        ),
        (
            "conflicts",
            vec![
                conflict(),
                read(&SinkReading::new(None, Some(OLD))),
                conflict(),
                read(&SinkReading::new(None, Some(OLD))),
                conflict(),
            ],
            None,
        ),
        (
            "foreign",
            vec![Answer::WriteRefused(Refusal::Foreign)],
            Some(Parked::NotOurs { sink: 0 }),
        ),
        (
            "changed",
            vec![conflict(), read(&foreign)],
            Some(Parked::SinkChanged { sink: 0 }),
        ),
        (
            "contested",
            vec![conflict(), read(&contested)],
            Some(Parked::Contested { sink: 0 }),
        ),
    ];
    for (name, answers, parked) in cases {
        let mut script = Script::new(&overlap(), Readable::Secret);
        script.until(is_create);
        script.go_on();
        for answer in answers {
            script.until(|step| is_write(step) || is_read(step));
            script.answer(answer);
        }
        // A revocation that fails is repeated, and the successor is not delivered meanwhile.
        assert!(is_revoke(&script.next()), "{name}: {:?}", script.next());
        for _ in 0..3 {
            script.until(is_revoke);
            script.answer(failure(FailureEffect::Unknown));
        }
        let writes = script.sent(is_write);
        let withdrawn = Step::Record(Change::Withdrawn { attempt: 1 });
        script.until(|step| *step == withdrawn);
        assert_eq!(script.sent(is_write), writes, "{name}");
        script.go_on();
        assert_eq!(
            script.durable.left_behind(),
            Vec::<&Attempt>::new(),
            "{name}"
        );
        match parked {
            Some(parked) => assert_eq!(script.until_parked(), parked, "{name}"),
            None => script.finish(),
        }
    }
    // What a sink asks to wait for is waited for.
    let mut script = Script::new(&overlap(), Readable::Secret);
    script.until(is_write);
    let asked_at = script.now;
    script.answer(failed(Some(HOUR)));
    let is_attempt = |step: &Step| matches!(step, Step::Attempt { .. });
    script.until(is_attempt);
    assert!(asked_at.duration_until(script.now) >= HOUR);
}
