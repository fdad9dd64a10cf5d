//! The time at which a token is to be rotated.

use tokenfleet_core::{Fact, Timestamp, Token, TokenState};

use super::Policy;
use crate::machine::Strategy;

/// The time at which a token is to be rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Due {
    /// At this time, which may have passed.
    At(Timestamp),
    /// At once: its age is not known, and a policy limits it.
    AgeUnknown,
    /// Never: the policy does not cover it, it does not authenticate, or it never expires and no
    /// age is set.
    Never,
}

impl Due {
    /// Returns `true` if the time has come.
    #[must_use]
    pub fn is_due(self, now: Timestamp) -> bool {
        match self {
            Self::At(at) => at <= now,
            Self::AgeUnknown => true,
            Self::Never => false,
        }
    }
}

impl Policy {
    /// Returns the time at which a token is to be rotated: by its expiry or its age, whichever
    /// comes first. One that would expire before its age says so is rotated in time for its overlap
    /// and soak, whatever the policy says of expiries.
    ///
    /// `rotated_at` is the time of its last rotation, if there was one: a token that is rotated in
    /// place keeps the time of its creation.
    #[must_use]
    pub fn due(&self, token: &Token, rotated_at: Option<Timestamp>) -> Due {
        // A suspended token would get a successor that works.
        if !self.covers(token) || token.state != TokenState::Active {
            return Due::Never;
        }
        let config = self.config();
        // One that expires before it is old enough would leave its places with a dead secret.
        let by_age = config.max_age.map(|_| super::busy(self.plan()));
        let before = config.rotate_before_expiry.or(by_age);
        let by_expiry = match (token.expiry.known(), before) {
            (Some(expiry), Some(before)) => expiry.checked_sub(before).or(Some(*expiry)),
            _ => None,
        };
        let Some(max_age) = config.max_age else {
            return by_expiry.map_or(Due::Never, Due::At);
        };
        let created_at = token.created_at.known().copied();
        match created_at.max(rotated_at) {
            Some(since) => {
                let by_age = since.saturating_add(max_age);
                Due::At(by_expiry.map_or(by_age, |by_expiry| by_age.min(by_expiry)))
            }
            None => Due::AgeUnknown,
        }
    }

    /// Returns the time at which what the sinks hold is to be rotated, on a platform that cannot
    /// list its tokens.
    #[must_use]
    pub fn due_unlisted(&self, rotated_at: Option<Timestamp>) -> Due {
        let Strategy::Unlisted(unlisted) = &self.plan().strategy else {
            return Due::Never;
        };
        let Some(rotated_at) = rotated_at else {
            return Due::AgeUnknown;
        };
        let config = self.config();
        let by_expiry = (config.rotate_before_expiry)
            .map(|before| unlisted.max_lifetime.saturating_sub(before));
        let interval = by_expiry.into_iter().chain(config.max_age).min();
        interval.map_or(Due::Never, |interval| {
            Due::At(rotated_at.saturating_add(interval))
        })
    }

    /// Returns `true` if a token never expires and the policy limits no age, so that it would never
    /// be rotated although the policy covers it.
    #[must_use]
    pub fn overlooks(&self, token: &Token) -> bool {
        self.covers(token)
            && token.state == TokenState::Active
            && self.config().max_age.is_none()
            && !matches!(token.expiry, Fact::Known(_))
    }
}
