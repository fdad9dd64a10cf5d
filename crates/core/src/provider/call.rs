//! A call of a provider's operation, with its arguments.

use crate::error::Operation;
use crate::model::{Secret, TokenId, TokenRef};
use crate::provider::{CreateToken, PageRequest, RevokeOptions, UpdateToken};

/// An operation with its arguments, as [`Capabilities::check`](crate::Capabilities::check) takes
/// it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum OperationCall<'a> {
    /// A call of [`list_page`](crate::TokenProvider::list_page).
    List(&'a PageRequest),
    /// A call of [`get`](crate::TokenProvider::get).
    Get(&'a TokenId),
    /// A call of [`create`](crate::TokenProvider::create).
    Create(&'a CreateToken),
    /// A call of [`update`](crate::TokenProvider::update).
    Update(&'a TokenId, &'a UpdateToken),
    /// A call of [`rotate`](crate::TokenProvider::rotate).
    Rotate(&'a TokenId),
    /// A call of [`renew`](crate::TokenProvider::renew).
    Renew(&'a Secret),
    /// A call of [`revoke`](crate::TokenProvider::revoke).
    Revoke(TokenRef<'a>, &'a RevokeOptions),
    /// A call of [`verify`](crate::TokenProvider::verify).
    Verify(&'a Secret),
    /// A call of [`whoami`](crate::TokenProvider::whoami).
    Whoami,
}

impl OperationCall<'_> {
    /// Returns the operation without its arguments.
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
            Self::Whoami => Operation::Whoami,
        }
    }
}
