//! The parameters of a rotation: the strategy, the sinks and the waits.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokenfleet_core::{Error, Result};

use crate::machine::{Strategy, duration};
use crate::sink::{Readable, SinkCapabilities};
use crate::waits::scaled;

/// The time after which a request that was sent has arrived or never will, for as long as nothing
/// says otherwise.
pub const SETTLE: Duration = Duration::from_secs(10 * 60);

/// The same for a token that must die now: the overlap is zero.
pub const SHORT_SETTLE: Duration = Duration::from_secs(30);

/// The parameters of a rotation: the strategy, the sinks and the waits.
///
/// Serialised, a duration is a number and a unit, such as `12h`. A key that a later version adds is
/// refused when it is deserialised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RotationPlan {
    /// The way in which the platform's tokens are rotated.
    pub strategy: Strategy,
    /// The sinks, in the order in which they are written.
    pub sinks: Vec<PlannedSink>,
    /// The time for which old and new live side by side after the delivery.
    #[serde(with = "duration")]
    pub overlap: Duration,
    /// The time for which the old token is suspended before it is revoked, where that is possible.
    #[serde(with = "duration")]
    pub soak: Duration,
    /// The time for which the old token must not have been used before it is revoked, where the
    /// platform reports uses; `None` to revoke it in any case.
    #[serde(with = "duration::optional")]
    pub rest: Option<Duration>,
    /// The time after the delivery at which the old token is revoked although it is still used.
    #[serde(with = "duration")]
    pub max_overlap: Duration,
    /// The time after which a request that was sent has arrived or never will.
    #[serde(with = "duration")]
    pub settle: Duration,
    /// The maximum number of attempts that may have created a token.
    pub max_attempts: u32,
    /// The fate of the old secret where nothing can be listed.
    pub old_secret: OldSecret,
}

/// The fate of an old secret on a platform that cannot list its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OldSecret {
    /// It is revoked as soon as every sink holds the new one. A crash in between leaves it counted.
    #[default]
    Revoke,
    /// It lives until it expires, and is counted until then.
    LetExpire,
}

/// The properties of a sink that a rotation depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedSink {
    /// The part of what the sink holds that can be read back.
    pub readable: Readable,
    /// `true` if a secret that no rotation of this ledger put there may be replaced. If not,
    /// nothing is created or rotated while there is one.
    pub adopt: bool,
}

/// A sink as it declares itself.
impl From<SinkCapabilities> for PlannedSink {
    fn from(sink: SinkCapabilities) -> Self {
        Self {
            readable: sink.readable,
            adopt: sink.adopts,
        }
    }
}

impl PlannedSink {
    /// Creates a sink that replaces nothing of somebody else.
    #[must_use]
    pub fn new(readable: Readable) -> Self {
        Self {
            readable,
            adopt: false,
        }
    }

    /// Replaces a secret that no rotation put there.
    #[must_use]
    pub fn with_adoption(mut self) -> Self {
        self.adopt = true;
        self
    }
}

impl RotationPlan {
    /// Creates a plan with an overlap of a day, without a soak, and five attempts.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) without sinks, and for one that
    /// does not return its secret and was not told to adopt what it replaces.
    pub fn new(strategy: Strategy, sinks: impl IntoIterator<Item = PlannedSink>) -> Result<Self> {
        let day = Duration::from_secs(86_400);
        let plan = Self {
            strategy,
            sinks: sinks.into_iter().collect(),
            overlap: day,
            soak: Duration::ZERO,
            rest: None,
            max_overlap: day.saturating_mul(7),
            settle: scaled(SETTLE),
            max_attempts: 5,
            old_secret: OldSecret::default(),
        };
        plan.check()?;
        Ok(plan)
    }

    /// Refuses a plan after which a secret of somebody else, or the new one, would be lost.
    pub(crate) fn check(&self) -> Result<()> {
        if self.sinks.is_empty() {
            return Err(Error::configuration("the new secret goes nowhere")
                .with_advice("name at least one sink"));
        }
        let is_unread = |sink: &PlannedSink| sink.readable < Readable::Secret;
        if matches!(self.strategy, Strategy::Overlap(_))
            && self.overlap.is_zero()
            && self.sinks.iter().any(is_unread)
        {
            // A stamp says what was written, and not what is there.
            return Err(
                Error::configuration("without an overlap, every sink must be readable")
                    .with_advice("set an overlap, or use sinks that return the secret"),
            );
        }
        let is_blind = |sink: &PlannedSink| sink.readable < Readable::Secret && !sink.adopt;
        if self.sinks.iter().any(is_blind) {
            let message = "a sink that does not return its secret may hold somebody else's";
            return Err(Error::configuration(message)
                .with_advice("check what it holds, then let the sink adopt it"));
        }
        Ok(())
    }

    /// Sets the overlap. Without one, the old token is revoked as soon as every sink holds the new
    /// one, and late requests are waited for for 30 seconds only.
    #[must_use]
    pub fn with_overlap(mut self, overlap: Duration) -> Self {
        self.overlap = scaled(overlap);
        self.max_overlap = self.max_overlap.max(self.overlap);
        if overlap.is_zero() {
            self.settle = scaled(SHORT_SETTLE);
        }
        self
    }

    /// Sets the time for which the old token is suspended before it is revoked.
    #[must_use]
    pub fn with_soak(mut self, soak: Duration) -> Self {
        self.soak = scaled(soak);
        self
    }

    /// Waits until the old token has not been used for this long, and at most until `max_overlap`
    /// after the delivery.
    #[must_use]
    pub fn with_rest(mut self, rest: Duration, max_overlap: Duration) -> Self {
        self.rest = Some(rest);
        self.max_overlap = max_overlap.max(self.overlap);
        self
    }

    /// Sets the fate of the old secret where nothing can be listed.
    #[must_use]
    pub fn with_old_secret(mut self, old_secret: OldSecret) -> Self {
        self.old_secret = old_secret;
        self
    }
}
