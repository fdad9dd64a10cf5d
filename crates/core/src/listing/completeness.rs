//! The claim that a listing makes when it ends.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The claim that a listing makes about the tokens that existed from its first request to its last.
///
/// Serialised, it is `{"completeness": "complete" | "complete_as_shown" | "partial", "reason": …,
/// "reason_code": …, "unlisted_tokens": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Claim", try_from = "Claim")]
pub enum Completeness {
    /// The listing holds each of them exactly once, whatever was created or deleted during it.
    Complete,
    /// The listing holds each token that the platform lists exactly once, and the platform never
    /// lists these tokens of the account, such as "login tokens" (decision 0022).
    CompleteAsShown(String),
    /// The listing may lack some of them, for this reason. List again when the set is not changing.
    Partial(PartialReason),
}

impl Completeness {
    /// Returns the claim in snake case, as it is serialised.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::CompleteAsShown(_) => "complete_as_shown",
            Self::Partial(_) => "partial",
        }
    }

    /// Returns `true` if no token is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        *self == Self::Complete
    }

    /// Returns `true` if no token is missing of those that the platform lists.
    #[must_use]
    pub fn is_complete_as_shown(&self) -> bool {
        !matches!(self, Self::Partial(_))
    }

    /// Returns why the listing does not hold every token, for people to read.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Complete => None,
            Self::CompleteAsShown(tokens) => Some(format!("the platform never lists {tokens}")),
            Self::Partial(reason) => Some(reason.to_string()),
        }
    }

    /// Restricts a claim to be complete if the platform never lists some tokens.
    pub(crate) fn without_unlisted(self, unlisted: Option<&str>) -> Self {
        match (self, unlisted) {
            (Self::Complete, Some(tokens)) => Self::CompleteAsShown(tokens.to_owned()),
            (claim, _) => claim,
        }
    }
}

/// A completeness as it is written.
#[derive(Serialize, Deserialize)]
struct Claim {
    completeness: Word,
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason_code: Option<PartialReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unlisted_tokens: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Complete,
    CompleteAsShown,
    Partial,
}

impl From<Completeness> for Claim {
    fn from(completeness: Completeness) -> Self {
        let reason = completeness.reason();
        let (completeness, reason_code, unlisted_tokens) = match completeness {
            Completeness::Complete => (Word::Complete, None, None),
            Completeness::CompleteAsShown(tokens) => (Word::CompleteAsShown, None, Some(tokens)),
            Completeness::Partial(reason) => (Word::Partial, Some(reason), None),
        };
        Self {
            completeness,
            reason,
            reason_code,
            unlisted_tokens,
        }
    }
}

impl TryFrom<Claim> for Completeness {
    type Error = &'static str;

    fn try_from(claim: Claim) -> Result<Self, Self::Error> {
        if matches!(claim.completeness, Word::Complete) && claim.reason.is_some() {
            return Err("a list that is complete has a `reason` why it is not");
        }
        match (claim.completeness, claim.reason_code, claim.unlisted_tokens) {
            (Word::Complete, None, None) => Ok(Self::Complete),
            (Word::CompleteAsShown, None, Some(tokens)) => Ok(Self::CompleteAsShown(tokens)),
            (Word::Partial, Some(reason), None) => Ok(Self::Partial(reason)),
            _ => Err("`completeness` does not match `reason_code` and `unlisted_tokens`"),
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
    fn a_claim_is_written_with_its_own_word() {
        for claim in [
            Completeness::Complete,
            Completeness::CompleteAsShown("login tokens".to_owned()),
            Completeness::Partial(PartialReason::UnexpectedOrder),
        ] {
            let written = serde_json::to_value(&claim).unwrap();
            assert_eq!(written["completeness"], claim.as_str());
        }
    }

    #[test]
    fn a_claim_that_contradicts_itself_is_not_read() {
        let read = |text: &str| serde_json::from_str::<Completeness>(text);
        let complete = r#"{"completeness": "complete", "reason": null}"#;
        assert_eq!(read(complete).unwrap(), Completeness::Complete);
        for lie in [
            r#"{"completeness": "complete", "reason": "tokens may be missing"}"#,
            r#"{"completeness": "complete", "reason_code": "unexpected_order"}"#,
            r#"{"completeness": "partial", "reason": "tokens may be missing"}"#,
        ] {
            assert!(read(lie).is_err(), "{lie}");
        }
    }

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
