//! The verdict on each token of a revocation plan.

use crate::error::Error;
use crate::provider::Revocation;

/// The outcome for one token of a plan.
#[derive(Debug)]
#[non_exhaustive]
pub enum RevocationVerdict {
    /// The token was revoked. If it was replaced, this holds the new secret: store it.
    Revoked(Revocation),
    /// The token was revoked or deleted before.
    AlreadyGone(Revocation),
    /// The token with this id is not the one that the plan describes, so it was left alone.
    NotAsReviewed(Error),
    /// The platform gives ids again, and nothing tells whether the token that has this id now is
    /// the one that the plan means, so it was left alone (decision 0021).
    NotIdentified(Error),
    /// This account has no token with this id: it may be another's, and alive.
    NotFoundHere(Error),
    /// The token is suspended, as the options ask for, and can be resumed.
    Suspended,
    /// The token could not be revoked, for this reason, and was suspended instead.
    SuspendedOnly(Error),
    /// The platform could not be reached, or its response was lost: execute the plan again.
    Unreachable(Error),
    /// The token could not be revoked, for this reason, and stays as it was.
    CannotBeRevoked(Error),
    /// The token could not be suspended, for this reason, and stays as it was.
    CannotBeSuspended(Error),
    /// The account authenticates with this token and could not resume it, so it was not suspended.
    ActingToken(Error),
}

impl RevocationVerdict {
    /// Returns `true` if the token has permanently stopped authenticating.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self, Self::Revoked(_) | Self::AlreadyGone(_))
    }

    /// Returns the verdict in snake case, as it appears in the program's JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Revoked(_) => "revoked",
            Self::AlreadyGone(_) => "already_gone",
            Self::NotAsReviewed(_) => "not_as_reviewed",
            Self::NotIdentified(_) => "not_identified",
            Self::NotFoundHere(_) => "not_found_here",
            Self::Suspended => "suspended",
            Self::SuspendedOnly(_) => "suspended_only",
            Self::Unreachable(_) => "unreachable",
            Self::CannotBeRevoked(_) => "cannot_be_revoked",
            Self::CannotBeSuspended(_) => "cannot_be_suspended",
            Self::ActingToken(_) => "acting_token",
        }
    }
}
