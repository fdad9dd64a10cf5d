//! What revoking and verifying found.

use crate::model::{IssuedToken, TokenId};

/// The old secret is dead: what happened, and what remains.
#[derive(Debug)]
#[non_exhaustive]
pub struct Revocation {
    /// Whether this call killed it.
    pub outcome: RevocationOutcome,
    /// What became of the record.
    pub effect: RevocationEffect,
    /// The record's id, where the platform has one or a fingerprint stands for it.
    pub id: Option<TokenId>,
    /// The token that took its place, where revoking means replacing. Store its secret or revoke it in turn.
    pub replacement: Option<IssuedToken>,
}

impl Revocation {
    /// A revocation without a replacement.
    #[must_use]
    pub fn new(outcome: RevocationOutcome, effect: RevocationEffect) -> Self {
        Self {
            outcome,
            effect,
            id: None,
            replacement: None,
        }
    }

    /// Of the record with that id.
    #[must_use]
    pub fn with_id(mut self, id: TokenId) -> Self {
        self.id = Some(id);
        self
    }

    /// By replacing it with that token.
    #[must_use]
    pub fn with_replacement(mut self, replacement: IssuedToken) -> Self {
        self.effect = RevocationEffect::Replaced;
        self.replacement = Some(replacement);
        self
    }
}

/// Whether a revocation killed the secret or found it dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationOutcome {
    /// It was alive and is dead now, or the platform does not say which.
    Revoked,
    /// The record says that it was revoked before.
    AlreadyRevoked,
    /// There is no such token any more.
    AlreadyGone,
}

impl RevocationOutcome {
    /// The outcome in snake case, as in the program's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::AlreadyRevoked => "already_revoked",
            Self::AlreadyGone => "already_gone",
        }
    }
}

/// What a revocation leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationEffect {
    /// Nothing: the record is deleted.
    Deleted,
    /// The record, marked as revoked.
    Marked,
    /// The record with a new secret.
    Replaced,
}

impl RevocationEffect {
    /// The effect in snake case, as in the program's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Marked => "marked",
            Self::Replaced => "replaced",
        }
    }
}

/// Whether a secret is alive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Liveness {
    /// The platform accepts it.
    Alive,
    /// The platform refuses it.
    Dead,
    /// The platform's answer does not tell, for this reason.
    Unknown {
        /// Why it cannot be told, for people.
        reason: String,
    },
}
