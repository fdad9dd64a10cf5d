//! A rotation that a test drives step by step.

use std::time::Duration;

use tokenfleet_core::capability::{CreateCapability, ListCapability, RevokeCapability, TokenField};
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{
    Capabilities, Fact, Liveness, RevocationEffect, Timestamp, Token, TokenId, TokenState,
};
use tokenfleet_rotation::machine::{
    Answer, Attempt, Change, Failure, FailureEffect, Inspection, Machine, Parked, PlannedSink,
    Preference, Rotation, RotationPlan, RotationState, SecretNumber, SinkReading, Step, Strategy,
};
use tokenfleet_rotation::sink::Readable;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const OLD: SecretNumber = SecretNumber::new(0);
pub(crate) const NEW: SecretNumber = SecretNumber::new(1);

pub(crate) fn overlap() -> Capabilities {
    Capabilities::none()
        .with_list(ListCapability::unpaged())
        .with_create(CreateCapability::new().with_required_name())
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
}

pub(crate) fn reused() -> Capabilities {
    let capabilities = overlap().with_reused_ids();
    capabilities.with_reported_fields([TokenField::CreatedAt])
}

/// A rotation with one sink, and answers that are as good as they can be unless a test says
/// otherwise.
pub(crate) struct Script {
    pub(crate) plan: RotationPlan,
    pub(crate) durable: Rotation,
    pub(crate) machine: Machine,
    pub(crate) epoch: u64,
    pub(crate) now: Timestamp,
    pub(crate) sink: SinkReading,
    pub(crate) markers: u32,
    pub(crate) steps: Vec<Step>,
}

impl Script {
    pub(crate) fn new(capabilities: &Capabilities, readable: Readable) -> Self {
        let strategy = Strategy::for_capabilities(capabilities, Preference::Overlap).unwrap();
        let sink = PlannedSink::new(readable).with_adoption();
        Self::with_plan(RotationPlan::new(strategy, [sink]).unwrap())
    }

    pub(crate) fn with_plan(plan: RotationPlan) -> Self {
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
    pub(crate) fn restart(&mut self) {
        self.epoch += 1;
        self.durable.starts += 1;
        self.machine = Machine::new(self.plan.clone(), self.durable.clone(), self.epoch);
    }

    pub(crate) fn next(&self) -> Step {
        self.machine.next(self.now)
    }

    /// Answers the next step as well as possible.
    pub(crate) fn go_on(&mut self) {
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

    pub(crate) fn answer(&mut self, answer: Answer) {
        self.answer_to(self.next(), answer);
    }

    pub(crate) fn answer_to(&mut self, step: Step, answer: Answer) {
        self.steps.push(step.clone());
        self.machine.answer(step, answer, self.now);
    }

    /// Goes on until a step is next, and returns it.
    pub(crate) fn until(&mut self, is_wanted: impl Fn(&Step) -> bool) -> Step {
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
    pub(crate) fn finish(&mut self) {
        self.until(|step| *step == Step::Finished);
    }

    /// Goes on until every sink holds the successor.
    pub(crate) fn deliver(&mut self) {
        while self.durable.state == RotationState::Issuing {
            self.go_on();
        }
    }

    pub(crate) fn until_parked(&mut self) -> Parked {
        let is_parked = |step: &Step| matches!(step, Step::Parked(_));
        match self.until(is_parked) {
            Step::Parked(reason) => reason,
            step => panic!("{step:?}"),
        }
    }

    pub(crate) fn sent(&self, is_counted: impl Fn(&Step) -> bool) -> usize {
        self.steps.iter().filter(|step| is_counted(step)).count()
    }
}

pub(crate) fn failure(effect: FailureEffect) -> Answer {
    let mut failure = Failure::unknown("it failed");
    failure.effect = effect;
    Answer::Failed(failure)
}

pub(crate) fn is_create(step: &Step) -> bool {
    matches!(step, Step::Create { .. })
}

pub(crate) fn is_write(step: &Step) -> bool {
    matches!(step, Step::WriteSink { .. })
}

pub(crate) fn is_read(step: &Step) -> bool {
    matches!(step, Step::ReadSink(_))
}

pub(crate) fn is_revoke(step: &Step) -> bool {
    matches!(step, Step::Revoke(_))
}

pub(crate) fn is_search(step: &Step) -> bool {
    matches!(step, Step::Search(_))
}
