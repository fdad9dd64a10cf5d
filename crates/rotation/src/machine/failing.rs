//! Failures: how long the next try waits, and which of them only a person can mend.

use std::time::Duration;

use tokenfleet_core::Timestamp;

use crate::machine::{Answer, Failure, Machine, Parked, RotationState, Strategy, WaitReason};
use crate::waits::scaled;

/// The number of failures in a row after which the next request waits.
pub(super) const FAILURES_AT_ONCE: u32 = 2;

const MIN_BACKOFF: Duration = Duration::from_secs(30);
const MAX_BACKOFF: Duration = Duration::from_secs(3600);

impl Machine {
    /// Takes note of a failure that another try may mend.
    pub(super) fn failed(&mut self, answer: &Answer, now: Timestamp) {
        self.memory.failures += 1;
        let retry_after = match answer {
            Answer::Failed(failure) => failure.retry_after,
            _ => None,
        };
        let failures = self.memory.failures;
        if failures > FAILURES_AT_ONCE {
            self.wait_after_failure(now, backoff(failures - FAILURES_AT_ONCE));
        }
        if let Some(delay) = retry_after {
            self.wait_after_failure(now, delay);
        }
    }

    /// Returns the reason to park where the credential of the account may be the very key that an
    /// attempt has replaced, whose answer nobody has: it stays refused until a person makes a key.
    pub(super) fn lockout(&self, failure: &Failure) -> Option<Parked> {
        let is_key_lost = failure.is_unauthenticated
            && matches!(self.plan.strategy, Strategy::InPlace(_))
            && self.rotation.state == RotationState::Issuing
            && self.memory.held.is_none()
            && self.rotation.unaccounted().next().is_some();
        is_key_lost.then(|| Parked::Refused {
            error: format!(
                "{}; an attempt may have replaced the key that the account uses, and nobody may \
                 have the new one: make a key at the platform, and put it where the account reads it",
                failure.error
            ),
        })
    }

    pub(super) fn wait_after_failure(&mut self, now: Timestamp, delay: Duration) {
        let until = now.saturating_add(delay);
        let earlier = self.memory.not_before.map_or(until, |(earlier, _)| earlier);
        self.memory.not_before = Some((until.max(earlier), WaitReason::Backoff));
    }
}

/// Returns the wait before the next try: 30 s, 1 min, 2 min, and an hour at most.
pub(super) fn backoff(number: u32) -> Duration {
    let factor = 1_u32
        .checked_shl(number.saturating_sub(1))
        .unwrap_or(u32::MAX);
    scaled(MIN_BACKOFF.saturating_mul(factor.max(1)).min(MAX_BACKOFF))
}
