//! The orders of steps that others follow, in the same world under the same faults.

use tokenfleet_core::{Timestamp, TokenId};
use tokenfleet_rotation::machine::{
    Answer, Change, Rotation, RotationState, SecretNumber, SinkReading, Step, Successor,
};
use tokenfleet_rotation::sink::Stamp;

/// An order of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Create, deliver, persist, revoke: Infisical's rotation.
    CreateDeliverPersistRevoke,
    /// The four steps of AWS Secrets Manager, with a token that the server makes: create and
    /// persist as pending, deliver, revoke, persist as current.
    FourSteps,
}

/// A worker that follows such an order.
pub(crate) struct Other {
    order: Order,
    pub(crate) rotation: Rotation,
    epoch: u64,
    held: Option<(TokenId, SecretNumber)>,
    readings: Vec<Option<SinkReading>>,
    revocations: u32,
    is_revoked: bool,
    ends: bool,
}

impl Other {
    pub(crate) fn new(order: Order, rotation: Rotation, epoch: u64, sinks: usize) -> Self {
        // The pending version holds the secret, whose number is that of its token here.
        let pending = rotation.successor.as_ref().map(|pending| {
            let number = pending.token.as_str().parse().unwrap();
            (pending.token.clone(), SecretNumber::new(number))
        });
        Self {
            order,
            ends: rotation.state == RotationState::Done,
            rotation,
            epoch,
            held: pending,
            readings: vec![None; sinks],
            revocations: 0,
            is_revoked: false,
        }
    }

    pub(crate) fn next(&self, now: Timestamp) -> Step {
        if self.ends {
            return Step::Finished;
        }
        let Some((token, secret)) = &self.held else {
            let marker = format!("tf-ff{:014x}", self.epoch).parse().unwrap();
            return Step::Create { marker };
        };
        if self.order == Order::FourSteps && self.rotation.successor.is_none() {
            return Step::Record(Change::Delivered(Successor::new(
                1,
                token.clone(),
                self.epoch,
                now,
            )));
        }
        if let Some(step) = self.deliver(token, *secret) {
            return step;
        }
        let is_done = self.rotation.state == RotationState::Done;
        let persists_first = self.order == Order::CreateDeliverPersistRevoke;
        match (persists_first, is_done, self.is_revoked) {
            (true, false, _) | (false, _, true) => Step::Record(Change::Done),
            (true, true, false) | (false, _, false) => Step::Revoke(TokenId::new("0")),
            (true, true, true) => Step::Finished,
        }
    }

    fn deliver(&self, token: &TokenId, secret: SecretNumber) -> Option<Step> {
        let stamp = Stamp::new(self.rotation.id.to_string(), self.epoch, token.clone());
        for (sink, reading) in self.readings.iter().enumerate() {
            let Some(reading) = reading else {
                return Some(Step::ReadSink(sink));
            };
            if reading.secret != Some(secret) || reading.stamp.as_ref() != Some(&stamp) {
                let stamp = stamp.clone();
                return Some(Step::WriteSink {
                    sink,
                    secret,
                    stamp,
                });
            }
        }
        None
    }

    pub(crate) fn answer(&mut self, step: Step, answer: Answer) {
        let tries = match self.order {
            Order::CreateDeliverPersistRevoke => 1,
            Order::FourSteps => 3,
        };
        match (step, answer) {
            (Step::Create { .. }, Answer::Issued { token, secret }) => {
                self.held = Some((token, secret));
            }
            // The next call begins anew, and does not know that there was one.
            (Step::Create { .. }, _) => self.ends = true,
            (Step::ReadSink(sink), Answer::Read(reading)) => self.readings[sink] = Some(reading),
            (Step::WriteSink { sink, .. }, _) => self.readings[sink] = None,
            (Step::Revoke(_), answer) => {
                self.revocations += 1;
                self.is_revoked = answer == Answer::Applied || self.revocations == tries;
            }
            (Step::Record(change), Answer::Recorded) => {
                self.rotation.apply(&change);
                self.ends = change == Change::Done && self.is_revoked;
            }
            (step, answer) => panic!("{step:?} {answer:?}"),
        }
    }
}
