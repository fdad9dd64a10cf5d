//! The laws of the machine that the model does not try: failures that are certain, sinks that
//! cannot be read, people who change a sink, and what is parked.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use tokenfleet_core::capability::{CreateCapability, ListCapability, RevokeCapability, TokenField};
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{
    Capabilities, Fact, Liveness, RevocationEffect, Timestamp, Token, TokenId, TokenState,
};
use tokenfleet_rotation::machine::{
    Answer, Attempt, Change, Failure, FailureEffect, Inspection, Machine, Parked, PlannedSink,
    Preference, Rotation, RotationPlan, RotationState, SETTLE, SHORT_SETTLE, SecretNumber,
    SinkReading, Step, Strategy, WaitReason,
};
use tokenfleet_rotation::sink::{Readable, Refusal, Stamp};

const HOUR: Duration = Duration::from_secs(3600);
const OLD: SecretNumber = SecretNumber::new(0);
const NEW: SecretNumber = SecretNumber::new(1);

fn overlap() -> Capabilities {
    Capabilities::none()
        .with_list(ListCapability::unpaged())
        .with_create(CreateCapability::new().with_required_name())
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
}

fn reused() -> Capabilities {
    let capabilities = overlap().with_reused_ids();
    capabilities.with_reported_fields([TokenField::CreatedAt])
}

/// A rotation with one sink, and answers that are as good as they can be unless a test says
/// otherwise.
struct Script {
    plan: RotationPlan,
    durable: Rotation,
    machine: Machine,
    epoch: u64,
    now: Timestamp,
    sink: SinkReading,
    markers: u32,
    steps: Vec<Step>,
}

impl Script {
    fn new(capabilities: &Capabilities, readable: Readable) -> Self {
        let strategy = Strategy::for_capabilities(capabilities, Preference::Overlap).unwrap();
        let sink = PlannedSink::new(readable).with_adoption();
        Self::with_plan(RotationPlan::new(strategy, [sink]).unwrap())
    }

    fn with_plan(plan: RotationPlan) -> Self {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let mut old = Token::new(TokenId::new("old"), TokenState::Active);
        old.created_at = Fact::Known(now);
        let durable = Rotation::of_token(OperationId::random(), &old, now);
        Self {
            machine: Machine::new(plan.clone(), durable.clone(), 1),
            plan,
            durable,
            epoch: 1,
            now,
            sink: SinkReading::new(None, Some(OLD)),
            markers: 0,
            steps: Vec::new(),
        }
    }

    /// Lets another worker begin.
    fn restart(&mut self) {
        self.epoch += 1;
        self.durable.starts += 1;
        self.machine = Machine::new(self.plan.clone(), self.durable.clone(), self.epoch);
    }

    fn next(&self) -> Step {
        self.machine.next(self.now)
    }

    /// Answers the next step as well as possible.
    fn go_on(&mut self) {
        let step = self.next();
        let answer = match &step {
            Step::Attempt { number, .. } => {
                self.markers += 1;
                let marker = format!("tf-{:016x}", self.markers).parse().unwrap();
                let attempt = Attempt::new(*number, marker, self.now);
                let change = Change::Attempting {
                    attempt,
                    replaced: 0,
                };
                self.durable.apply(&change);
                Answer::Attempting(change)
            }
            Step::Record(change) => {
                self.durable.apply(change);
                Answer::Recorded
            }
            Step::Create { .. } | Step::Rotate(_) => Answer::Issued {
                token: TokenId::new("new"),
                secret: NEW,
            },
            Step::ReadSink(_) => Answer::Read(self.sink.clone()),
            Step::WriteSink { secret, stamp, .. } => {
                self.sink = SinkReading::new(Some(stamp.clone()), Some(*secret));
                Answer::Written
            }
            Step::Inspect(_) => Answer::Inspected(Inspection::Present { last_used: None }),
            Step::Verify(_) => Answer::Verified(Liveness::Alive),
            Step::Search(_) => Answer::Found(Vec::new()),
            Step::Wait { until, .. } => {
                self.now = *until;
                Answer::Waited
            }
            Step::Suspend(_) | Step::Revoke(_) | Step::RevokeSecret(_) => Answer::Applied,
            Step::Parked(_) | Step::Finished => panic!("{step:?}"),
            other => panic!("{other:?}"),
        };
        self.answer_to(step, answer);
    }

    fn answer(&mut self, answer: Answer) {
        self.answer_to(self.next(), answer);
    }

    fn answer_to(&mut self, step: Step, answer: Answer) {
        self.steps.push(step.clone());
        self.machine.answer(step, answer, self.now);
    }

    /// Goes on until a step is next, and returns it.
    fn until(&mut self, is_wanted: impl Fn(&Step) -> bool) -> Step {
        for _ in 0..100 {
            let step = self.next();
            if is_wanted(&step) {
                return step;
            }
            self.go_on();
        }
        panic!("{:?}", self.steps);
    }

    /// Goes on until nothing is left to do.
    fn finish(&mut self) {
        self.until(|step| *step == Step::Finished);
    }

    /// Goes on until every sink holds the successor.
    fn deliver(&mut self) {
        while self.durable.state == RotationState::Issuing {
            self.go_on();
        }
    }

    fn until_parked(&mut self) -> Parked {
        let is_parked = |step: &Step| matches!(step, Step::Parked(_));
        match self.until(is_parked) {
            Step::Parked(reason) => reason,
            step => panic!("{step:?}"),
        }
    }

    fn sent(&self, is_counted: impl Fn(&Step) -> bool) -> usize {
        self.steps.iter().filter(|step| is_counted(step)).count()
    }
}

fn failure(effect: FailureEffect) -> Answer {
    let mut failure = Failure::unknown("it failed");
    failure.effect = effect;
    Answer::Failed(failure)
}

fn is_create(step: &Step) -> bool {
    matches!(step, Step::Create { .. })
}

fn is_write(step: &Step) -> bool {
    matches!(step, Step::WriteSink { .. })
}

fn is_read(step: &Step) -> bool {
    matches!(step, Step::ReadSink(_))
}

fn is_revoke(step: &Step) -> bool {
    matches!(step, Step::Revoke(_))
}

fn is_search(step: &Step) -> bool {
    matches!(step, Step::Search(_))
}

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
