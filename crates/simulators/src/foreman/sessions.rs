//! Sessions, which every successful login starts, and the lock against guessing.

use std::{collections::HashMap, net::IpAddr};

use super::instant::Instant;
use crate::seeding::{Dice, hex};

const SECOND: i64 = 1_000_000;
/// How long failed logins are remembered after the latest.
const FAILURES_LAST: i64 = 5 * 60 * SECOND;

/// Who is logged in by cookie.
#[derive(Debug)]
pub(super) struct Sessions {
    dice: Dice,
    issued: u64,
    open: HashMap<String, Session>,
    idle_timeout: i64,
}

#[derive(Debug)]
struct Session {
    user_id: i32,
    expires: Instant,
}

/// What a cookie says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    Unknown,
    Expired,
    User(i32),
}

impl Sessions {
    pub(super) fn new(seed: u64, idle_minutes: u32) -> Self {
        Self {
            dice: Dice::new(seed),
            issued: 0,
            open: HashMap::new(),
            idle_timeout: i64::from(idle_minutes) * 60 * SECOND,
        }
    }

    /// Starts a session and returns what its cookie holds.
    pub(super) fn start(&mut self, user_id: i32, now: Instant) -> String {
        self.issued += 1;
        // A long test run would otherwise keep every session it ever had.
        if self.issued.is_multiple_of(4096) {
            self.open.retain(|_, session| session.expires >= now);
        }
        let id = hex(&self.dice.digest("foreman session", self.issued)[..16]);
        let expires = Instant(now.0 + self.idle_timeout);
        self.open.insert(id.clone(), Session { user_id, expires });
        id
    }

    /// Looks a cookie up and, where it still holds, prolongs its session.
    pub(super) fn resume(&mut self, id: &str, now: Instant) -> Cookie {
        let Some(session) = self.open.get_mut(id) else {
            return Cookie::Unknown;
        };
        if session.expires < now {
            self.open.remove(id);
            return Cookie::Expired;
        }
        session.expires = Instant(now.0 + self.idle_timeout);
        Cookie::User(session.user_id)
    }
}

/// Failed logins per source.
#[derive(Debug)]
pub(super) struct Lockout {
    limit: u32,
    failures: HashMap<Option<IpAddr>, (u32, Instant)>,
}

impl Lockout {
    /// A lock that closes after so many failures; 0 never does.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            failures: HashMap::new(),
        }
    }

    pub(super) fn is_locked(&self, source: Option<IpAddr>, now: Instant) -> bool {
        self.limit > 0 && self.count(source, now) >= self.limit
    }

    /// Counts a failure; all that were counted last five minutes from now on.
    pub(super) fn fail(&mut self, source: Option<IpAddr>, now: Instant) {
        let count = self.count(source, now) + 1;
        self.failures
            .insert(source, (count, Instant(now.0 + FAILURES_LAST)));
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
        Instant(minute * 60 * SECOND)
    }

    #[test]
    fn a_session_lives_as_long_as_it_is_used() {
        let mut sessions = Sessions::new(1, 60);
        let id = sessions.start(5, minute(0));
        assert_eq!(sessions.resume(&id, minute(50)), Cookie::User(5));
        assert_eq!(sessions.resume(&id, minute(109)), Cookie::User(5));
        assert_eq!(sessions.resume(&id, minute(170)), Cookie::Expired);
        assert_eq!(sessions.resume(&id, minute(170)), Cookie::Unknown);
    }

    #[test]
    fn failures_are_forgotten_five_minutes_after_the_latest() {
        let mut lockout = Lockout::new(2);
        lockout.fail(None, minute(0));
        lockout.fail(None, minute(4));
        assert!(lockout.is_locked(None, minute(8)));
        assert!(!lockout.is_locked(None, minute(9)));
        lockout.fail(None, minute(9));
        assert!(!lockout.is_locked(None, minute(9)));
    }
}
