//! The world of one schedule: a platform, sinks, what is durable, the clock, and the faults.

use std::time::Duration;

use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Liveness, Timestamp};
use tokenfleet_rotation::machine::{
    Answer, Attempt, Change, Failure, FailureEffect, Inspection, Machine, Rotation, RotationPlan,
    RotationState, SecretNumber, SinkReading, Step,
};

use tokenfleet_rotation::sink::{Refusal, Stamp};

use crate::actor::Actor;
use crate::choices::Choices;
use crate::other::Other;
use crate::platform::{Kind, Platform};
use crate::setting::{Mutant, Setting};

/// A sink with a version, and the stamp of who wrote it.
#[derive(Debug, Clone)]
struct Sink {
    secret: u32,
    stamp: Option<Stamp>,
    version: u32,
}

/// The time at which a late request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// At the next wait, however short it is.
    AtNextWait,
    /// As late as a request can arrive.
    AtLatest(Timestamp),
}

/// A request that arrives later.
#[derive(Debug, Clone)]
enum Effect {
    Create(Option<Marker>),
    Rotate,
    Suspend(tokenfleet_core::TokenId),
    Revoke(tokenfleet_core::TokenId),
    RevokeSecret(u32),
    Write {
        sink: usize,
        secret: u32,
        stamp: Stamp,
        version: u32,
    },
}

/// The answer to a request, or none.
enum Sent {
    Answered(Answer),
    Lost,
}

pub(crate) struct World<'a> {
    setting: &'a Setting,
    plan: &'a RotationPlan,
    choices: Choices,
    now: Timestamp,
    pub(crate) platform: Platform,
    sinks: Vec<Sink>,
    late: Vec<(Arrival, Effect)>,
    pub(crate) rotation: Rotation,
    epoch: u64,
    next_marker: u64,
    /// The attempt that a mutant has not written yet.
    withheld: Option<Change>,
    /// `true` while the sinks neither answer nor take anything.
    is_down: bool,
    /// `true` once another rotation writes the sinks.
    is_contested: bool,
    pub(crate) outage: bool,
}

/// A worker with the sinks' versions as it last read them.
struct Worker {
    actor: Actor,
    epoch: u64,
    versions: Vec<u32>,
}

/// The end of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Parked(String),
    Stuck,
}

/// The fate of a worker.
enum Fate {
    Goes,
    Ends,
}

const OPERATION: &str = "0000000000000000000000000000002a";

/// Returns the failure of a step that certainly had no effect.
fn certain_failure() -> Answer {
    let mut failure = Failure::unknown("it is down");
    failure.effect = FailureEffect::None;
    Answer::Failed(failure)
}

/// The longest time after which a late request arrives: a second before nobody waits any longer.
fn latest(settle: Duration) -> Duration {
    settle - Duration::from_secs(1)
}

impl<'a> World<'a> {
    pub(crate) fn new(setting: &'a Setting, plan: &'a RotationPlan, choices: Choices) -> Self {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let id: OperationId = OPERATION.parse().unwrap();
        let subject = (setting.kind != Kind::Mindbody).then(|| Platform::id(0));
        let sink = Sink {
            secret: 0,
            stamp: None,
            version: 0,
        };
        Self {
            setting,
            plan,
            choices,
            now,
            platform: Platform::new(setting.kind),
            sinks: vec![sink; setting.sinks],
            late: Vec::new(),
            rotation: Rotation::new(id, subject, now),
            epoch: 0,
            next_marker: 0,
            withheld: None,
            is_down: false,
            is_contested: false,
            outage: false,
        }
    }

    pub(crate) fn trace(&self) -> &[(u8, u8)] {
        &self.choices.trace
    }

    /// Claims the queue: the epoch rises.
    fn worker(&mut self) -> Worker {
        self.epoch += 1;
        self.rotation.starts += 1;
        let rotation = self.rotation.clone();
        let actor = match self.setting.other {
            None => Actor::Machine(Box::new(Machine::new(
                self.plan.clone(),
                rotation,
                self.epoch,
            ))),
            Some(order) => {
                let sinks = self.sinks.len();
                Actor::Other(Box::new(Other::new(order, rotation, self.epoch, sinks)))
            }
        };
        Worker {
            actor,
            epoch: self.epoch,
            versions: vec![0; self.sinks.len()],
        }
    }

    /// Runs the schedule. At each point the worker may crash, or pause while another one goes on.
    pub(crate) fn run(&mut self) -> End {
        let mut workers = vec![self.worker()];
        let (mut current, mut born) = (0, 1);
        for _ in 0..600 {
            let can_pause = born < self.setting.max_workers || workers.len() > 1;
            let ways = match self.setting.is_calm {
                true => 1,
                false if can_pause => 3,
                false => 2,
            };
            match self.choices.choose(ways) {
                1 => {
                    workers.remove(current);
                    current = 0;
                }
                2 => {
                    if workers.len() == 1 {
                        let worker = self.worker();
                        workers.push(worker);
                        born += 1;
                    }
                    current = 1 - current;
                    continue;
                }
                _ => {
                    let mut worker = workers.remove(current);
                    let step = worker.actor.next(self.now);
                    match step {
                        Step::Finished => {
                            current = 0;
                            if workers.is_empty() && self.rotation.state == RotationState::Done {
                                return End::Done;
                            }
                        }
                        Step::Parked(reason) => return End::Parked(reason.to_string()),
                        step => match self.carry_out(&mut worker, step) {
                            Fate::Goes => workers.insert(current, worker),
                            Fate::Ends => current = 0,
                        },
                    }
                }
            }
            if workers.is_empty() {
                let worker = self.worker();
                workers.push(worker);
                born += 1;
            }
            self.watch();
        }
        End::Stuck
    }

    /// Notices that what a sink holds does not authenticate.
    pub(crate) fn watch(&mut self) {
        self.outage |= self.has_dead_sink();
    }

    pub(crate) fn has_dead_sink(&self) -> bool {
        (self.sinks.iter()).any(|sink| !self.platform.accepts(sink.secret))
    }

    pub(crate) fn held(&self) -> Vec<u32> {
        self.sinks.iter().map(|sink| sink.secret).collect()
    }

    /// Lets every late request arrive that can have arrived by now; at the end, all.
    pub(crate) fn land(&mut self, all: bool) {
        let mut waiting = Vec::new();
        for (arrival, effect) in std::mem::take(&mut self.late) {
            match arrival {
                Arrival::AtLatest(at) if !all && self.now < at => waiting.push((arrival, effect)),
                _ => {
                    self.apply(&effect);
                }
            }
        }
        self.late = waiting;
    }

    fn apply(&mut self, effect: &Effect) -> Answer {
        match effect {
            Effect::Create(marker) => match self.platform.create(marker.clone()) {
                Some((token, secret)) => Answer::Issued {
                    token,
                    secret: SecretNumber::new(secret),
                },
                None => Answer::Failed(Failure::unknown("the name is taken")),
            },
            Effect::Rotate => {
                let (token, secret) = self.platform.rotate();
                Answer::Issued {
                    token,
                    secret: SecretNumber::new(secret),
                }
            }
            Effect::Suspend(id) => {
                self.platform.token(id).is_suspended = true;
                Answer::Applied
            }
            Effect::Revoke(id) => {
                self.platform.token(id).is_alive = false;
                Answer::Applied
            }
            Effect::RevokeSecret(secret) => {
                self.platform.revoke_secret(*secret);
                Answer::Applied
            }
            Effect::Write {
                sink,
                secret,
                stamp,
                version,
            } => {
                let fences = self.setting.mutant != Some(Mutant::NoEpochInSinks);
                let swaps = self.setting.compare_and_swap;
                let sink = &mut self.sinks[*sink];
                let is_later = |old: &Stamp| old.epoch() > stamp.epoch();
                if swaps && sink.version != *version
                    || swaps && fences && sink.stamp.as_ref().is_some_and(is_later)
                {
                    return Answer::WriteRefused(Refusal::Conflict);
                }
                *sink = Sink {
                    secret: *secret,
                    stamp: Some(stamp.clone()),
                    version: sink.version + 1,
                };
                Answer::Written
            }
        }
    }

    /// Sends a request: it is answered, lost on the way there or back, or arrives late.
    fn send(&mut self, epoch: u64, effect: Effect) -> Option<Sent> {
        if self.setting.lease && epoch != self.epoch {
            return None;
        }
        Some(
            match self
                .choices
                .choose(if self.setting.is_calm { 1 } else { 5 })
            {
                0 => Sent::Answered(self.apply(&effect)),
                1 => Sent::Lost,
                2 => {
                    self.apply(&effect);
                    Sent::Lost
                }
                way => {
                    let latest = self.now.saturating_add(latest(self.plan.settle));
                    let arrival = match way {
                        3 => Arrival::AtLatest(latest),
                        _ => Arrival::AtNextWait,
                    };
                    self.late.push((arrival, effect));
                    Sent::Lost
                }
            },
        )
    }

    fn carry_out(&mut self, worker: &mut Worker, step: Step) -> Fate {
        let Some(answer) = self.answer(worker, &step) else {
            return Fate::Ends;
        };
        let ends = self.setting.ends_at_waits && answer == Answer::Waited;
        worker.actor.answer(step, answer, self.now);
        if ends {
            self.rotation.starts = 0;
            return Fate::Ends;
        }
        Fate::Goes
    }

    /// Carries out a step, or returns `None` if the worker is superseded.
    fn answer(&mut self, worker: &mut Worker, step: &Step) -> Option<Answer> {
        let is_current = worker.epoch == self.epoch;
        let effect = match step {
            Step::Attempt {
                number,
                dead_by,
                replaced,
            } => {
                if !is_current {
                    return None;
                }
                self.next_marker += 1;
                let marker = format!("tf-{:016x}", self.next_marker).parse().unwrap();
                let attempt = Attempt::new(*number, marker, self.now).with_dead_by(*dead_by);
                let change = Change::Attempting {
                    attempt,
                    replaced: *replaced,
                };
                if self.setting.mutant == Some(Mutant::MarkerAfterCreation) {
                    self.withheld = Some(change.clone());
                } else {
                    if self.setting.mutant == Some(Mutant::EarlierMarkersForgotten) {
                        self.rotation.attempts.clear();
                    }
                    self.rotation.apply(&change);
                }
                return Some(Answer::Attempting(change));
            }
            Step::Record(change) => {
                if !is_current {
                    return None;
                }
                if let (Change::Delivered(_), Some(withheld)) = (change, self.withheld.take()) {
                    self.rotation.apply(&withheld);
                }
                self.rotation.apply(change);
                return Some(Answer::Recorded);
            }
            Step::ReadSink(_) if self.is_down() => return Some(certain_failure()),
            Step::ReadSink(sink) => return Some(self.read(worker, *sink)),
            Step::WriteSink { .. } if self.is_sent_by(worker) && self.is_down() => {
                return Some(certain_failure());
            }
            Step::Revoke(_)
                if self.rotation.state == RotationState::Issuing
                    && self.setting.mutant == Some(Mutant::WithdrawnInVain) =>
            {
                return Some(Answer::Applied);
            }
            Step::Inspect(_) => {
                // Used just before the delivery, so it is not rested at once without an overlap.
                let delivered = worker.actor.rotation().successor.as_ref();
                let last_used = delivered.map(|successor| successor.delivered_at);
                return Some(Answer::Inspected(Inspection::Present { last_used }));
            }
            Step::Verify(secret) => return Some(self.verify(*secret)),
            Step::Search(markers) => {
                let tokens = self.platform.living();
                // What a mutant has forgotten is not searched for.
                let attempts = self.rotation.attempts.iter().map(|attempt| &attempt.marker);
                let searched: Vec<_> = attempts.filter(|own| markers.contains(own)).collect();
                let bears = |marker: &Option<Marker>| {
                    marker
                        .as_ref()
                        .is_some_and(|marker| searched.contains(&marker))
                };
                let found = tokens.filter(|token| bears(&token.marker));
                return Some(Answer::Found(
                    found.map(|token| Platform::id(token.id)).collect(),
                ));
            }
            Step::Wait { until, .. } => {
                self.now = self.now.max(*until);
                self.is_down = false;
                let skips = [Mutant::NoSettle, Mutant::NoSettleNotConfirmed];
                if !self
                    .setting
                    .mutant
                    .is_some_and(|mutant| skips.contains(&mutant))
                {
                    self.land(false);
                }
                return Some(Answer::Waited);
            }
            Step::Create { marker } => Effect::Create(Some(marker.clone())),
            Step::Rotate(_) => Effect::Rotate,
            Step::Suspend(token) => Effect::Suspend(token.clone()),
            Step::Revoke(token) => Effect::Revoke(token.clone()),
            Step::RevokeSecret(secret) => Effect::RevokeSecret(secret.get()),
            Step::WriteSink {
                sink,
                secret,
                stamp,
            } => Effect::Write {
                sink: *sink,
                secret: secret.get(),
                stamp: stamp.clone(),
                version: worker.versions[*sink],
            },
            other => panic!("{other:?}"),
        };
        let is_taken_for_certain = self.setting.mutant == Some(Mutant::LostWritesAreCertain)
            && matches!(effect, Effect::Write { .. });
        Some(match self.send(worker.epoch, effect)? {
            Sent::Answered(answer) => answer,
            Sent::Lost if is_taken_for_certain => certain_failure(),
            Sent::Lost => Answer::Failed(Failure::unknown("no answer")),
        })
    }

    fn read(&mut self, worker: &mut Worker, sink: usize) -> Answer {
        let held = &self.sinks[sink];
        worker.versions[sink] = held.version;
        let mut stamp = held.stamp.clone();
        let rotation = worker.actor.rotation();
        if let (Some(stamp), Some(Mutant::NoEpochInSinks)) = (&mut stamp, self.setting.mutant) {
            let successor = rotation.successor.as_ref();
            let delivered = successor.filter(|_| rotation.state == RotationState::Retiring);
            let epoch = delivered.map_or(worker.epoch, |successor| successor.epoch);
            *stamp = Stamp::new(OPERATION, epoch, stamp.token().clone());
        }
        if let (Some(successor), RotationState::Retiring, Some(Mutant::SinksNotRead)) =
            (&rotation.successor, rotation.state, self.setting.mutant)
        {
            let token = successor.token.clone();
            stamp = Some(Stamp::new(OPERATION, successor.epoch, token));
        }
        let reading = SinkReading::new(stamp, Some(SecretNumber::new(held.secret)));
        if self.setting.contests && !self.is_contested {
            self.is_contested = self.choices.choose(2) == 1;
        }
        Answer::Read(reading.with_contested(self.is_contested))
    }

    /// Returns `true` for a worker that may still send something.
    fn is_sent_by(&self, worker: &Worker) -> bool {
        !self.setting.lease || worker.epoch == self.epoch
    }

    /// Lets the sinks fail from now until the next wait, or not.
    fn is_down(&mut self) -> bool {
        if self.setting.certain_failures && !self.is_down {
            self.is_down = self.choices.choose(2) == 1;
        }
        self.is_down
    }

    fn verify(&mut self, secret: SecretNumber) -> Answer {
        if self.setting.certain_failures
            && self.rotation.state == RotationState::Issuing
            && self.choices.choose(2) == 1
        {
            return Answer::Verified(Liveness::Dead);
        }
        let assumes = [
            Mutant::NotConfirmed,
            Mutant::NoSettleNotConfirmed,
            Mutant::SinksNotRead,
        ];
        let is_assumed = self
            .setting
            .mutant
            .is_some_and(|mutant| assumes.contains(&mutant));
        Answer::Verified(if is_assumed || self.platform.accepts(secret.get()) {
            Liveness::Alive
        } else {
            Liveness::Dead
        })
    }
}
