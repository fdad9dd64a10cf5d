//! What a place holds, and whether it may be written.

use tokenfleet_core::{Result, Secret};

use super::{Refusal, SealedStamp, SinkState, Stamp, Version};

/// The content of a place, as a sink finds it before it writes.
///
/// A sink of your own reads it, [checks](Self::check) it, and writes on the condition that the
/// version is still the same.
#[derive(Debug)]
pub struct Holding {
    version: Version,
    secret: Option<Secret>,
    sealed: Option<SealedStamp>,
}

impl Holding {
    /// Creates it from what was read. The stamp may belong to another secret.
    #[must_use]
    pub fn new(version: Version, secret: Option<Secret>, sealed: Option<SealedStamp>) -> Self {
        Self {
            version,
            secret,
            sealed,
        }
    }

    /// Checks whether a write may replace it (laws S2, S3 and S5). `adopt` allows to replace a
    /// secret that somebody else or another ledger wrote.
    ///
    /// # Errors
    ///
    /// A [`Refusal`].
    pub fn check(&self, place: &str, expected: &Version, stamp: &Stamp, adopt: bool) -> Result<()> {
        let stored = self.sealed.as_ref().map(SealedStamp::stamp);
        let refusal = if stored.is_some_and(|stored| stored.epoch() > stamp.epoch()) {
            Refusal::Superseded
        } else if self.version != *expected {
            Refusal::Conflict
        } else if self.is_foreign_to(stamp) && !adopt {
            Refusal::Foreign
        } else {
            return Ok(());
        };
        Err(refusal.error(place))
    }

    /// Returns `true` if there is a secret that this stamp's ledger did not write.
    fn is_foreign_to(&self, stamp: &Stamp) -> bool {
        let is_own = |stored: &Stamp| stored.ledger() == stamp.ledger();
        self.secret.is_some() && !self.stamp().is_some_and(is_own)
    }

    /// Returns the stamp, if it was written with this secret.
    fn stamp(&self) -> Option<&Stamp> {
        let (sealed, secret) = (self.sealed.as_ref()?, self.secret.as_ref()?);
        sealed.is_of(secret).then(|| sealed.stamp())
    }

    /// Returns `true` if there is a stamp that was written with the secret.
    #[cfg(feature = "file")]
    pub(super) fn is_stamped(&self) -> bool {
        self.stamp().is_some()
    }

    /// Returns the stored stamp, whether or not it was written with this secret.
    #[must_use]
    pub fn into_sealed(self) -> Option<SealedStamp> {
        self.sealed
    }

    /// Returns it as the state of the sink.
    #[must_use]
    pub fn into_state(self) -> SinkState {
        let stamp = self.stamp().cloned();
        SinkState::new(self.version)
            .with_stamp(stamp)
            .with_secret(self.secret)
    }
}
