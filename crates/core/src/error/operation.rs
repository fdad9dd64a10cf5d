//! What can be asked of a provider.

use std::fmt;

use crate::error::Fate;

/// One of the things a provider can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// Read one page of the tokens.
    List,
    /// Read one token.
    Get,
    /// Make a token.
    Create,
    /// Change a token's name, description or suspension.
    Update,
    /// Give a record a new secret.
    Rotate,
    /// Prolong the life of a secret.
    Renew,
    /// Kill a secret.
    Revoke,
    /// Ask whether a secret is alive.
    Verify,
}

impl Operation {
    /// All operations, in the order of the trait.
    pub const ALL: [Self; 8] = [
        Self::List,
        Self::Get,
        Self::Create,
        Self::Update,
        Self::Rotate,
        Self::Renew,
        Self::Revoke,
        Self::Verify,
    ];

    /// Whether it changes something at the platform.
    #[must_use]
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Self::Create | Self::Update | Self::Rotate | Self::Renew | Self::Revoke
        )
    }

    /// Returns the fate of a request for this operation that got no usable response.
    ///
    /// The one place for this rule: a write may have been applied, a read changes nothing.
    #[must_use]
    pub fn fate_if_unanswered(self) -> Fate {
        if self.is_write() {
            Fate::MaybeApplied
        } else {
            Fate::Rejected
        }
    }

    /// The operation in one lower-case word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Create => "create",
            Self::Update => "update",
            Self::Rotate => "rotate",
            Self::Renew => "renew",
            Self::Revoke => "revoke",
            Self::Verify => "verify",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
