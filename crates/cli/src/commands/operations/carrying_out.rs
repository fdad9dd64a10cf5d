//! The revocation of what a write left behind.

use tokenfleet::journal::Resolution;
use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Result, RevocationOutcome, RevokeOptions, TokenId,
    TokenProvider,
};
use tokenfleet_ledger::{Ledger, Write};

use super::absence;
use super::finding::Finding;
use crate::commands::subject::Subject;
use crate::commands::write::{self, WriteError};

/// Revokes what a finding names, and returns the resolution of the write.
pub(super) async fn carry_out(
    ledger: &dyn Ledger,
    provider: &dyn TokenProvider,
    write: &Write,
    finding: Finding,
) -> Result<Resolution> {
    let (ids, options, is_listed) = match finding {
        Finding::Settled(resolution, _) => return Ok(resolution),
        Finding::Replaced => return Ok(Resolution::Applied(Vec::new())),
        Finding::Orphans(ids) => (ids, RevokeOptions::default().with_existed(), true),
        Finding::Alike(token) => {
            let options = RevokeOptions::default().with_existed();
            (vec![token.id], options, true)
        }
        // Nothing of them was seen just now, so that an answer of "not found" proves nothing yet.
        Finding::LeftBehind(ids) | Finding::Undelivered(ids) => {
            (ids, RevokeOptions::default(), false)
        }
        Finding::Revocable(id, mut options) => {
            options.existed = false;
            (vec![id], options, false)
        }
        Finding::Unknown(why) => return Err(Error::unsupported(why)),
    };
    let options = options.with_operation_id(write.intent.operation_id);
    for id in &ids {
        if let Err(error) = revoke(provider, id, options, is_listed).await {
            let is_absent = error.is_not_found() && error.is_in_own_form();
            if !is_absent || !absence::is_gone(ledger, provider, write, id).await? {
                return Err(error);
            }
        }
    }
    Ok(match write.intent.operation {
        Operation::Create => Resolution::TakenBack(ids),
        _ => Resolution::Applied(Vec::new()),
    })
}

/// Makes sure that a token is revoked.
async fn revoke(
    provider: &dyn TokenProvider,
    id: &TokenId,
    options: RevokeOptions,
    is_listed: bool,
) -> Result<()> {
    let write = write::Write {
        provider,
        operation: Operation::Revoke,
        subject: Subject::Id(id),
    };
    let is_new = is_listed && provider.capabilities().read_delay.is_some();
    match write
        .await_response(provider.revoke(id.into(), options))
        .await
    {
        // The platform may not find what it has just listed.
        Ok(revocation) if revocation.outcome == RevocationOutcome::AlreadyGone && is_new => {
            let message = "the platform may not show a new token yet, so it may be alive";
            Err(Error::new(ErrorKind::Conflict, Fate::Rejected, message)
                .with_account(provider.account())
                .with_operation(Operation::Revoke)
                .with_advice("resume the operation again later"))
        }
        Ok(_) => Ok(()),
        Err(WriteError::Failed(error) | WriteError::Interrupted(error)) => Err(error),
    }
}
