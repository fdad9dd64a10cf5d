//! The token or the account that a response is about.

use super::violation::{describe, violation};
use crate::error::{Operation, Result};
use crate::model::{Identity, TokenId};
use crate::provider::TokenProvider;

/// Rejects a token with another id than the requested one.
pub(crate) fn check_id<P: TokenProvider>(
    provider: &P,
    operation: Operation,
    requested: &TokenId,
    returned: &TokenId,
) -> Result<()> {
    if requested == returned {
        return Ok(());
    }
    let returned = describe(returned);
    let message = format!("the response is about {returned}, not about the requested one");
    Err(violation(provider, operation, message)
        .with_advice("a proxy or a cache may have answered: read the token again past it"))
}

/// Rejects an identity without an id, which names nobody.
pub(crate) fn check_identity<P: TokenProvider>(provider: &P, identity: &Identity) -> Result<()> {
    if identity.principal.id().is_empty() {
        let message = "the response does not say whom the account acts as";
        return Err(violation(provider, Operation::Whoami, message));
    }
    Ok(())
}
