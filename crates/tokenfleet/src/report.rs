//! The report of an inventory on one account.

use std::fmt;

use crate::{Account, Completeness, Error, PartialReason};

/// The result of listing one account of an inventory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccountReport {
    /// The account.
    pub account: Account,
    /// The number of its tokens that were yielded.
    pub tokens: u64,
    /// The completeness of the list.
    pub verdict: Verdict,
    /// `true` if tokens of the account were found that are not among those yielded, because they
    /// are outside the limit or the offset that applies to all accounts together.
    pub cut_off: bool,
}

/// The completeness of the tokens that were listed for one account.
///
/// Only [`Complete`](Self::Complete) means that all of them were listed. A partial list is never
/// reported as complete, and an account that cannot be listed is not reported as empty.
#[derive(Debug, Clone)]
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
        match self {
            Self::Complete => "complete",
            Self::CompleteAsShown(_) => "complete_as_shown",
            Self::Partial(_) => "partial",
            Self::Failed(_) => "failed",
            Self::NotListable => "not_listable",
        }
    }

    /// Returns why the list does not hold every token, on one line that does not name the account.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Complete => None,
            Self::CompleteAsShown(tokens) => Some(format!("the platform never lists {tokens}")),
            Self::Partial(reason) => Some(reason.to_string()),
            Self::Failed(error) => Some(without_account(error)),
            Self::NotListable => Some("the platform cannot list tokens".to_owned()),
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

/// Formats the report on one line for people, such as `iot (losant): complete, 12 tokens`.
impl fmt::Display for AccountReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account, tokens, ..
        } = self;
        let plural = match (self.cut_off, *tokens) {
            (true, 1) => " (the limit or the offset leaves out others)",
            (true, _) => "s (the limit or the offset leaves out others)",
            (false, 1) => "",
            (false, _) => "s",
        };
        match &self.verdict {
            Verdict::Complete => write!(f, "{account}: complete, {tokens} token{plural}"),
            Verdict::CompleteAsShown(unlisted) => write!(
                f,
                "{account}: complete as far as the platform shows, {tokens} token{plural}: it \
                 never lists {unlisted}"
            ),
            Verdict::Partial(reason) => {
                write!(f, "{account}: partial, {tokens} token{plural}: {reason}")
            }
            Verdict::Failed(error) if *tokens == 0 => {
                write!(f, "{account}: failed: {}", without_account(error))
            }
            Verdict::Failed(error) => {
                let error = without_account(error);
                write!(f, "{account}: failed after {tokens} token{plural}: {error}")
            }
            Verdict::NotListable => write!(f, "{account}: cannot be listed"),
        }
    }
}
