//! The outcomes of revoking and verifying a secret.

use serde::{Deserialize, Serialize};

use crate::model::{IssuedToken, TokenId};

/// The result of a successful revocation: the secret no longer authenticates.
#[derive(Debug)]
#[non_exhaustive]
pub struct Revocation {
    /// The outcome: revoked by this call or earlier.
    pub outcome: RevocationOutcome,
    /// The effect on the record.
    pub effect: RevocationEffect,
    /// The id of the record, if the platform reports one or a fingerprint stands in for it.
    pub id: Option<TokenId>,
    /// The token that replaced this one, on platforms that revoke by replacing. Store its secret,
    /// or revoke it in turn.
    pub replacement: Option<IssuedToken>,
    /// The ids of the other tokens that this revocation revoked too, as far as the platform reports
    /// them.
    pub also_revoked: Vec<TokenId>,
}

impl Revocation {
    /// Creates a revocation without a replacement.
    #[must_use]
    pub fn new(outcome: RevocationOutcome, effect: RevocationEffect) -> Self {
        Self {
            outcome,
            effect,
            id: None,
            replacement: None,
            also_revoked: Vec::new(),
        }
    }

    /// Sets the id of the record.
    #[must_use]
    pub fn with_id(mut self, id: TokenId) -> Self {
        self.id = Some(id);
        self
    }

    /// Adds the ids of other tokens that this revocation revoked too.
    #[must_use]
    pub fn with_also_revoked(mut self, ids: impl IntoIterator<Item = TokenId>) -> Self {
        self.also_revoked.extend(ids);
        self
    }

    /// Sets the token that replaced this one, and the effect accordingly.
    #[must_use]
    pub fn with_replacement(mut self, replacement: IssuedToken) -> Self {
        self.effect = RevocationEffect::Replaced;
        self.replacement = Some(replacement);
        self
    }
}

/// The outcome of a revocation: the secret was revoked by this call or earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevocationOutcome {
    /// The call revoked the secret, or the platform does not report whether it did.
    Revoked,
    /// The record was already marked as revoked.
    AlreadyRevoked,
    /// The token existed in this account and no longer does.
    AlreadyGone,
}

impl RevocationOutcome {
    /// Returns the outcome in snake case, as it appears in the program's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::AlreadyRevoked => "already_revoked",
            Self::AlreadyGone => "already_gone",
        }
    }
}

/// The effect of a revocation on the record of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevocationEffect {
    /// The record is deleted.
    Deleted,
    /// The record stays, marked as revoked.
    Marked,
    /// The record stays and gets a new secret.
    Replaced,
}

impl RevocationEffect {
    /// Returns the effect in snake case, as it appears in the program's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Marked => "marked",
            Self::Replaced => "replaced",
        }
    }
}

/// The result of verifying a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Liveness {
    /// The platform accepts the secret.
    Alive,
    /// The platform rejects the secret.
    Dead,
    /// The platform's response is inconclusive.
    Unknown {
        /// The reason, for people to read.
        reason: String,
    },
}
