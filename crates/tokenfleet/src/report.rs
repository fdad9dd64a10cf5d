//! The report of an inventory on one account.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Account, Completeness, Error, PartialReason};

/// The result of listing one account of an inventory.
///
/// Serialised, it is the object that the program prints for the account; deserialised, it is equal
/// (decision 0026).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Record", try_from = "Record")]
#[non_exhaustive]
pub struct AccountReport {
    /// The account.
    pub account: Account,
    /// The number of its tokens that were yielded.
    pub tokens: u64,
    /// The completeness of the list.
    pub verdict: Verdict,
    /// `true` if the limit or the offset of the query leaves out tokens of the account, or may do
    /// so. A complete report that is not cut off counts every token that matches.
    pub cut_off: bool,
}

impl AccountReport {
    /// Creates the report of an account of which nothing could be read.
    #[must_use]
    pub fn failed(account: Account, error: Error) -> Self {
        Self {
            account,
            tokens: 0,
            verdict: Verdict::Failed(error),
            cut_off: false,
        }
    }
}

/// The completeness of the tokens that were listed for one account.
///
/// Only [`Complete`](Self::Complete) means that all of them were listed. A partial list is never
/// reported as complete, and an account that cannot be listed is not reported as empty.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// Every token that matches the query was yielded exactly once.
    Complete,
    /// Every token that matches the query and that the platform lists was yielded exactly once, and
    /// the platform never lists these tokens of the account, such as "login tokens".
    CompleteAsShown(String),
    /// Tokens may be missing for the given reason.
    Partial(PartialReason),
    /// The listing ended early or could not start.
    Failed(Error),
    /// The platform cannot list tokens, so it is unknown which exist.
    NotListable,
}

impl Verdict {
    /// Returns the verdict in snake case, as in the command line's JSON output.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self.claim() {
            Claim::Listed(completeness) => completeness.as_str(),
            Claim::Unlisted { completeness, .. } => completeness.as_str(),
        }
    }

    /// Returns why the list does not hold every token, on one line that does not name the account.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self.claim() {
            Claim::Listed(completeness) => completeness.reason(),
            Claim::Unlisted { reason, .. } => reason,
        }
    }

    /// Returns what is written of the verdict besides the error.
    fn claim(&self) -> Claim {
        let unlisted = |completeness, reason| Claim::Unlisted {
            completeness,
            reason: Some(reason),
        };
        match self {
            Self::Complete => Claim::Listed(Completeness::Complete),
            Self::CompleteAsShown(tokens) => {
                Claim::Listed(Completeness::CompleteAsShown(tokens.clone()))
            }
            Self::Partial(reason) => Claim::Listed(Completeness::Partial(reason.clone())),
            Self::Failed(error) => unlisted(Unlisted::Failed, without_account(error)),
            Self::NotListable => unlisted(
                Unlisted::NotListable,
                "the platform cannot list tokens".to_owned(),
            ),
        }
    }

    /// Returns `true` if every token was listed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// Returns `true` if every token was listed that the platform lists.
    #[must_use]
    pub fn is_complete_as_shown(&self) -> bool {
        matches!(self, Self::Complete | Self::CompleteAsShown(_))
    }
}

impl From<Completeness> for Verdict {
    fn from(completeness: Completeness) -> Self {
        match completeness {
            Completeness::Complete => Self::Complete,
            Completeness::CompleteAsShown(tokens) => Self::CompleteAsShown(tokens),
            Completeness::Partial(reason) => Self::Partial(reason),
        }
    }
}

/// Returns the text of an error without its account, which the report already names.
fn without_account(error: &Error) -> String {
    let text = error.to_string();
    let prefix = error.account().map(|account| format!("{account}: "));
    match prefix.and_then(|prefix| text.strip_prefix(&prefix).map(str::to_owned)) {
        Some(rest) => rest,
        None => text,
    }
}

/// A report as it is written.
#[derive(Serialize, Deserialize)]
struct Record {
    account: String,
    provider: String,
    #[serde(flatten)]
    claim: Claim,
    count: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut_off: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// The error of a list that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

/// The claim of a listing, or the word for an account without one.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Claim {
    Listed(Completeness),
    Unlisted {
        completeness: Unlisted,
        reason: Option<String>,
    },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unlisted {
    Failed,
    NotListable,
}

impl Unlisted {
    fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NotListable => "not_listable",
        }
    }
}

impl From<AccountReport> for Record {
    fn from(report: AccountReport) -> Self {
        Self {
            account: report.account.name().to_owned(),
            provider: report.account.provider().to_owned(),
            claim: report.verdict.claim(),
            count: report.tokens,
            cut_off: report.cut_off,
            place: report.account.place().map(str::to_owned),
            error: match report.verdict {
                Verdict::Failed(error) => Some(error),
                _ => None,
            },
        }
    }
}

impl TryFrom<Record> for AccountReport {
    type Error = &'static str;

    fn try_from(record: Record) -> Result<Self, Self::Error> {
        let verdict = match (record.claim, record.error) {
            (Claim::Listed(completeness), None) => completeness.into(),
            (Claim::Unlisted { completeness, .. }, error) => match (completeness, error) {
                (Unlisted::Failed, Some(error)) => Verdict::Failed(error),
                (Unlisted::NotListable, None) => Verdict::NotListable,
                _ => return Err("`completeness` does not match `error`"),
            },
            _ => return Err("`completeness` does not match `error`"),
        };
        let account = Account::new(&record.provider, &record.account);
        Ok(Self {
            account: match record.place {
                Some(place) => account.with_place(&place),
                None => account,
            },
            tokens: record.count,
            verdict,
            cut_off: record.cut_off,
        })
    }
}

/// Formats the report on one line for people, such as `iot (losant): complete, 12 tokens`.
///
/// A report that is [cut off](Self::cut_off) is not called complete.
impl fmt::Display for AccountReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account, tokens, ..
        } = self;
        let plural = if *tokens == 1 { "" } else { "s" };
        let tokens = if self.cut_off {
            format!("{tokens} token{plural} within the limit and the offset")
        } else {
            format!("{tokens} token{plural}")
        };
        match &self.verdict {
            Verdict::Complete if self.cut_off => write!(f, "{account}: {tokens}"),
            Verdict::Complete => write!(f, "{account}: complete, {tokens}"),
            Verdict::CompleteAsShown(unlisted) if self.cut_off => {
                write!(
                    f,
                    "{account}: {tokens}; the platform never lists {unlisted}"
                )
            }
            Verdict::CompleteAsShown(unlisted) => write!(
                f,
                "{account}: complete as far as the platform shows, {tokens}: it never lists \
                 {unlisted}"
            ),
            Verdict::Partial(reason) => write!(f, "{account}: partial, {tokens}: {reason}"),
            Verdict::Failed(error) if self.tokens == 0 => {
                write!(f, "{account}: failed: {}", without_account(error))
            }
            Verdict::Failed(error) => {
                let error = without_account(error);
                write!(f, "{account}: failed after {tokens}: {error}")
            }
            Verdict::NotListable => write!(f, "{account}: cannot be listed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ErrorKind, Fate, Operation};

    fn verdicts() -> impl Strategy<Value = Verdict> {
        let reasons = prop_oneof![
            Just(PartialReason::UnprotectedPaging),
            Just(PartialReason::ContradictoryTotals),
            Just(PartialReason::UnexpectedOrder),
            Just(PartialReason::TooManyNewTokens),
        ];
        let errors = (".{0,12}", proptest::option::of(any::<u16>())).prop_map(|(text, status)| {
            let error = Error::new(ErrorKind::Unavailable, Fate::Rejected, text)
                .with_account(&Account::new("losant", "iot"))
                .with_operation(Operation::List);
            match status {
                Some(status) => error.with_status(status),
                None => error,
            }
        });
        prop_oneof![
            Just(Verdict::Complete),
            ".{0,12}".prop_map(Verdict::CompleteAsShown),
            reasons.prop_map(Verdict::Partial),
            errors.prop_map(Verdict::Failed),
            Just(Verdict::NotListable),
        ]
    }

    proptest! {
        #[test]
        fn any_report_that_was_written_is_read_back_equal(
            names in (".{0,8}", ".{0,8}", proptest::option::of(".{0,8}")),
            tokens: u64,
            verdict in verdicts(),
            cut_off: bool,
        ) {
            let account = Account::new(&names.0, &names.1);
            let account = match &names.2 {
                Some(place) => account.with_place(place),
                None => account,
            };
            let report = AccountReport { account, tokens, verdict, cut_off };
            let text = serde_json::to_string(&report).unwrap();
            let read: AccountReport = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.to_string(), report.to_string());
            prop_assert_eq!(read, report);
        }
    }
}
