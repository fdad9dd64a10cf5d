//! The claim that a listing makes when it ends.

use std::fmt;

/// The claim that a listing makes about the tokens that existed from its first request to its last.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// The listing holds each of them exactly once, whatever was created or deleted during it.
    Complete,
    /// The listing may lack some of them, for this reason. List again when the set is not changing.
    Partial(PartialReason),
}

impl Completeness {
    /// Returns `true` if no token is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        *self == Self::Complete
    }
}

/// The reason why a listing cannot promise to be complete.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PartialReason {
    /// Tokens may move between pages while they are read, and no sort order prevents it.
    UnprotectedPaging,
    /// The platform counts more tokens than it shows.
    ContradictoryTotals,
    /// Tokens turned up where the requested order leaves no place for them.
    UnexpectedOrder,
    /// More tokens were created within the last seconds than one page can show.
    TooManyNewTokens,
}

impl PartialReason {
    const ALL: [Self; 4] = [
        Self::UnprotectedPaging,
        Self::ContradictoryTotals,
        Self::UnexpectedOrder,
        Self::TooManyNewTokens,
    ];

    /// Returns the letter that stands for the reason in a cursor.
    pub(crate) fn letter(&self) -> char {
        match self {
            Self::UnprotectedPaging => 'u',
            Self::ContradictoryTotals => 't',
            Self::UnexpectedOrder => 'o',
            Self::TooManyNewTokens => 'n',
        }
    }

    /// Returns the reason that a letter in a cursor stands for.
    pub(crate) fn from_letter(letter: &str) -> Option<Self> {
        let mut reasons = Self::ALL.into_iter();
        reasons.find(|reason| letter == reason.letter().to_string())
    }
}

impl fmt::Display for PartialReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnprotectedPaging => "tokens may have moved between pages while they were read",
            Self::ContradictoryTotals => "the platform counts more tokens than it shows",
            Self::UnexpectedOrder => "the platform did not keep the order that was asked for",
            Self::TooManyNewTokens => {
                "more tokens were created within the last seconds than one page shows"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_partial_listing_is_not_complete_and_says_why() {
        assert!(Completeness::Complete.is_complete());
        let mut texts = BTreeSet::new();
        for (index, reason) in PartialReason::ALL.into_iter().enumerate() {
            // A new reason does not compile until it has a place here, and thus in the list.
            let place = match reason {
                PartialReason::UnprotectedPaging => 0,
                PartialReason::ContradictoryTotals => 1,
                PartialReason::UnexpectedOrder => 2,
                PartialReason::TooManyNewTokens => 3,
            };
            assert_eq!(place, index, "{reason:?}");
            let letter = reason.letter().to_string();
            assert_eq!(PartialReason::from_letter(&letter).as_ref(), Some(&reason));
            assert!(reason.to_string().contains(' '), "{reason}");
            texts.insert(reason.to_string());
            assert!(!Completeness::Partial(reason).is_complete());
        }
        assert_eq!(texts.len(), PartialReason::ALL.len());
        assert_eq!(PartialReason::from_letter("x"), None);
    }
}
