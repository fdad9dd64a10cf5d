//! Successors that are revoked before any sink could have held them: the platform refuses their
//! secret, or the sinks certainly took nothing.

use std::time::Duration;

use tokenfleet_core::{Liveness, Timestamp};

use crate::machine::failing::FAILURES_AT_ONCE;
use crate::machine::memory::{Held, Withdrawal};
use crate::machine::{
    Answer, Attempt, AttemptOutcome, Change, Failure, FailureEffect, Machine, Parked,
    RotationState, SecretNumber, Step, Strategy, WaitReason, park,
};
use crate::sink::Refusal;
use crate::waits::scaled;

/// The number of successors that are withdrawn before a person is asked about what will not pass.
const MAX_WITHDRAWN: u32 = 2;

/// The waits before the platform is asked again about a new secret that it refuses. Each question
/// may count as a failed login there.
const ACCEPTANCE: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(10),
];

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

    /// Takes note of whether the platform accepts a secret that no sink has yet. One that it
    /// refuses is tried again for a while, because it may not be known everywhere yet. What stays
    /// open is asked again before the old token is revoked.
    pub(super) fn tried(&mut self, secret: SecretNumber, answer: &Answer, now: Timestamp) {
        let is_alive = *answer == Answer::Verified(Liveness::Alive);
        let is_dead = *answer == Answer::Verified(Liveness::Dead);
        if is_alive || !is_dead && self.memory.refusals == 0 {
            self.memory.tried = Some(secret);
            return;
        }
        if let Some(wait) = ACCEPTANCE.get(self.memory.refusals) {
            self.memory.refusals += 1;
            let until = now.saturating_add(scaled(*wait));
            self.memory.not_before = Some((until, WaitReason::Acceptance));
            return;
        }
        self.memory.tried = Some(secret);
        let error = "the platform refuses the secret that it has just issued";
        self.withdraw_for(error, true, None);
    }

    /// Takes note that a successor is dead on arrival.
    pub(super) fn is_dead_on_arrival(&mut self, error: &str) {
        self.withdraw_for(error, true, None);
    }

    /// Returns `true` while this worker holds a successor that certainly no sink has, beside an old
    /// token that works. It is not left behind: neither when this worker waits, which may end it,
    /// nor when a person is asked.
    pub(super) fn is_certainly_nowhere(&self) -> bool {
        matches!(self.plan.strategy, Strategy::Overlap(_))
            && self.rotation.state == RotationState::Issuing
            && self.memory.held.is_some()
            && !self.memory.may_be_delivered
    }

    /// Asks a person, after the successor was withdrawn if that can be.
    pub(super) fn ask(&mut self, reason: Parked) {
        if !self.is_certainly_nowhere() {
            self.memory.park.get_or_insert(reason);
            return;
        }
        if self.memory.withdrawal.is_none() {
            self.withdraw_for(&reason.to_string(), true, None);
        }
        if let Some(withdrawal) = &mut self.memory.withdrawal {
            withdrawal.then.get_or_insert(reason);
        }
    }

    /// Takes note of a failed write. Returns `true` if nothing that this worker wrote can have
    /// arrived, and it stops to try.
    pub(super) fn is_undeliverable(&mut self, failure: &Failure, now: Timestamp) -> bool {
        if failure.effect == FailureEffect::Unknown {
            self.memory.may_be_delivered = true;
        }
        self.is_withdrawn_after(failure, now)
    }

    /// Takes note of a write that a sink refused, in the same way.
    pub(super) fn is_refused(&mut self, refusal: Refusal, now: Timestamp) -> bool {
        let mut failure = Failure::unknown(format!("it was not written: {refusal}"));
        failure.effect = FailureEffect::None;
        self.is_withdrawn_after(&failure, now)
    }

    /// Takes note of a failed read or write of a sink. Returns `true` if the successor certainly is
    /// nowhere, and is withdrawn because of the failures: a sink that asks to wait, or has failed
    /// several times, would be waited for.
    pub(super) fn is_withdrawn_after(&mut self, failure: &Failure, now: Timestamp) -> bool {
        if !self.is_certainly_nowhere() {
            return false;
        }
        self.memory.refused_deliveries += 1;
        let is_hopeless =
            self.memory.refused_deliveries > FAILURES_AT_ONCE || failure.retry_after.is_some();
        if is_hopeless {
            let is_lasting = failure.effect == FailureEffect::Refused || failure.is_unauthenticated;
            let retry_at = failure.retry_after.map(|delay| now.saturating_add(delay));
            self.withdraw_for(&failure.error, is_lasting, retry_at);
        }
        is_hopeless
    }

    fn withdraw_for(&mut self, error: &str, is_lasting: bool, retry_at: Option<Timestamp>) {
        self.memory.withdrawal = Some(Withdrawal {
            error: error.to_owned(),
            is_lasting,
            then: None,
            retry_at,
        });
        self.memory.failures = 0;
    }

    /// Forgets the successor that was withdrawn, and asks a person if others will not do better.
    pub(super) fn withdrawn(&mut self) {
        // Its id may be given to the next one.
        if let Some(held) = self.memory.held.take() {
            self.memory.dead.retain(|token| *token != held.token);
        }
        self.memory.refused_deliveries = 0;
        let Some(withdrawal) = self.memory.withdrawal.take() else {
            return;
        };
        if let Some(until) = withdrawal.retry_at {
            self.memory.not_before = Some((until, WaitReason::Backoff));
        }
        if let Some(reason) = withdrawal.then {
            self.memory.park.get_or_insert(reason);
            return;
        }
        let (error, is_lasting) = (withdrawal.error, withdrawal.is_lasting);
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
