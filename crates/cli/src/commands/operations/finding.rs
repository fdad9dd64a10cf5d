//! The result of looking for what became of a write.

use tokenfleet::journal::Resolution;
use tokenfleet::{RevokeOptions, Token, TokenId};

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
}

/// Returns `true` for a text that the ledger does not hold as it was, because a part of it looked
/// like a secret.
pub(super) fn is_masked(text: &str) -> bool {
    text.contains("[masked]")
}
