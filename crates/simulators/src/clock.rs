//! The clock of a simulator.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// A clock that tests can freeze, set and advance. Clones share the same time.
///
/// ```
/// use jiff::SignedDuration;
/// use tokenfleet_simulators::Clock;
///
/// let clock = Clock::frozen("2026-01-01T00:00:00Z".parse().unwrap());
/// clock.advance(SignedDuration::from_hours(25));
/// assert_eq!(clock.now().to_string(), "2026-01-02T01:00:00Z");
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Reading>>);

#[derive(Clone, Copy, Debug)]
enum Reading {
    Frozen(Timestamp),
    /// Real time plus an offset.
    Moving(SignedDuration),
}

impl Clock {
    /// Creates a clock that stands still at `at` until it is set, advanced or resumed.
    pub fn frozen(at: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Reading::Frozen(at))))
    }

    /// Creates a clock that follows the system clock.
    pub fn moving() -> Self {
        Self(Arc::new(Mutex::new(Reading::Moving(SignedDuration::ZERO))))
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        read(*self.lock())
    }

    /// Returns `true` if the clock is frozen.
    pub fn is_frozen(&self) -> bool {
        matches!(*self.lock(), Reading::Frozen(_))
    }

    /// Sets the time; a moving clock continues from there.
    pub fn set(&self, at: Timestamp) {
        let mut reading = self.lock();
        *reading = match *reading {
            Reading::Frozen(_) => Reading::Frozen(at),
            Reading::Moving(_) => Reading::Moving(at.duration_since(Timestamp::now())),
        };
    }

    /// Moves the clock by `by`, which may be negative, within the supported range.
    pub fn advance(&self, by: SignedDuration) {
        let mut reading = self.lock();
        *reading = match *reading {
            Reading::Frozen(at) => Reading::Frozen(shifted(at, by)),
            Reading::Moving(offset) => Reading::Moving(offset.saturating_add(by)),
        };
    }

    /// Freezes the clock at its current time.
    pub fn freeze(&self) {
        let mut reading = self.lock();
        *reading = Reading::Frozen(read(*reading));
    }

    /// Resumes a frozen clock from its current time.
    pub fn resume(&self) {
        let mut reading = self.lock();
        *reading = Reading::Moving(read(*reading).duration_since(Timestamp::now()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::moving()
    }
}

fn read(reading: Reading) -> Timestamp {
    match reading {
        Reading::Frozen(at) => at,
        Reading::Moving(offset) => shifted(Timestamp::now(), offset),
    }
}

fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}
