//! The answers of the platform and the sinks, as the memory of a worker keeps them.

use tokenfleet_core::{Liveness, Timestamp, TokenId};

use crate::machine::{
    Answer, FailureEffect, Held, Inspection, Machine, Parked, RotationState, SecretNumber,
    SinkReading, WaitReason,
};
use crate::sink::Refusal;

impl Machine {
    /// Keeps what an attempt has created.
    fn hold(&mut self, token: TokenId, secret: SecretNumber) {
        // An id that was seen dead may have been given again.
        self.memory.dead.retain(|dead| *dead != token);
        let attempt = self.last_attempt();
        self.memory.held = Some(Held {
            attempt,
            token,
            secret,
        });
    }

    pub(super) fn issued(&mut self, answer: Answer, now: Timestamp) {
        self.memory.unsent = None;
        if self.reuses_ids() {
            self.memory.is_inspected = false;
        }
        self.memory.refused_deliveries = 0;
        self.memory.may_be_delivered = false;
        self.memory.tried = None;
        self.memory.refusals = 0;
        match answer {
            Answer::DeadOnArrival {
                token,
                secret,
                error,
            } => {
                self.hold(token, secret);
                self.is_dead_on_arrival(&error);
            }
            Answer::Issued { token, secret } => self.hold(token, secret),
            Answer::Failed(failure) if failure.effect != FailureEffect::Unknown => {
                self.memory.refused = Some(failure);
            }
            Answer::Failed(failure) => {
                if let Some(delay) = failure.retry_after {
                    let until = now.saturating_add(delay);
                    self.memory.not_before = Some((until, WaitReason::Backoff));
                }
            }
            // The attempt is unaccounted for, and another one follows.
            _ => {}
        }
    }

    pub(super) fn read(&mut self, sink: usize, reading: SinkReading) {
        if self.rotation.state == RotationState::Issuing && !self.is_ours(&reading) {
            let last = self.memory.last_readings.get(sink).and_then(Option::as_ref);
            if last.is_some_and(|last| *last != reading) && !reading.is_contested {
                self.spare(sink, Parked::SinkChanged { sink });
            }
        }
        if self.rotation.state == RotationState::Issuing
            && let Some(secret) = reading.secret
            && self
                .memory
                .held
                .as_ref()
                .is_none_or(|held| held.secret != secret)
            && !self.memory.replaced.contains(&secret)
        {
            self.memory.replaced.push(secret);
        }
        for readings in [&mut self.memory.readings, &mut self.memory.last_readings] {
            if let Some(slot) = readings.get_mut(sink) {
                *slot = Some(reading.clone());
            }
        }
        if self.is_certainly_nowhere()
            && let Some(objection) = self.objection()
        {
            self.ask(objection);
        }
    }

    /// Leaves a sink as it is, and asks a person.
    fn spare(&mut self, sink: usize, reason: Parked) {
        self.memory.spared.push(sink);
        self.ask(reason);
    }

    pub(super) fn written(&mut self, sink: usize, answer: Answer, now: Timestamp) {
        if let Some(reading) = self.memory.readings.get_mut(sink) {
            *reading = None;
        }
        match answer {
            Answer::Written => {
                self.memory.may_be_delivered = true;
                if let Some(written) = self.memory.written.get_mut(sink) {
                    *written = true;
                }
            }
            Answer::WriteRefused(Refusal::Foreign) => self.spare(sink, Parked::NotOurs { sink }),
            Answer::Failed(failure) if self.is_undeliverable(&failure, now) => {}
            Answer::WriteRefused(refusal) if self.is_refused(refusal, now) => {}
            answer => self.failed(&answer, now),
        }
    }

    pub(super) fn verified(&mut self, secret: SecretNumber, liveness: Liveness) {
        match liveness {
            Liveness::Alive => self.memory.verified.push(secret),
            Liveness::Dead => self.memory.is_rejected = true,
            inconclusive => {
                self.memory.inconclusive = Some(match inconclusive {
                    Liveness::Unknown { reason } => reason,
                    other => format!("{other:?}"),
                });
            }
        }
    }

    pub(super) fn inspected(&mut self, token: TokenId, inspection: &Inspection, now: Timestamp) {
        self.memory.is_inspected = true;
        match inspection {
            Inspection::Dead => self.memory.dead.push(token),
            Inspection::Present { last_used } => {
                if let Some(until) = self.in_use_until(*last_used)
                    && now < until
                {
                    self.memory.not_before = Some((until, WaitReason::InUse));
                }
            }
        }
    }
}
