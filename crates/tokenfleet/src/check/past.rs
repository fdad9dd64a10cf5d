//! What became of tokens between two listings, and the rules about it.

use super::truth::Truth;
use super::{Rule, RuleKind};
use crate::{Account, Fact, Timestamp, Token, TokenState};

/// Something that became of a token between two listings, as a memory of the account tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Past {
    /// A listing of this time has the token, and the one before lacks it.
    Appeared(Timestamp),
    /// A complete listing of this time lacks the token, and the one before has it.
    Vanished(Timestamp),
}

impl Past {
    /// Returns the time of the later listing.
    #[must_use]
    pub fn at(self) -> Timestamp {
        match self {
            Self::Appeared(at) | Self::Vanished(at) => at,
        }
    }
}

impl Rule {
    /// Evaluates the rule for what became of a token, which is as it was last seen.
    pub(super) fn applies_to_past(&self, account: &Account, token: &Token, past: Past) -> Truth {
        let is_recent = self.start().is_some_and(|start| past.at() > start);
        let had_expired = matches!(token.expiry, Fact::Known(at) if at <= past.at());
        match (self.kind(), past) {
            (RuleKind::AppearedWithin, Past::Appeared(_)) => is_recent.into(),
            (RuleKind::VanishedWithin, Past::Vanished(_)) => {
                let was_dead = matches!(token.state, TokenState::Revoked | TokenState::Expired);
                (is_recent && !was_dead && !had_expired).into()
            }
            // One that vanished before its expiry did not expire.
            (RuleKind::ExpiredWithin, Past::Vanished(_)) => {
                match self.condition_holds(account, token) {
                    Truth::Yes => had_expired.into(),
                    otherwise => otherwise,
                }
            }
            _ => Truth::No,
        }
    }
}
