//! The source of a history: an account, and the owner whose tokens it lists.

use serde::{Deserialize, Serialize};
use tokenfleet_core::{Account, Identity};

/// An account, and the owner under whose identity its tokens are listed.
///
/// It is the key of a history. The place of an account may be "the user's own tokens", which names
/// no user: after a change of the credential, the same account lists the tokens of somebody else.
/// The tokens of one owner therefore never end because a listing of another lacks them. Name the
/// owner wherever the platform tells it: without one, all listings of the account are one history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Source {
    /// The account.
    pub account: Account,
    /// The owner, or `None` if it is not known.
    pub owner: Option<Owner>,
}

/// The owner of the tokens that an account lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Owner {
    /// The kind of the principal, if the platform reports it.
    pub kind: Option<String>,
    /// The id of the principal. A name may change, and an id does not.
    pub id: String,
}

impl Source {
    /// Sets the owner to the principal that the account acts as.
    #[must_use]
    pub fn with_owner(mut self, identity: &Identity) -> Self {
        self.owner = Some(Owner {
            kind: identity.principal.kind().map(ToOwned::to_owned),
            id: identity.principal.id().to_owned(),
        });
        self
    }
}

impl From<Account> for Source {
    fn from(account: Account) -> Self {
        Self {
            account,
            owner: None,
        }
    }
}
