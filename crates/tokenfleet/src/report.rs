//! What an inventory says of each account.

use std::fmt;

use crate::{Account, Completeness, Error, PartialReason};

/// What became of one account of an inventory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccountReport {
    /// The account.
    pub account: Account,
    /// How many of its tokens were yielded.
    pub tokens: u64,
    /// What that number means.
    pub verdict: Verdict,
}

/// Whether an account's tokens were all seen.
///
/// Only [`Complete`](Self::Complete) says so: a part is never shown as the whole, and an account that cannot be listed
/// is not an empty one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Verdict {
    /// Every token that the query asks for, each once.
    Complete,
    /// Tokens may be missing, for this reason.
    Partial(PartialReason),
    /// The walk ended early, or never began.
    Failed(Error),
    /// The platform has no list: which tokens exist cannot be known.
    NotListable,
}

impl Verdict {
    /// The verdict in snake case, as in the program's JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial(_) => "partial",
            Self::Failed(_) => "failed",
            Self::NotListable => "not_listable",
        }
    }

    /// Why the account is not complete, on one line that does not name it.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Complete => None,
            Self::Partial(reason) => Some(reason.to_string()),
            Self::Failed(error) => Some(without_account(error)),
            Self::NotListable => Some("the platform cannot list tokens".to_owned()),
        }
    }

    /// Whether every token was seen.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }
}

impl From<Completeness> for Verdict {
    fn from(completeness: Completeness) -> Self {
        match completeness {
            Completeness::Complete => Self::Complete,
            Completeness::Partial(reason) => Self::Partial(reason),
        }
    }
}

/// The report names the account already.
fn without_account(error: &Error) -> String {
    let text = error.to_string();
    let named = error.account().map(|account| format!("{account}: "));
    match named.and_then(|named| text.strip_prefix(&named).map(str::to_owned)) {
        Some(rest) => rest,
        None => text,
    }
}

/// One line for people, such as `iot (losant): complete, 12 tokens`.
impl fmt::Display for AccountReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account, tokens, ..
        } = self;
        let plural = if *tokens == 1 { "" } else { "s" };
        match &self.verdict {
            Verdict::Complete => write!(f, "{account}: complete, {tokens} token{plural}"),
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
