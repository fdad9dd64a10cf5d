//! What a worker follows: the machine, or the order of somebody else.

use tokenfleet_core::Timestamp;
use tokenfleet_rotation::machine::{Answer, Machine, Rotation, Step};

use crate::other::Other;

/// The protocol that a worker follows.
pub(crate) enum Actor {
    Machine(Box<Machine>),
    Other(Box<Other>),
}

impl Actor {
    pub(crate) fn next(&self, now: Timestamp) -> Step {
        match self {
            Self::Machine(machine) => machine.next(now),
            Self::Other(other) => other.next(now),
        }
    }

    pub(crate) fn answer(&mut self, step: Step, answer: Answer, now: Timestamp) {
        match self {
            Self::Machine(machine) => machine.answer(step, answer, now),
            Self::Other(other) => other.answer(step, answer),
        }
    }

    pub(crate) fn rotation(&self) -> &Rotation {
        match self {
            Self::Machine(machine) => machine.rotation(),
            Self::Other(other) => &other.rotation,
        }
    }
}
