//! The result of looking for what became of a write.

use tokenfleet::journal::Resolution;
use tokenfleet::{RevokeOptions, Token, TokenId};

use crate::output::displayed_id;

/// A result of looking for what became of a write.
#[derive(Debug)]
pub(super) enum Finding {
    /// Nothing is left to do. The text says what to know about it.
    Settled(Resolution, String),
    /// These tokens came of it, as a marker shows, and nobody has their secrets.
    Orphans(Vec<TokenId>),
    /// These tokens came of it. Their secrets arrived, and may be in use.
    Undelivered(Vec<TokenId>),
    /// These tokens are said to have been left behind by it, and nobody has their secrets.
    LeftBehind(Vec<TokenId>),
    /// This token looks like the one that was to be created, and nothing proves it.
    Alike(Token),
    /// The secret was replaced in place, so the old one is dead. Nobody is known to have the new
    /// one.
    Replaced,
    /// The revocation of this token may be repeated.
    Revocable(TokenId, RevokeOptions),
    /// Its outcome stays unknown for now. The text says why, and what to do.
    Unknown(String),
}

impl Finding {
    pub(super) fn settled(resolution: Resolution) -> Self {
        Self::Settled(resolution, String::new())
    }

    pub(super) fn applied() -> Self {
        Self::settled(Resolution::Applied(Vec::new()))
    }

    /// Returns the finding without a token that a rotation has delivered: its sinks may hold it, so
    /// only a person who names that token may revoke it.
    pub(super) fn sparing(self, delivered: &TokenId) -> Self {
        let spare = |ids: Vec<TokenId>, finding: fn(Vec<TokenId>) -> Self| {
            let rest: Vec<_> = ids.into_iter().filter(|id| id != delivered).collect();
            if rest.is_empty() {
                Self::delivered(delivered)
            } else {
                finding(rest)
            }
        };
        match self {
            Self::Orphans(ids) => spare(ids, Self::Orphans),
            Self::Undelivered(ids) => spare(ids, Self::Undelivered),
            Self::LeftBehind(ids) => spare(ids, Self::LeftBehind),
            Self::Alike(token) if token.id == *delivered => Self::delivered(delivered),
            Self::Revocable(id, _) if id == *delivered => Self::delivered(delivered),
            finding => finding,
        }
    }

    fn delivered(token: &TokenId) -> Self {
        let token = displayed_id(token);
        let text = format!(
            "its rotation has delivered token {token}, which is left alone: revoke that by its id \
             if nobody uses it"
        );
        Self::Settled(Resolution::Applied(Vec::new()), text)
    }
}

/// Returns `true` for a text that the ledger does not hold as it was, because a part of it looked
/// like a secret.
pub(super) fn is_masked(text: &str) -> bool {
    text.contains("[masked]")
}

#[cfg(test)]
mod tests {
    use tokenfleet::TokenState;

    use super::*;

    fn ids(names: &[&str]) -> Vec<TokenId> {
        names.iter().map(|name| TokenId::new(*name)).collect()
    }

    #[test]
    fn a_token_that_a_rotation_has_delivered_is_in_no_finding_that_revokes() {
        let delivered = TokenId::new("successor");
        let both = || ids(&["other", "successor"]);
        for finding in [
            Finding::Orphans(both()),
            Finding::Undelivered(both()),
            Finding::LeftBehind(both()),
        ] {
            match finding.sparing(&delivered) {
                Finding::Orphans(rest) | Finding::Undelivered(rest) | Finding::LeftBehind(rest) => {
                    assert_eq!(rest, ids(&["other"]));
                }
                other => panic!("{other:?}"),
            }
        }
        let token = Token::new(delivered.clone(), TokenState::Active);
        for finding in [
            Finding::Orphans(ids(&["successor"])),
            Finding::Undelivered(ids(&["successor"])),
            Finding::LeftBehind(ids(&["successor"])),
            Finding::Alike(token),
            Finding::Revocable(delivered.clone(), RevokeOptions::default()),
        ] {
            match finding.sparing(&delivered) {
                Finding::Settled(Resolution::Applied(active), _) => {
                    assert_eq!(active, ids(&[]));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
