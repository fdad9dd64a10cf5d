//! The lockout of sources with too many failed logins.

use std::{collections::HashMap, net::IpAddr};

use super::instant::Instant;

/// The time after the latest failed login at which all failures of a source are forgotten.
const MEMORY_SECONDS: i64 = 5 * 60;

/// The failed logins of each source.
#[derive(Debug)]
pub(super) struct Lockout {
    limit: u32,
    failures: HashMap<Option<IpAddr>, (u32, Instant)>,
}

impl Lockout {
    /// Creates a lockout after `limit` failures; 0 disables it.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            failures: HashMap::new(),
        }
    }

    pub(super) fn is_locked(&self, source: Option<IpAddr>, now: Instant) -> bool {
        self.limit > 0 && self.count(source, now) >= self.limit
    }

    /// Counts a failed login and restarts the time until the source's failures are forgotten.
    pub(super) fn record_failure(&mut self, source: Option<IpAddr>, now: Instant) {
        let count = self.count(source, now) + 1;
        let until = now.plus_seconds(MEMORY_SECONDS);
        self.failures.insert(source, (count, until));
    }

    fn count(&self, source: Option<IpAddr>, now: Instant) -> u32 {
        self.failures
            .get(&source)
            .filter(|(_, until)| *until > now)
            .map_or(0, |(count, _)| *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Instant {
        Instant(0).plus_seconds(minute * 60)
    }

    #[test]
    fn failures_are_forgotten_five_minutes_after_the_latest() {
        let mut lockout = Lockout::new(2);
        lockout.record_failure(None, minute(0));
        lockout.record_failure(None, minute(4));
        assert!(lockout.is_locked(None, minute(8)));
        assert!(!lockout.is_locked(None, minute(9)));
        lockout.record_failure(None, minute(9));
        assert!(!lockout.is_locked(None, minute(9)));
    }
}
