//! The steps of the state `retiring`: every sink is read again, and then what is old is revoked.

use tokenfleet_core::{Timestamp, TokenId};

use crate::machine::{
    Change, Machine, OldSecret, Overlap, Parked, SinkReading, Step, Strategy, Successor,
    WaitReason, park,
};

impl Machine {
    pub(super) fn retiring(&self, now: Timestamp) -> Step {
        let Some(successor) = &self.rotation.successor else {
            return Step::Record(Change::Reissue);
        };
        let step = match &self.plan.strategy {
            Strategy::Overlap(overlap) => self.retire_old(overlap, successor, now),
            Strategy::InPlace(in_place) => {
                // Without a way to verify it, the sinks' secret is the last one by the waits before
                // it was issued.
                let settle = in_place.verify.then(|| self.settle(now)).flatten();
                settle.or_else(|| self.check_sinks(successor))
            }
            Strategy::Unlisted(_) => {
                (self.check_sinks(successor)).or_else(|| self.revoke_replaced(successor))
            }
        };
        step.unwrap_or(Step::Record(Change::Done))
    }

    fn retire_old(&self, overlap: &Overlap, successor: &Successor, now: Timestamp) -> Option<Step> {
        let Some(subject) = &self.rotation.subject else {
            return Some(park(Parked::NoSubject));
        };
        if overlap.reused_ids && self.rotation.subject_created_at.is_none() {
            return Some(park(Parked::NoSubject));
        }
        if successor.token == *subject {
            return Some(park(Parked::OtherToken));
        }
        (self.wait_for_overlap(successor, now))
            .or_else(|| self.inspect(overlap, subject))
            .or_else(|| self.check_sinks(successor))
            .or_else(|| self.suspend(overlap, subject, now))
            .or_else(|| self.revoke(subject))
            .or_else(|| self.revoke_marked(successor, now))
    }

    fn wait_for_overlap(&self, successor: &Successor, now: Timestamp) -> Option<Step> {
        let overlap = self.plan.overlap;
        let mut until = successor.delivered_at.saturating_add(overlap);
        // The search for the other attempts' tokens comes after their requests have arrived. Only
        // a token that must die now does not wait for that.
        if let Some(settled_at) = self.settled_at()
            && !overlap.is_zero()
        {
            until = until.max(settled_at);
        }
        let reason = WaitReason::Overlap;
        (now < until).then_some(Step::Wait { until, reason })
    }

    /// Looks at the old token: at its last use, or at what its id stands for by now.
    fn inspect(&self, overlap: &Overlap, subject: &TokenId) -> Option<Step> {
        // A token that must die now is not asked whether it is used.
        let waits_for_rest =
            overlap.last_used && self.plan.rest.is_some() && !self.plan.overlap.is_zero();
        let is_needed =
            (waits_for_rest && self.rotation.suspended_at.is_none()) || overlap.reused_ids;
        (is_needed && !self.memory.is_inspected && !self.memory.dead.contains(subject))
            .then(|| Step::Inspect(subject.clone()))
    }

    /// Returns the time until which the old token counts as used.
    pub(super) fn in_use_until(&self, last_used: Option<Timestamp>) -> Option<Timestamp> {
        let successor = self.rotation.successor.as_ref()?;
        let rested_at = last_used?.saturating_add(self.plan.rest?);
        let limit = successor.delivered_at.saturating_add(self.plan.max_overlap);
        Some(rested_at.min(limit))
    }

    /// Reads every sink. All must hold the successor, and the platform must accept what they hold.
    fn check_sinks(&self, successor: &Successor) -> Option<Step> {
        if let Some(sink) = self.unread_sink() {
            return Some(Step::ReadSink(sink));
        }
        if let Some(parked) = self.sink_ahead() {
            return Some(park(parked));
        }
        for (sink, reading) in self.readings() {
            if self.holds_successor(reading, successor) {
                continue;
            }
            if self.is_ours(reading) {
                return Some(Step::Record(Change::Reissue));
            }
            return Some(park(Parked::SinkChanged { sink }));
        }
        if self.memory.is_rejected {
            return Some(Step::Record(Change::Reissue));
        }
        if !self.plan.strategy.verifies() {
            return None;
        }
        let mut secrets = self.readings().filter_map(|(_, reading)| reading.secret);
        let unverified = secrets.find(|secret| !self.memory.verified.contains(secret));
        unverified.map(Step::Verify)
    }

    fn holds_successor(&self, reading: &SinkReading, successor: &Successor) -> bool {
        let expected = self.stamp(successor.epoch, &successor.token);
        // The worker that delivered it knows the secret, too.
        let held = (self.memory.held.as_ref()).filter(|held| held.attempt == successor.attempt);
        reading.stamp.as_ref() == Some(&expected)
            && (held.zip(reading.secret)).is_none_or(|(held, secret)| held.secret == secret)
    }

    fn suspend(&self, overlap: &Overlap, subject: &TokenId, now: Timestamp) -> Option<Step> {
        let soak = self.plan.soak;
        if !overlap.suspension || soak.is_zero() || self.memory.dead.contains(subject) {
            return None;
        }
        match self.rotation.suspended_at {
            Some(suspended_at) => {
                let until = suspended_at.saturating_add(soak);
                let reason = WaitReason::Soak;
                (now < until).then_some(Step::Wait { until, reason })
            }
            None if self.memory.is_suspended => Some(Step::Record(Change::Suspended { at: now })),
            None => Some(Step::Suspend(subject.clone())),
        }
    }

    fn revoke(&self, token: &TokenId) -> Option<Step> {
        (!self.memory.dead.contains(token)).then(|| Step::Revoke(token.clone()))
    }

    /// Revokes the tokens of the other attempts, which bear a marker of this rotation.
    fn revoke_marked(&self, successor: &Successor, now: Timestamp) -> Option<Step> {
        self.rotation.unaccounted().next()?;
        if let Some(wait) = self.settle(now) {
            return Some(wait);
        }
        let Some(found) = &self.memory.found else {
            let attempts = self.rotation.unaccounted();
            return Some(Step::Search(
                attempts.map(|attempt| attempt.marker.clone()).collect(),
            ));
        };
        let mut others = found.iter().filter(|token| **token != successor.token);
        others.find_map(|token| self.revoke(token))
    }

    /// Revokes what the sinks held before, while this worker still has it in memory.
    fn revoke_replaced(&self, successor: &Successor) -> Option<Step> {
        if self.plan.old_secret == OldSecret::LetExpire {
            return None;
        }
        if self.memory.is_revoked {
            return Some(Step::Record(Change::Revoked));
        }
        let secret = *self.memory.replaced.first()?;
        // Only the worker that delivered the successor knows which secrets are not its own.
        let held = self.memory.held.as_ref()?;
        (held.attempt == successor.attempt && held.secret != secret)
            .then_some(Step::RevokeSecret(secret))
    }

    /// Waits until the requests of the other attempts have arrived or never will.
    fn settle(&self, now: Timestamp) -> Option<Step> {
        let until = self.settled_at()?;
        let reason = WaitReason::Settle;
        (now < until).then_some(Step::Wait { until, reason })
    }

    /// Returns the time by which the requests of the other attempts have arrived or never will, and
    /// their tokens are listed.
    pub(super) fn settled_at(&self) -> Option<Timestamp> {
        let read_delay = match &self.plan.strategy {
            Strategy::Overlap(overlap) => overlap.read_delay,
            Strategy::InPlace(_) | Strategy::Unlisted(_) => std::time::Duration::ZERO,
        };
        let last = self
            .rotation
            .unaccounted()
            .map(|attempt| attempt.sent_at)
            .max()?;
        Some(
            last.saturating_add(self.plan.settle)
                .saturating_add(read_delay),
        )
    }
}
