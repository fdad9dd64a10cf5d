//! The deletion of a service account, which revokes its key.

use std::time::Duration;

use tokenfleet_core::workflow::Timer;
use tokenfleet_core::{
    Error, ErrorKind, Fate, Operation, Result, Revocation, RevocationEffect, RevocationOutcome,
    RevokeOptions, TokenId,
};
use tokenfleet_http::{ApiRequest, TokioTimer};

use crate::{Cloudsmith, convert};

/// The waits for a deleted service account to vanish.
const WAITS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

impl Cloudsmith {
    /// Deletes a service account, which must be in this organization: a 404 for any other slug says
    /// nothing about its key.
    ///
    /// Cloudsmith may show a deleted service account for a while, with its key, so it is read until
    /// it is gone. What Cloudsmith responds to the deletion of one that is gone already is not
    /// documented; then the organization must exist, too.
    pub(crate) async fn delete(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        let existed = options.existed || self.is_here(id).await?;
        let request = ApiRequest::delete(Operation::Revoke, self.path(&[id.as_str()]))
            .idempotent()
            .allow_empty_body();
        let outcome = match self.send(request).await {
            Ok(_) => {
                self.await_deletion(id).await?;
                RevocationOutcome::Revoked
            }
            Err(error) if existed && convert::may_be_gone(&error) => {
                let fate = error.fate();
                match self.look(id).await {
                    Err(look) if convert::is_gone(&look) => {}
                    Err(look) => return Err(look.with_fate(fate)),
                    Ok(_) => return Err(error),
                }
                let checked = self.check_organization(Operation::Revoke).await;
                checked.map_err(|failed| failed.with_fate(fate))?;
                if error.may_have_applied() {
                    // An earlier attempt, whose response was lost, may have deleted it.
                    RevocationOutcome::Revoked
                } else {
                    RevocationOutcome::AlreadyGone
                }
            }
            Err(error) => return Err(not_here(error)),
        };
        Ok(Revocation::new(outcome, RevocationEffect::Deleted).with_id(id.clone()))
    }

    /// Returns `true` if the service account is in this organization. A credential that may delete
    /// but not read cannot tell, so then it is `false`.
    async fn is_here(&self, id: &TokenId) -> Result<bool> {
        match self.look(id).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(not_here(error)),
        }
    }

    /// Waits until a deleted service account is gone.
    async fn await_deletion(&self, id: &TokenId) -> Result<()> {
        for wait in WAITS.map(Some).into_iter().chain([None]) {
            match self.look(id).await {
                Err(look) if convert::is_gone(&look) => return Ok(()),
                Err(look) => return Err(look.with_fate(Fate::MaybeApplied).with_advice(REPEAT)),
                Ok(()) => {}
            }
            if let Some(wait) = wait {
                TokioTimer.wait(wait).await;
            }
        }
        let error = Error::protocol_violation(
            Fate::MaybeApplied,
            "the platform deleted the service account and still shows it, so its key may work",
        );
        Err(self.in_context(Operation::Revoke, error.with_advice(REPEAT)))
    }

    /// Reads a service account in the course of its deletion.
    async fn look(&self, id: &TokenId) -> Result<()> {
        let read = match self.read(Operation::Get, id).await {
            Ok(token) if token.id == *id => Ok(()),
            Ok(_) => {
                let message = "the platform returned another token than the requested one";
                let error = Error::protocol_violation(Fate::Rejected, message);
                Err(self.in_context(Operation::Get, error))
            }
            Err(error) => Err(error),
        };
        read.map_err(|error| error.for_operation(Operation::Revoke))
    }
}

const REPEAT: &str = "revoke it once more, which says whether it is gone";

/// Adds to an error that the service account may belong to another organization.
fn not_here(error: Error) -> Error {
    if !error.is_not_found() {
        return error;
    }
    error.with_advice(
        "if it is a service account of another organization, use an account with that resource",
    )
}
