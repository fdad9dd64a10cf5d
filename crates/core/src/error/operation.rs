//! The operations of a provider, without their arguments.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Fate;

/// An operation of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Fetching one page of tokens.
    List,
    /// Fetching one token.
    Get,
    /// Creating a token.
    Create,
    /// Changing a token's name, description or suspension.
    Update,
    /// Replacing the secret of a token.
    Rotate,
    /// Extending the expiry of a secret.
    Renew,
    /// Revoking a secret for good.
    Revoke,
    /// Checking whether a secret still authenticates.
    Verify,
    /// Asking whom the account acts as.
    Whoami,
}

impl Operation {
    /// All operations, in the order of the trait.
    pub const ALL: [Self; 9] = [
        Self::List,
        Self::Get,
        Self::Create,
        Self::Update,
        Self::Rotate,
        Self::Renew,
        Self::Revoke,
        Self::Verify,
        Self::Whoami,
    ];

    /// Returns `true` if the operation changes something on the platform.
    #[must_use]
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Self::Create | Self::Update | Self::Rotate | Self::Renew | Self::Revoke
        )
    }

    /// Returns the fate of a request that was sent and got no conclusive response: a write may have
    /// been applied, a read changed nothing.
    ///
    /// ```
    /// use tokenfleet_core::{Fate, Operation};
    ///
    /// assert_eq!(Operation::Create.fate_if_unanswered(), Fate::MaybeApplied);
    /// assert_eq!(Operation::List.fate_if_unanswered(), Fate::Rejected);
    /// ```
    #[must_use]
    pub fn fate_if_unanswered(self) -> Fate {
        if self.is_write() {
            Fate::MaybeApplied
        } else {
            Fate::Rejected
        }
    }

    /// Returns the operation as one lower-case word.
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
            Self::Whoami => "whoami",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
