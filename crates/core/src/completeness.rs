//! What a listing may claim.

use std::fmt;

/// Whether a listing holds every token that existed throughout the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// It does, each exactly once, whatever was created or deleted meanwhile.
    Complete,
    /// That cannot be promised, for this reason. Walk again when the set rests.
    Partial(PartialReason),
}

impl Completeness {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self == Self::Complete
    }
}

/// Why a listing cannot promise to be complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PartialReason {
    /// The platform pages by number over a set from which tokens may vanish, in no order that would protect from it.
    UnprotectedPaging,
    /// More tokens were created between two pages than the walk can account for.
    TooManyCreated,
}

impl fmt::Display for PartialReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnprotectedPaging => "tokens may have moved between pages while they were read",
            Self::TooManyCreated => "too many tokens were created while the pages were read",
        })
    }
}
