//! The claim that a listing makes when it ends.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The claim that a listing makes about the tokens that existed from its first request to its last.
///
/// Serialised, it is `{"completeness": "complete" | "partial", "reason": …, "reason_code": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Claim", try_from = "Claim")]
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

/// A completeness as it is written.
#[derive(Serialize, Deserialize)]
struct Claim {
    completeness: Word,
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason_code: Option<PartialReason>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Complete,
    Partial,
}

impl From<Completeness> for Claim {
    fn from(completeness: Completeness) -> Self {
        let (completeness, reason_code) = match completeness {
            Completeness::Complete => (Word::Complete, None),
            Completeness::Partial(reason) => (Word::Partial, Some(reason)),
        };
        Self {
            completeness,
            reason: reason_code.as_ref().map(ToString::to_string),
            reason_code,
        }
    }
}

impl TryFrom<Claim> for Completeness {
    type Error = &'static str;

    fn try_from(claim: Claim) -> Result<Self, Self::Error> {
        match (claim.completeness, claim.reason_code) {
            (Word::Complete, None) => Ok(Self::Complete),
            (Word::Partial, Some(reason)) => Ok(Self::Partial(reason)),
            (Word::Complete, Some(_)) => Err("a complete list has no `reason_code`"),
            (Word::Partial, None) => Err("a partial list needs a `reason_code`"),
        }
    }
}

/// The reason why a listing cannot promise to be complete.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
        [
            Self::UnprotectedPaging,
            Self::ContradictoryTotals,
            Self::UnexpectedOrder,
            Self::TooManyNewTokens,
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
            Self::TooManyNewTokens => {
                "more tokens were created within the last seconds than one page shows"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_listing_is_not_complete_and_says_why() {
        assert!(Completeness::Complete.is_complete());
        let reasons = [
            PartialReason::UnprotectedPaging,
            PartialReason::ContradictoryTotals,
            PartialReason::UnexpectedOrder,
        ];
        let mut said = Vec::new();
        for reason in reasons {
            let letter = reason.letter().to_string();
            assert_eq!(PartialReason::from_letter(&letter).as_ref(), Some(&reason));
            said.push(reason.to_string());
            assert!(!Completeness::Partial(reason).is_complete());
        }
        assert!(said.iter().all(|text| text.contains(' ')), "{said:?}");
        said.dedup();
        assert_eq!(said.len(), 3);
    }
}
