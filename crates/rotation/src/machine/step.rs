//! The next step of a rotation, and the answer to it.

use std::time::Duration;

use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Error, ErrorKind, Fate, Liveness, Timestamp, TokenId};

use crate::machine::{Change, Parked};
use crate::sink::{Refusal, Stamp};

/// A number that stands for a secret in the memory of one worker. Equal secrets have one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretNumber(u32);

impl SecretNumber {
    /// Creates the number of a secret.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// The content of a sink as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SinkReading {
    /// The stamp of the last write, unless somebody else has changed the secret since.
    pub stamp: Option<Stamp>,
    /// The secret; `None` if there is none, or the sink returns stamps only.
    pub secret: Option<SecretNumber>,
    /// `true` if the stamp is that of another rotation of this ledger that is open.
    pub is_contested: bool,
}

impl SinkReading {
    /// Creates the reading of a sink.
    #[must_use]
    pub fn new(stamp: Option<Stamp>, secret: Option<SecretNumber>) -> Self {
        Self {
            stamp,
            secret,
            is_contested: false,
        }
    }

    /// Sets whether the stamp is that of another rotation of this ledger that is open.
    #[must_use]
    pub fn with_contested(mut self, is_contested: bool) -> Self {
        self.is_contested = is_contested;
        self
    }
}

/// The next step of a rotation.
///
/// A step that sends something is carried out at most once before it is answered, and only while
/// the runner's claim lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Records durably that an attempt is about to be made, with a new marker. Answered by
    /// [`Answer::Attempting`].
    Attempt {
        /// The number of the attempt.
        number: u32,
        /// The time by which its token is dead unless it is renewed.
        dead_by: Option<Timestamp>,
        /// The number of secrets of other origin in the sinks that were not counted yet.
        replaced: u32,
    },
    /// Records a change durably, if the epoch is current. Answered by [`Answer::Recorded`].
    Record(Change),
    /// Creates a token that bears the marker. Answered by [`Answer::Issued`].
    Create {
        /// The marker.
        marker: Marker,
    },
    /// Rotates the old token in place. Answered by [`Answer::Issued`].
    Rotate(TokenId),
    /// Reads the sink at this position of the plan. Answered by [`Answer::Read`]. A stamp without a
    /// secret proves that it was written, and not that the secret is still there.
    ReadSink(usize),
    /// Writes a sink, if it still is as it was last read. Answered by [`Answer::Written`], or by
    /// [`Answer::WriteRefused`].
    WriteSink {
        /// The position of the sink in the plan.
        sink: usize,
        /// The secret.
        secret: SecretNumber,
        /// The stamp to write with it.
        stamp: Stamp,
    },
    /// Fetches the record of the old token. Answered by [`Answer::Inspected`].
    Inspect(TokenId),
    /// Verifies a secret that the sinks hold, or are about to get. Answered by
    /// [`Answer::Verified`].
    Verify(SecretNumber),
    /// Suspends the old token. Answered by [`Answer::Applied`].
    Suspend(TokenId),
    /// Revokes a token that existed. Answered by [`Answer::Applied`].
    Revoke(TokenId),
    /// Revokes a secret. Answered by [`Answer::Applied`].
    RevokeSecret(SecretNumber),
    /// Searches a complete listing for the tokens that are alive and bear one of the markers.
    /// Answered by [`Answer::Found`].
    Search(Vec<Marker>),
    /// Waits until a time. Answered by [`Answer::Waited`]; the worker may as well end here, and
    /// another one go on then.
    Wait {
        /// The time.
        until: Timestamp,
        /// The reason, to be shown.
        reason: WaitReason,
    },
    /// Waits for a person.
    Parked(Parked),
    /// Ends: nothing is left to do.
    Finished,
}

/// The reason why a rotation waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// A request failed and is repeated later, or another attempt is made later.
    Backoff,
    /// Old and new live side by side.
    Overlap,
    /// The old token is still used.
    InUse,
    /// The old token is suspended.
    Soak,
    /// A request without an answer may still arrive.
    Settle,
    /// The platform refuses a secret that it has just issued, and may accept it in a moment. The
    /// secret is in the memory of the worker alone, which waits for these few seconds in any case.
    Acceptance,
}

impl WaitReason {
    /// Returns the reason in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backoff => "backoff",
            Self::Overlap => "overlap",
            Self::InUse => "in_use",
            Self::Soak => "soak",
            Self::Settle => "settle",
            Self::Acceptance => "acceptance",
        }
    }
}

/// The answer to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The attempt is durable, with the marker that the change holds.
    Attempting(Change),
    /// The change is durable.
    Recorded,
    /// There is a new secret.
    Issued {
        /// The token it belongs to.
        token: TokenId,
        /// The secret.
        secret: SecretNumber,
    },
    /// There is a new secret, and its token is not alive: no sink gets it.
    DeadOnArrival {
        /// The token it belongs to.
        token: TokenId,
        /// The secret.
        secret: SecretNumber,
        /// The sentence that says so, without secrets.
        error: String,
    },
    /// The sink was read.
    Read(SinkReading),
    /// The sink was written.
    Written,
    /// The sink refused the write, which changed nothing.
    WriteRefused(Refusal),
    /// The record of the old token was fetched.
    Inspected(Inspection),
    /// The platform was asked whether a secret authenticates.
    Verified(Liveness),
    /// The token is suspended, or the token or secret is revoked.
    Applied,
    /// The listing was complete, and these of its tokens are alive and bear one of the markers.
    Found(Vec<TokenId>),
    /// The time has come.
    Waited,
    /// The step failed.
    Failed(Failure),
}

/// The record of the old token, as far as a rotation depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inspection {
    /// The platform shows the token.
    Present {
        /// The time it was last used, if the platform reports one.
        last_used: Option<Timestamp>,
    },
    /// The token is revoked, expired or gone, and its id may be another one's by now.
    Dead,
}

/// The failure of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The effect that it may have had.
    pub effect: FailureEffect,
    /// The time that the platform asks to wait.
    pub retry_after: Option<Duration>,
    /// The error text, without secrets.
    pub error: String,
    /// `true` if the platform refused the credential of the account.
    pub is_unauthenticated: bool,
}

/// The effect that a failed step may have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureEffect {
    /// It may have been carried out, or may be yet.
    Unknown,
    /// It certainly had no effect, and may succeed later.
    None,
    /// It certainly had no effect, and will fail again until a person corrects something.
    Refused,
}

impl Failure {
    /// Creates a failure that may have had an effect.
    pub fn unknown(error: impl Into<String>) -> Self {
        Self {
            effect: FailureEffect::Unknown,
            retry_after: None,
            error: error.into(),
            is_unauthenticated: false,
        }
    }
}

/// Reads the effect of a creation, a rotation or a write of a sink that failed.
impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let is_refusal = (error.status()).is_some_and(|status| (400..500).contains(&status));
        // Something in front of the platform may refuse what it has passed on, and a conflict may
        // be with the token of an earlier copy of the same request.
        let is_doubtful = is_refusal && !error.is_in_own_form() && error.fate() != Fate::NotSent
            || error.kind() == ErrorKind::Conflict;
        let effect = match error.kind() {
            _ if error.may_have_applied() || is_doubtful => FailureEffect::Unknown,
            ErrorKind::InvalidInput
            | ErrorKind::Unsupported
            | ErrorKind::Configuration
            | ErrorKind::PermissionDenied
            | ErrorKind::NotFound => FailureEffect::Refused,
            _ => FailureEffect::None,
        };
        Self {
            effect,
            retry_after: error.retry_after(),
            error: error.to_string(),
            is_unauthenticated: error.kind() == ErrorKind::Unauthenticated,
        }
    }
}
