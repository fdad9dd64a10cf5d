//! The steps of the state `issuing`: one attempt after another, until every sink holds a secret.

use tokenfleet_core::Timestamp;

use crate::machine::{
    Attempt, Change, Held, Machine, Parked, SinkReading, Step, Strategy, Successor, WaitReason,
    backoff, park,
};
use crate::sink::{Readable, Stamp};

impl Machine {
    pub(super) fn issuing(&self, now: Timestamp) -> Step {
        // Every sink answers before anything is created: a sink that is down costs no token.
        if let Some(sink) = self.unread_sink() {
            return Step::ReadSink(sink);
        }
        if let Some(objection) = self.objection() {
            return self
                .deliver_elsewhere(now)
                .unwrap_or_else(|| park(objection));
        }
        match &self.memory.held {
            Some(held) => self.deliver(held, now),
            None => self.attempt(now),
        }
    }

    /// Returns the reason why what was read of the sinks needs a person.
    pub(super) fn objection(&self) -> Option<Parked> {
        (self.contested())
            .or_else(|| self.sink_ahead())
            .or_else(|| self.not_ours())
    }

    /// Returns a sink that another open rotation writes. Adoption does not help: the two would
    /// replace each other's secrets.
    fn contested(&self) -> Option<Parked> {
        let contested = self.readings().find(|(_, reading)| reading.is_contested);
        contested.map(|(sink, _)| Parked::Contested { sink })
    }

    /// Returns a sink whose secret must not be replaced.
    fn not_ours(&self) -> Option<Parked> {
        let mut readings = self.readings();
        let foreign = readings.find(|(sink, reading)| self.is_foreign(*sink, reading));
        foreign.map(|(sink, _)| Parked::NotOurs { sink })
    }

    fn is_foreign(&self, sink: usize, reading: &SinkReading) -> bool {
        let adopts = self.plan.sinks.get(sink).is_some_and(|sink| sink.adopt);
        let is_own = |stamp: &Stamp| stamp.ledger() == self.ledger;
        let is_held = reading.secret.is_some() || reading.stamp.is_some();
        !adopts && is_held && !reading.stamp.as_ref().is_some_and(is_own)
    }

    /// Returns the step that delivers the only secret that works to the sinks that nobody else has
    /// written, before a person is asked about the others. It would be lost with this worker.
    pub(super) fn deliver_elsewhere(&self, now: Timestamp) -> Option<Step> {
        let held = self.memory.held.as_ref()?;
        // A sink that is ahead says that another worker holds the rotation.
        if !self.holds_last_secret() || self.sink_ahead().is_some() {
            return None;
        }
        let mut others = (0..self.plan.sinks.len()).filter(|sink| {
            let reading = self.memory.readings.get(*sink).and_then(Option::as_ref);
            let is_spared = self.memory.spared.contains(sink)
                || reading
                    .is_some_and(|reading| reading.is_contested || self.is_foreign(*sink, reading));
            !is_spared && !self.is_delivered(*sink, held)
        });
        let sink = others.next()?;
        if let Some((until, reason)) = self.memory.not_before
            && now < until
        {
            return Some(Step::Wait { until, reason });
        }
        let planned = self.plan.sinks.get(sink)?;
        let is_read = self.memory.readings.get(sink).is_some_and(Option::is_some);
        if planned.readable > Readable::Nothing && !is_read {
            return Some(Step::ReadSink(sink));
        }
        Some(self.write(sink, held))
    }

    fn attempt(&self, now: Timestamp) -> Step {
        if self.rotation.subject.is_none() && !matches!(self.plan.strategy, Strategy::Unlisted(_)) {
            return park(Parked::NoSubject);
        }
        if self.reuses_ids() && self.rotation.subject_created_at.is_none() {
            return park(Parked::NoSubject);
        }
        if let Some(marker) = &self.memory.unsent {
            return match (&self.plan.strategy, &self.rotation.subject) {
                (Strategy::InPlace(_), Some(subject)) => Step::Rotate(subject.clone()),
                _ => Step::Create {
                    marker: marker.clone(),
                },
            };
        }
        let attempts = self.possible_attempts();
        if attempts >= self.max_attempts() {
            return park(Parked::TooManyAttempts { attempts });
        }
        if let Some((until, reason)) = self.next_attempt_at()
            && now < until
        {
            return Step::Wait { until, reason };
        }
        if let (Strategy::InPlace(in_place), Some(subject)) =
            (&self.plan.strategy, &self.rotation.subject)
            && in_place.reused_ids
        {
            if self.memory.dead.contains(subject) {
                return park(Parked::OtherToken);
            }
            if !self.memory.is_inspected {
                return Step::Inspect(subject.clone());
            }
        }
        let dead_by = match &self.plan.strategy {
            Strategy::Unlisted(unlisted) => Some(now.saturating_add(unlisted.max_lifetime)),
            Strategy::Overlap(_) | Strategy::InPlace(_) => None,
        };
        Step::Attempt {
            number: self.last_attempt() + 1,
            dead_by,
            replaced: self.uncounted(),
        }
    }

    /// Returns the number of attempts that may have created a token, since a person last let the
    /// rotation go on.
    fn possible_attempts(&self) -> u32 {
        let is_possible = |attempt: &&Attempt| {
            attempt.outcome.may_live() && attempt.number > self.rotation.resumed_after
        };
        let attempts = self.rotation.attempts.iter().filter(is_possible).count();
        u32::try_from(attempts).unwrap_or(u32::MAX)
    }

    /// Returns the maximum number of such attempts.
    fn max_attempts(&self) -> u32 {
        if self.rotation.resumed_after > 0 {
            return 1;
        }
        if matches!(self.plan.strategy, Strategy::InPlace(_)) {
            // No attempt leaves a token behind, and each lost answer may cost two: its own, and the
            // one that it kills when it arrives.
            return self.plan.max_attempts.saturating_mul(2);
        }
        let room = match &self.plan.strategy {
            Strategy::Overlap(overlap) => overlap.max_tokens.map(|max| max.saturating_sub(1)),
            Strategy::InPlace(_) | Strategy::Unlisted(_) => None,
        };
        room.map_or(self.plan.max_attempts, |room| {
            room.min(self.plan.max_attempts)
        })
    }

    /// Returns the time before which no other attempt is made.
    fn next_attempt_at(&self) -> Option<(Timestamp, WaitReason)> {
        let last = self.rotation.attempts.last()?;
        let failed = match self.plan.strategy {
            // The old secret may be dead already, so the first repetition does not wait.
            Strategy::InPlace(_) => self.last_attempt() - 1,
            Strategy::Overlap(_) | Strategy::Unlisted(_) => self.last_attempt(),
        };
        let is_delayed = failed > 0 && self.memory.retried != last.number;
        let retry_at = is_delayed.then(|| last.sent_at.saturating_add(backoff(failed)));
        let settled_at = match &self.plan.strategy {
            // A rotation that arrives after the next one would kill its secret, and nobody could
            // tell.
            Strategy::InPlace(in_place) if !in_place.verify => self.settled_at(),
            _ => None,
        };
        if settled_at > retry_at {
            return settled_at.map(|at| (at, WaitReason::Settle));
        }
        retry_at.map(|at| (at, WaitReason::Backoff))
    }

    /// Returns the number of secrets of other origin in the sinks that are to be counted.
    fn uncounted(&self) -> u32 {
        if !matches!(self.plan.strategy, Strategy::Unlisted(_)) || !self.rotation.counts_replaced {
            return 0;
        }
        let mut secrets = Vec::new();
        for (_, reading) in self.readings() {
            if let Some(secret) = reading.secret
                && !self.is_ours(reading)
                && !secrets.contains(&secret)
            {
                secrets.push(secret);
            }
        }
        u32::try_from(secrets.len()).unwrap_or(u32::MAX)
    }

    /// Writes every sink until it is read back with the new secret.
    fn deliver(&self, held: &Held, now: Timestamp) -> Step {
        if let Some(step) = self.try_out(held) {
            return step;
        }
        let mut sinks = 0..self.plan.sinks.len();
        if let Some(sink) = sinks.find(|sink| !self.is_delivered(*sink, held)) {
            return self.write(sink, held);
        }
        let token = held.token.clone();
        let successor = Successor::new(held.attempt, token, self.epoch, now);
        Step::Record(Change::Delivered(successor))
    }

    /// Returns `true` if a sink was read back with the new secret, as far as it can be read.
    fn is_delivered(&self, sink: usize, held: &Held) -> bool {
        let readable = (self.plan.sinks.get(sink)).map_or(Readable::Nothing, |sink| sink.readable);
        if readable == Readable::Nothing {
            let written = self.memory.written.get(sink);
            return written.is_some_and(|written| *written);
        }
        let reading = self.memory.readings.get(sink).and_then(Option::as_ref);
        reading.is_some_and(|reading| {
            let is_secret = reading.secret == Some(held.secret) || readable == Readable::Stamp;
            is_secret && reading.stamp.as_ref() == Some(&self.stamp(self.epoch, &held.token))
        })
    }

    fn write(&self, sink: usize, held: &Held) -> Step {
        Step::WriteSink {
            sink,
            secret: held.secret,
            stamp: self.stamp(self.epoch, &held.token),
        }
    }
}
