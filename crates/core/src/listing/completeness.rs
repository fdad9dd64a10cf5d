//! What a listing may claim.

use std::fmt;

/// Whether a listing holds every token that existed throughout the walk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// It does, each exactly once, whatever was created or deleted meanwhile.
    Complete,
    /// That cannot be promised, for this reason. Walk again when the set rests.
    Partial(PartialReason),
}

impl Completeness {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        *self == Self::Complete
    }
}

/// Why a listing cannot promise to be complete.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PartialReason {
    /// The platform pages over a set from which tokens may vanish, in no order that would protect from it.
    UnprotectedPaging,
    /// The platform counts more tokens than it shows.
    ContradictoryTotals,
    /// Tokens turned up where the order of the walk leaves no place for them.
    UnexpectedOrder,
}

impl PartialReason {
    /// The reason in one letter, for a cursor.
    pub(crate) fn letter(&self) -> char {
        match self {
            Self::UnprotectedPaging => 'u',
            Self::ContradictoryTotals => 't',
            Self::UnexpectedOrder => 'o',
        }
    }

    pub(crate) fn from_letter(letter: &str) -> Option<Self> {
        [
            Self::UnprotectedPaging,
            Self::ContradictoryTotals,
            Self::UnexpectedOrder,
        ]
        .into_iter()
        .find(|reason| letter == reason.letter().to_string())
    }
}

impl fmt::Display for PartialReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnprotectedPaging => "tokens may have moved between pages while they were read",
            Self::ContradictoryTotals => "the platform counts more tokens than it shows",
            Self::UnexpectedOrder => "the platform did not keep the order that was asked for",
        })
    }
}
