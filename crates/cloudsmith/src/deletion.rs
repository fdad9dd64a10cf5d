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
    /// it is gone. It may not show a new one for a while, so only one that was read in this call is
    /// gone when it is no longer found; then the organization must exist, too. The deletion is not
    /// repeated, because another service account may have the slug by then (decision 0021).
    pub(crate) async fn delete(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        let was_read = !options.existed && self.is_here(id).await?;
        let request = ApiRequest::delete(Operation::Revoke, self.path(&[id.as_str()]));
        let outcome = match self.send(request.allow_empty_body()).await {
            Ok(_) => {
                self.await_deletion(id).await?;
                RevocationOutcome::Revoked
            }
            Err(error) if was_read && convert::may_be_gone(&error) => {
                let fate = error.fate();
                match self.read_back(id).await {
                    Err(failed) if convert::is_gone(&failed) => {}
                    Err(failed) => return Err(failed.with_fate(fate)),
                    Ok(_) => return Err(error),
                }
                let checked = self.check_organization(Operation::Revoke).await;
                checked.map_err(|failed| failed.with_fate(fate))?;
                RevocationOutcome::AlreadyGone
            }
            Err(error) => return Err(not_here(self.explain_rejection(error, id).await)),
        };
        Ok(Revocation::new(outcome, RevocationEffect::Deleted).with_id(id.clone()))
    }

    /// Returns `true` if the service account is in this organization. A credential that may delete
    /// but not read cannot tell, so then it is `false`.
    async fn is_here(&self, id: &TokenId) -> Result<bool> {
        match self.read_back(id).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(not_here(error)),
        }
    }

    /// Waits until a deleted service account is gone.
    async fn await_deletion(&self, id: &TokenId) -> Result<()> {
        for wait in WAITS.map(Some).into_iter().chain([None]) {
            match self.read_back(id).await {
                Err(failed) if convert::is_gone(&failed) => return Ok(()),
                Err(failed) => {
                    return Err(failed.with_fate(Fate::MaybeApplied).with_advice(LOOK_AGAIN));
                }
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
        Err(self.in_context(Operation::Revoke, error.with_advice(LOOK_AGAIN)))
    }

    /// Reads a service account in the course of its deletion.
    async fn read_back(&self, id: &TokenId) -> Result<()> {
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

const LOOK_AGAIN: &str = "read it again later: it is gone once it is no longer found";

/// Adds to an error why a service account that is not found may be alive.
fn not_here(error: Error) -> Error {
    if !error.is_not_found() {
        return error;
    }
    error.with_advice(
        "a new service account may not be found yet: try again later; one of another organization \
         needs an account with that resource",
    )
}
