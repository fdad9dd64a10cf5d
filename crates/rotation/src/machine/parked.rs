//! The reasons why a rotation waits for a person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reason why a rotation waits for a person, with what to do.
///
/// A parked rotation revokes nothing and creates nothing until a person lets it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Parked {
    /// Every attempt that is allowed may have created a token, and none could be delivered.
    TooManyAttempts {
        /// The number of attempts.
        attempts: u32,
    },
    /// The platform refuses the request, and would refuse it again.
    Refused {
        /// The platform's error, without secrets.
        error: String,
    },
    /// The successors were revoked before any sink could have held one: the platform refuses
    /// their secrets, or a sink takes none.
    Withdrawn {
        /// The last error, without secrets.
        error: String,
    },
    /// A sink holds a secret that no rotation put there.
    NotOurs {
        /// The position of the sink in the plan.
        sink: usize,
    },
    /// Another open rotation of this ledger writes a sink, too.
    Contested {
        /// The position of the sink in the plan.
        sink: usize,
    },
    /// Somebody changed a sink while the rotation was under way.
    SinkChanged {
        /// The position of the sink in the plan.
        sink: usize,
    },
    /// The stamp in a sink has a later epoch than the ledger.
    SinkAhead {
        /// The position of the sink in the plan.
        sink: usize,
        /// The epoch of its stamp.
        epoch: u64,
    },
    /// The platform does not say whether what the sinks hold authenticates.
    Unverified {
        /// The reason that the platform's adapter gives.
        reason: String,
    },
    /// Workers began again and again without progress, as if the rotation ended them.
    Stuck {
        /// The number of starts.
        starts: u32,
    },
    /// The rotation needs the id of the old token, and has none, or the time of its creation on a
    /// platform that gives ids to others later.
    NoSubject,
    /// The old token is gone, and its id is or may be another one's.
    OtherToken,
}

impl Parked {
    /// Returns the reason in snake case.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::Refused { .. } => "refused",
            Self::Withdrawn { .. } => "withdrawn",
            Self::NotOurs { .. } => "not_ours",
            Self::Contested { .. } => "contested",
            Self::SinkChanged { .. } => "sink_changed",
            Self::SinkAhead { .. } => "sink_ahead",
            Self::Unverified { .. } => "unverified",
            Self::Stuck { .. } => "stuck",
            Self::NoSubject => "no_subject",
            Self::OtherToken => "other_token",
        }
    }

    /// Returns the position of the sink that the reason is about.
    #[must_use]
    pub fn sink(&self) -> Option<usize> {
        match self {
            Self::NotOurs { sink }
            | Self::Contested { sink }
            | Self::SinkChanged { sink }
            | Self::SinkAhead { sink, .. } => Some(*sink),
            _ => None,
        }
    }

    /// Returns what a person can do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::TooManyAttempts { .. } => {
                "find out why no answer arrives or no sink takes the secret, then resume: one more \
                 token is created, and the others are revoked"
            }
            Self::Refused { .. } => "correct what the platform refuses, then resume",
            Self::Withdrawn { .. } => {
                "correct that, then resume: one more token is created; those that were created are \
                 revoked, and the old one works"
            }
            Self::NotOurs { .. } => {
                "check that nothing else writes this sink, then resume with adoption, or abandon the \
                 rotation and name another place"
            }
            Self::Contested { .. } => {
                "two tokens cannot be in one place: give one of them another sink, and abandon the \
                 rotation of the other; resume the one that is left when that is done"
            }
            Self::SinkChanged { .. } => {
                "find out who changed the sink; resume to deliver a new token there, or abandon the \
                 rotation to keep what it holds"
            }
            Self::SinkAhead { .. } => {
                "if the ledger was restored from a backup, make sure that nobody uses the one \
                 before any more, then resume as after a restore; otherwise use the current ledger"
            }
            Self::Unverified { .. } => {
                "try what the sinks hold yourself; resume if it works, to verify it again"
            }
            Self::Stuck { .. } => {
                "read the logs of the workers: they ended while they were at this rotation; then \
                 resume"
            }
            Self::NoSubject => "open the rotation with the record of the token",
            Self::OtherToken => {
                "check what the sinks hold; abandon the rotation, which touches nothing of that id"
            }
        }
    }
}

/// Writes what happened, without the advice.
impl fmt::Display for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyAttempts { attempts } => {
                write!(f, "{attempts} attempts may each have created a token")
            }
            Self::Refused { error } => write!(f, "the platform refuses the request: {error}"),
            Self::Withdrawn { error } => {
                write!(
                    f,
                    "each successor was revoked before it was delivered: {error}"
                )
            }
            Self::NotOurs { .. } => f.write_str("a sink holds a secret that no rotation put there"),
            Self::Contested { .. } => f.write_str("another open rotation writes a sink, too"),
            Self::SinkChanged { .. } => {
                f.write_str("a sink was changed while the rotation was under way")
            }
            Self::SinkAhead { .. } => {
                f.write_str("a sink was written after this state of the ledger")
            }
            Self::Unverified { reason } => {
                write!(
                    f,
                    "it is unknown whether the new secret authenticates: {reason}"
                )
            }
            Self::Stuck { starts } => {
                write!(f, "{starts} workers began without making progress")
            }
            Self::NoSubject => f.write_str("the rotation does not say which token is the old one"),
            Self::OtherToken => f.write_str("the old token is gone, and its id may be another's"),
        }
    }
}
