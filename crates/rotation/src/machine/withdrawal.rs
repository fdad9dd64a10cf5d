//! Successors that are revoked before any sink could have held them: the platform refuses their
//! secret, or the sinks certainly took nothing.

use tokenfleet_core::Liveness;

use crate::machine::failing::FAILURES_AT_ONCE;
use crate::machine::memory::{Held, Withdrawal};
use crate::machine::{
    Answer, Attempt, AttemptOutcome, Change, Failure, FailureEffect, Machine, Parked, SecretNumber,
    Step, Strategy, park,
};

/// The number of successors that are withdrawn before a person is asked about what will not pass.
const MAX_WITHDRAWN: u32 = 2;

impl Machine {
    /// Returns the step that revokes the successor that this worker holds and never delivered.
    pub(super) fn withdraw(&self) -> Option<Step> {
        let held = self.memory.held.as_ref()?;
        self.memory.withdrawal.as_ref()?;
        // A platform that answered with the record that was there has created nothing.
        if Some(&held.token) == self.rotation.subject.as_ref() {
            return Some(park(Parked::OtherToken));
        }
        Some(if self.memory.dead.contains(&held.token) {
            let attempt = held.attempt;
            Step::Record(Change::Withdrawn { attempt })
        } else {
            Step::Revoke(held.token.clone())
        })
    }

    /// Returns the step that tries a new secret before a sink has it.
    pub(super) fn try_out(&self, held: &Held) -> Option<Step> {
        let is_tried = self.memory.tried == Some(held.secret) || self.memory.may_be_delivered;
        let Strategy::Overlap(overlap) = &self.plan.strategy else {
            return None;
        };
        (overlap.verifies_before_delivery() && !is_tried).then_some(Step::Verify(held.secret))
    }

    /// Takes note of whether the platform accepts a secret that no sink has yet. What it leaves
    /// open is asked again before the old token is revoked.
    pub(super) fn tried(&mut self, secret: SecretNumber, answer: &Answer) {
        self.memory.tried = Some(secret);
        if *answer == Answer::Verified(Liveness::Dead) {
            self.withdraw_for(
                "the platform refuses the secret that it has just issued",
                true,
            );
        }
    }

    /// Takes note that a successor is dead on arrival.
    pub(super) fn is_dead_on_arrival(&mut self, error: &str) {
        self.withdraw_for(error, true);
    }

    /// Takes note of a failed write. Returns `true` if nothing that this worker wrote can have
    /// arrived, and it stops to try.
    pub(super) fn is_undeliverable(&mut self, failure: &Failure) -> bool {
        if failure.effect == FailureEffect::Unknown {
            self.memory.may_be_delivered = true;
            return false;
        }
        self.memory.refused_writes += 1;
        let is_hopeless = self.memory.refused_writes > FAILURES_AT_ONCE
            && failure.retry_after.is_none()
            && !self.memory.may_be_delivered
            && matches!(self.plan.strategy, Strategy::Overlap(_));
        if is_hopeless {
            let is_lasting = failure.effect == FailureEffect::Refused || failure.is_unauthenticated;
            self.withdraw_for(&failure.error, is_lasting);
        }
        is_hopeless
    }

    fn withdraw_for(&mut self, error: &str, is_lasting: bool) {
        let error = error.to_owned();
        self.memory.withdrawal = Some(Withdrawal { error, is_lasting });
        self.memory.failures = 0;
    }

    /// Forgets the successor that was withdrawn, and asks a person if others will not do better.
    pub(super) fn withdrawn(&mut self) {
        // Its id may be given to the next one.
        if let Some(held) = self.memory.held.take() {
            self.memory.dead.retain(|token| *token != held.token);
        }
        self.memory.refused_writes = 0;
        let Some(Withdrawal { error, is_lasting }) = self.memory.withdrawal.take() else {
            return;
        };
        let is_withdrawn = |attempt: &&Attempt| {
            attempt.outcome == AttemptOutcome::Withdrawn
                && attempt.number > self.rotation.resumed_after
        };
        let count = self.rotation.attempts.iter().filter(is_withdrawn).count();
        let most = match self.rotation.resumed_after {
            0 if is_lasting => MAX_WITHDRAWN,
            0 => self.plan.max_attempts,
            _ => 1,
        };
        if u32::try_from(count).unwrap_or(u32::MAX) >= most {
            self.memory.park = Some(Parked::Withdrawn { error });
        }
    }
}
