//! A call of a provider's operation, with its arguments.

use crate::error::Operation;
use crate::model::{Secret, TokenRef};
use crate::provider::{CreateToken, PageRequest, RevokeOptions, UpdateToken};

/// An operation with its arguments: what [`Capabilities::check`](crate::Capabilities::check) judges.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Call<'a> {
    /// Read one page.
    List(&'a PageRequest),
    /// Read one token.
    Get(TokenRef<'a>),
    /// Make a token.
    Create(&'a CreateToken),
    /// Change a token.
    Update(TokenRef<'a>, &'a UpdateToken),
    /// Give a record a new secret.
    Rotate(TokenRef<'a>),
    /// Prolong the life of a secret.
    Renew(TokenRef<'a>),
    /// Kill a secret.
    Revoke(TokenRef<'a>, &'a RevokeOptions),
    /// Ask whether a secret is alive.
    Verify(&'a Secret),
}

impl Call<'_> {
    /// The operation without its arguments.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::List(_) => Operation::List,
            Self::Get(_) => Operation::Get,
            Self::Create(_) => Operation::Create,
            Self::Update(..) => Operation::Update,
            Self::Rotate(_) => Operation::Rotate,
            Self::Renew(_) => Operation::Renew,
            Self::Revoke(..) => Operation::Revoke,
            Self::Verify(_) => Operation::Verify,
        }
    }
}
