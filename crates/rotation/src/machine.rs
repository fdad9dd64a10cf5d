//! The rotation of one token: two durable states, and the next step of each.
//!
//! A [`Machine`] does no IO. It says what the [next step](Machine::next) is, a runner carries it
//! out and [answers](Machine::answer). What must survive a crash is a [`Rotation`], which changes
//! only by a [`Change`] that was recorded durably first; everything else is the memory of one
//! worker, and may be lost at any point.
//!
//! ```text
//!           open                      every sink holds it                nothing is left but it
//!  (policy) ─────▶ issuing(attempts) ─────────────────────▶ retiring(successor) ─────▶ done
//!                    ▲    │ a failure, a crash,                 │ a sink does not hold it,
//!                    └────┘ a lost answer: next attempt         └──▶ issuing  or it is dead
//! ```
//!
//! * **Issuing.** A marker is recorded durably, one creation is sent, every sink is written and
//!   read back. Whatever is unknown or broken on the way: another marker, another attempt. Nothing
//!   is revoked but a successor that certainly no sink has and that nobody could use.
//! * **Retiring.** After the overlap every sink is read again. Only if all hold the successor, and
//!   the platform accepts what they hold, is the old token revoked, and so is every other token
//!   that bears a marker of this rotation.
//!
//! The rule that keeps it small: whatever a consumer may have seen dies only after a successor has
//! been read back from every sink.

mod answers;
mod duration;
mod failing;
mod issuing;
mod memory;
mod parked;
mod plan;
mod retiring;
mod rotation;
mod step;
mod strategy;
mod withdrawal;

use tokenfleet_core::{Timestamp, TokenId};

use crate::sink::{Readable, Stamp};
pub(crate) use duration::to_text as duration_text;
use failing::backoff;
use memory::{Held, Memory};
pub use parked::Parked;
pub use plan::{OldSecret, PlannedSink, RotationPlan, SETTLE, SHORT_SETTLE};
pub use rotation::{
    Attempt, AttemptOutcome, Change, LastFailure, Rotation, RotationState, Successor,
    UnknownSecrets,
};
pub use step::{
    Answer, Failure, FailureEffect, Inspection, SecretNumber, SinkReading, Step, WaitReason,
};
pub use strategy::{InPlace, Overlap, Preference, Strategy, Unlisted};

/// The number of starts without progress after which a rotation is parked.
const MAX_STARTS: u32 = 10;

/// The number of times that a platform may leave open whether a secret authenticates.
const MAX_UNVERIFIED: u32 = 5;

/// The number of times that the revocation of an old secret is sent where it is counted otherwise.
const MAX_SECRET_REVOCATIONS: u32 = 3;

/// One worker's view of a rotation, which says what to do next.
///
/// It is a pure function of what is durable, of what this worker has seen, and of the clock.
#[derive(Debug, Clone)]
pub struct Machine {
    plan: RotationPlan,
    rotation: Rotation,
    /// The id of the rotation as it is in stamps.
    operation: String,
    /// The id of the ledger as it is in stamps.
    ledger: String,
    epoch: u64,
    memory: Memory,
}

impl Machine {
    /// Creates the view of a worker that begins with this epoch, and has seen nothing yet.
    #[must_use]
    pub fn new(plan: RotationPlan, rotation: Rotation, epoch: u64) -> Self {
        let sinks = plan.sinks.len();
        let memory = Memory {
            readings: vec![None; sinks],
            last_readings: vec![None; sinks],
            written: vec![false; sinks],
            ..Memory::default()
        };
        Self {
            plan,
            operation: rotation.id.to_string(),
            ledger: String::new(),
            rotation,
            epoch,
            memory,
        }
    }

    /// Sets the id of the ledger that the rotation is in. What another one wrote into a sink is
    /// somebody else's.
    #[must_use]
    pub fn with_ledger(mut self, ledger: impl Into<String>) -> Self {
        self.ledger = ledger.into();
        self
    }

    /// Lets the next attempt be made at once, however short ago the last one of an earlier worker
    /// was made: a person has mended what failed. A request that may still arrive is waited for.
    #[must_use]
    pub fn with_retry_now(mut self) -> Self {
        self.memory.retried = self.last_attempt();
        self
    }

    /// Returns `true` while this worker has the only secret that works: the old one is dead, and
    /// not every sink has the new one. A worker that ends then leaves an outage behind.
    #[must_use]
    pub fn holds_last_secret(&self) -> bool {
        matches!(self.plan.strategy, Strategy::InPlace(_))
            && self.rotation.state == RotationState::Issuing
            && self.memory.held.is_some()
    }

    /// Returns `true` while this worker has created nothing that is to be delivered.
    #[must_use]
    pub fn is_before_creation(&self) -> bool {
        self.rotation.state == RotationState::Issuing && self.memory.held.is_none()
    }

    /// Returns the rotation as far as it is durable.
    #[must_use]
    pub fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// Returns the next step. It is the same until it is answered or time passes.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Step {
        if let Some(reason) = &self.rotation.parked {
            return Step::Parked(reason.clone());
        }
        if self.rotation.state == RotationState::Done {
            return Step::Finished;
        }
        if self.rotation.starts > MAX_STARTS {
            let starts = self.rotation.starts;
            return park(Parked::Stuck { starts });
        }
        if let Some(reason) = &self.memory.park {
            let reason = reason.clone();
            return self.deliver_elsewhere(now).unwrap_or_else(|| park(reason));
        }
        if let Some(reason) = &self.memory.inconclusive {
            let is_last = self.rotation.unverified + 1 >= MAX_UNVERIFIED;
            return if is_last {
                let reason = reason.clone();
                park(Parked::Unverified { reason })
            } else {
                Step::Record(Change::Unverified)
            };
        }
        if self.memory.refused.is_some() {
            let attempt = self.last_attempt();
            return Step::Record(Change::NotApplied { attempt });
        }
        if let Some((until, reason)) = self.memory.not_before
            && now < until
        {
            return Step::Wait { until, reason };
        }
        if let Some(step) = self.withdraw() {
            return step;
        }
        match self.rotation.state {
            RotationState::Issuing => self.issuing(now),
            RotationState::Retiring | RotationState::Done => self.retiring(now),
        }
    }

    /// Takes note of the answer to a step.
    pub fn answer(&mut self, step: Step, answer: Answer, now: Timestamp) {
        // What is only read is read again after each wait, so it is no sign of progress.
        let is_progress = matches!(
            answer,
            Answer::Attempting(_) | Answer::Recorded | Answer::Written | Answer::Applied
        );
        if is_progress {
            self.memory.failures = 0;
        }
        match (step, answer) {
            (Step::Attempt { .. }, Answer::Attempting(change)) => {
                if let Change::Attempting { attempt, .. } = &change {
                    self.memory.unsent = Some(attempt.marker.clone());
                }
                self.rotation.apply(&change);
            }
            (Step::Record(change), Answer::Recorded) => self.recorded(&change, now),
            (Step::Create { .. } | Step::Rotate(_), answer) => self.issued(answer, now),
            (Step::ReadSink(sink), Answer::Read(reading)) => self.read(sink, reading),
            (Step::ReadSink(_), Answer::Failed(failure))
                if self.is_withdrawn_after(&failure, now) => {}
            (Step::WriteSink { sink, .. }, answer) => self.written(sink, answer, now),
            (Step::Inspect(token), Answer::Inspected(inspection)) => {
                self.inspected(token, &inspection, now);
            }
            (Step::Verify(secret), answer) if self.rotation.state == RotationState::Issuing => {
                self.tried(secret, &answer, now);
            }
            (Step::Verify(secret), Answer::Verified(liveness)) => {
                self.verified(secret, liveness);
            }
            (Step::Suspend(_), Answer::Applied) => self.memory.is_suspended = true,
            (Step::Revoke(token), Answer::Applied) => self.memory.dead.push(token),
            (Step::Revoke(_), answer) => {
                // An id that may be another token's is looked at again before it is used again.
                if self.reuses_ids() {
                    self.memory.is_inspected = false;
                    self.memory.found = None;
                }
                self.failed(&answer, now);
            }
            (Step::RevokeSecret(_), Answer::Applied) => self.memory.is_revoked = true,
            (Step::RevokeSecret(_), answer) => {
                self.memory.secret_revocations += 1;
                if self.memory.secret_revocations == MAX_SECRET_REVOCATIONS {
                    self.forget_replaced();
                }
                self.failed(&answer, now);
            }
            (Step::Search(_), Answer::Found(tokens)) => self.memory.found = Some(tokens),
            (Step::Wait { .. }, Answer::Waited) => {
                // Whatever was seen before a wait may have changed since.
                self.memory.readings.fill(None);
                self.memory.verified.clear();
                self.memory.is_inspected = false;
            }
            (step, answer) => {
                // Only the platform knows the key of the account.
                if let (Step::Inspect(_) | Step::Search(_), Answer::Failed(failure)) =
                    (&step, &answer)
                    && let Some(reason) = self.lockout(failure)
                {
                    self.memory.park = Some(reason);
                }
                self.failed(&answer, now);
            }
        }
    }

    fn recorded(&mut self, change: &Change, now: Timestamp) {
        self.rotation.apply(change);
        match change {
            Change::NotApplied { .. } => {
                if let Some(failure) = self.memory.refused.take() {
                    if let Some(reason) = self.lockout(&failure) {
                        self.memory.park = Some(reason);
                    } else if failure.effect == FailureEffect::Refused {
                        let error = failure.error;
                        self.memory.park = Some(Parked::Refused { error });
                    } else if let Some(delay) = failure.retry_after {
                        let until = now.saturating_add(delay);
                        self.memory.not_before = Some((until, WaitReason::Backoff));
                    }
                }
            }
            Change::Reissue => {
                self.memory.held = None;
                self.memory.written.fill(false);
                self.memory.is_rejected = false;
                self.memory.found = None;
            }
            Change::Withdrawn { .. } => self.withdrawn(),
            Change::Revoked => self.forget_replaced(),
            Change::Unverified => {
                self.memory.inconclusive = None;
                self.wait_after_failure(now, backoff(self.rotation.unverified));
            }
            Change::Parked(_) => {
                self.memory.park = None;
                self.memory.inconclusive = None;
            }
            _ => {}
        }
    }

    /// Returns `true` if the id of the old token may be another one's by now.
    fn reuses_ids(&self) -> bool {
        match &self.plan.strategy {
            Strategy::Overlap(overlap) => overlap.reused_ids,
            Strategy::InPlace(in_place) => in_place.reused_ids,
            Strategy::Unlisted(_) => false,
        }
    }

    fn forget_replaced(&mut self) {
        self.memory.is_revoked = false;
        self.memory.secret_revocations = 0;
        if !self.memory.replaced.is_empty() {
            self.memory.replaced.remove(0);
        }
    }

    /// Returns `true` if this rotation wrote what was read.
    fn is_ours(&self, reading: &SinkReading) -> bool {
        let stamp = reading.stamp.as_ref();
        stamp.is_some_and(|stamp| {
            stamp.operation() == self.operation && stamp.ledger() == self.ledger
        })
    }

    fn stamp(&self, epoch: u64, token: &TokenId) -> Stamp {
        Stamp::new(self.operation.as_str(), epoch, token.clone()).with_ledger(self.ledger.as_str())
    }

    /// Returns the number of the last attempt.
    fn last_attempt(&self) -> u32 {
        (self.rotation.attempts.last()).map_or(0, |attempt| attempt.number)
    }

    /// Returns the first sink that can be read and was not since the last wait.
    fn unread_sink(&self) -> Option<usize> {
        let mut sinks = self.plan.sinks.iter().zip(&self.memory.readings);
        sinks.position(|(sink, reading)| sink.readable > Readable::Nothing && reading.is_none())
    }

    /// Returns the readings of the sinks that can be read.
    fn readings(&self) -> impl Iterator<Item = (usize, &SinkReading)> {
        let readings = self.memory.readings.iter().enumerate();
        readings.filter_map(|(sink, reading)| Some((sink, reading.as_ref()?)))
    }

    /// Returns the sink that the latest epoch has written, if that is later than this worker's.
    fn sink_ahead(&self) -> Option<Parked> {
        let stamped = self.readings().filter_map(|(sink, reading)| {
            let epoch = reading.stamp.as_ref()?.epoch();
            (epoch > self.epoch).then_some((epoch, sink))
        });
        let (epoch, sink) = stamped.max()?;
        Some(Parked::SinkAhead { sink, epoch })
    }
}

/// Returns the step that parks the rotation. A worker that is superseded learns of it there.
fn park(reason: Parked) -> Step {
    Step::Record(Change::Parked(reason))
}
