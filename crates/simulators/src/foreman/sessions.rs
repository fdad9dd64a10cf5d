//! Sessions, which start with every successful login and are continued by a cookie.

use std::collections::HashMap;

use super::instant::Instant;
use crate::seeding::{Dice, hex};

/// The open sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    dice: Dice,
    started: u64,
    open: HashMap<String, Session>,
    idle_timeout_seconds: i64,
}

#[derive(Debug)]
struct Session {
    user_id: i32,
    expires: Instant,
}

/// The state of the session that a cookie names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionState {
    Unknown,
    Expired,
    /// The session is open and belongs to the user with this id.
    Open(i32),
}

impl Sessions {
    pub(super) fn new(seed: u64, idle_timeout_minutes: u32) -> Self {
        Self {
            dice: Dice::new(seed),
            started: 0,
            open: HashMap::new(),
            idle_timeout_seconds: i64::from(idle_timeout_minutes) * 60,
        }
    }

    /// Starts a session and returns its id.
    pub(super) fn start(&mut self, user_id: i32, now: Instant) -> String {
        self.started += 1;
        // Without this, a long test run would keep every session that it ever started.
        if self.started.is_multiple_of(4096) {
            self.open.retain(|_, session| session.expires >= now);
        }
        let id = hex(&self.dice.digest("foreman session", self.started)[..16]);
        let expires = now.plus_seconds(self.idle_timeout_seconds);
        self.open.insert(id.clone(), Session { user_id, expires });
        id
    }

    /// Returns the state of a session and, if it is open, restarts its idle timeout.
    pub(super) fn resume(&mut self, id: &str, now: Instant) -> SessionState {
        let Some(session) = self.open.get_mut(id) else {
            return SessionState::Unknown;
        };
        if session.expires < now {
            self.open.remove(id);
            return SessionState::Expired;
        }
        session.expires = now.plus_seconds(self.idle_timeout_seconds);
        SessionState::Open(session.user_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Instant {
        Instant(0).plus_seconds(minute * 60)
    }

    #[test]
    fn a_session_stays_open_as_long_as_it_is_used() {
        let mut sessions = Sessions::new(1, 60);
        let id = sessions.start(5, minute(0));
        assert_eq!(sessions.resume(&id, minute(50)), SessionState::Open(5));
        assert_eq!(sessions.resume(&id, minute(109)), SessionState::Open(5));
        assert_eq!(sessions.resume(&id, minute(170)), SessionState::Expired);
        assert_eq!(sessions.resume(&id, minute(170)), SessionState::Unknown);
    }
}
