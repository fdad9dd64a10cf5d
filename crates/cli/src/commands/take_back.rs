//! The revocation of a token that was created a moment ago and is of no use to anybody.

use tokenfleet::journal::OperationId;
use tokenfleet::{
    IssuedToken, Operation, Revocation, RevocationOutcome, RevokeOptions, TokenProvider, TokenRef,
};

use super::subject::Subject;
use super::write::{Write, WriteError};
use crate::journals::Journals;

/// Revokes a token that was just created, by its id or by its secret, and returns `true` if it is
/// dead.
///
/// The token is not read first, because a read that fails must not keep it alive.
pub(super) async fn take_back(
    journals: &Journals,
    provider: &dyn TokenProvider,
    issued: &IssuedToken,
    operation_id: OperationId,
) -> bool {
    let revoked = revoke(provider, issued, operation_id).await;
    let is_dead = revoked.is_ok_and(|revocation| revocation.outcome == RevocationOutcome::Revoked);
    if is_dead {
        journals.taken_back(provider.account(), issued).await;
    }
    is_dead
}

/// Revokes a token that was just created, as a step of the operation that created it.
pub(super) async fn revoke(
    provider: &dyn TokenProvider,
    issued: &IssuedToken,
    operation_id: OperationId,
) -> Result<Revocation, WriteError> {
    let id = &issued.token.id;
    let by_id = (provider.capabilities().revoke.as_ref()).is_none_or(|revoke| revoke.by_id);
    let token = if by_id {
        TokenRef::Id(id)
    } else {
        TokenRef::Secret(&issued.secret)
    };
    let write = Write {
        provider,
        operation: Operation::Revoke,
        subject: Subject::from(token),
    };
    let options = RevokeOptions::default()
        .with_existed()
        .with_operation_id(operation_id);
    write.await_response(provider.revoke(token, options)).await
}
