//! Writes: waiting for the response, and what to do when the response is lost.

use tokenfleet::workflow::{Reconciliation, UnknownWrite};
use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Result, RevocationEffect, TokenProvider, TokenProviderExt,
};

use super::subject::Subject;
use crate::exit::Failure;
use crate::program_name::{self, shell_quoted};
use crate::progress::with_progress;
use crate::signal::{stopped, stopped_after_grace_period};

/// The advice after a rotation that was applied although its response was lost.
const APPLIED: &str = "the key was rotated: the old key is dead and nobody has the new one; \
                       create another key on the platform's website";

/// The reason why a write has no result.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The write failed.
    Failed(Error),
    /// The program was asked to stop before the response arrived. The write may have been applied.
    Interrupted(Error),
}

impl WriteError {
    /// Adds advice if the arguments were rejected before anything was sent.
    pub(super) fn advise_on_arguments(self, advice: &str) -> Self {
        match self {
            Self::Failed(error)
                if error.kind() == ErrorKind::InvalidInput && error.fate() == Fate::NotSent =>
            {
                Self::Failed(error.with_advice(advice))
            }
            other => other,
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Failed(error) | WriteError::Interrupted(error) => Self::Operation(error),
        }
    }
}

/// A write to a platform: what it does, and to which token.
#[derive(Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) provider: &'a dyn TokenProvider,
    pub(super) operation: Operation,
    pub(super) subject: Subject<'a>,
}

impl Write<'_> {
    /// Waits for the response, but only for the grace period once the program is asked to stop.
    pub(super) async fn await_response<T>(
        self,
        response: impl Future<Output = Result<T>>,
    ) -> Result<T, WriteError> {
        let progress = || format!("waiting for {}", self.provider.account());
        self.await_with_progress(progress, response).await
    }

    /// Waits like [`await_response`](Self::await_response), with this text on the progress line.
    pub(super) async fn await_with_progress<T>(
        self,
        progress: impl Fn() -> String,
        response: impl Future<Output = Result<T>>,
    ) -> Result<T, WriteError> {
        tokio::select! {
            // A response that has arrived is never dropped, because it may contain a secret.
            biased;
            result = with_progress(progress, response) => {
                result.map_err(|error| WriteError::Failed(match self.subject {
                    Subject::Id(_) => self.subject.add_to(error),
                    // A token that is created has the name that the user just typed.
                    Subject::Name(_) | Subject::Unnamed => error,
                }))
            }
            () = stopped_after_grace_period() => Err(WriteError::Interrupted(self.interrupted())),
        }
    }

    /// Waits for the response to a write that must not be retried blindly.
    ///
    /// If the outcome is unknown, asks the platform whether the write was applied. The error says
    /// what was found and what to do before retrying.
    pub(super) async fn await_or_reconcile<T>(
        self,
        unknown: Option<UnknownWrite<'_>>,
        response: impl Future<Output = Result<T>>,
    ) -> Result<T, WriteError> {
        let error = match self.await_response(response).await {
            Err(WriteError::Failed(error)) if error.may_have_applied() => error,
            result => return result,
        };
        if was_reconciled_by_adapter(&error) {
            return Err(WriteError::Failed(error));
        }
        let reconciliation = match unknown {
            Some(unknown) => self.reconcile(unknown).await,
            None => None,
        };
        let advice = match reconciliation {
            Some(Reconciliation::Applied(_)) => {
                let error = error.with_fate(Fate::Applied).with_advice(APPLIED);
                return Err(WriteError::Failed(error));
            }
            Some(reconciliation) => self.after_reconciling(&reconciliation),
            None => self.before_retrying(),
        };
        let advice = match error.advice() {
            Some(existing) => format!("{existing}; {advice}"),
            None => advice,
        };
        Err(WriteError::Failed(error.with_advice(advice)))
    }

    /// Creates an error for a write that was in flight when the program was asked to stop.
    pub(super) fn interrupted(self) -> Error {
        let message = "the program was asked to stop before the response arrived";
        let error = Error::new(ErrorKind::Other, Fate::MaybeApplied, message)
            .with_account(self.provider.account())
            .with_operation(self.operation)
            .with_advice(self.before_retrying());
        self.subject.add_to(error)
    }

    /// Asks the platform whether the write was applied. Returns `None` if it cannot be asked.
    async fn reconcile(self, unknown: UnknownWrite<'_>) -> Option<Reconciliation> {
        let provider = self.provider;
        let progress = || format!("asking {} whether it was applied", provider.account());
        tokio::select! {
            biased;
            found = with_progress(progress, provider.reconcile(unknown)) => found.ok(),
            () = stopped() => None,
        }
    }

    fn after_reconciling(self, reconciliation: &Reconciliation) -> String {
        let before_retrying = self.before_retrying();
        match (reconciliation, self.operation) {
            (Reconciliation::NotApplied, Operation::Create) => {
                "the account has no token, so none was created so far".to_owned()
            }
            // A short-lived credential of OpenID Connect stays alive when the key is replaced.
            (Reconciliation::NotApplied, _) => format!(
                "the key in use is alive: if it is the one to rotate, nothing has changed so far; \
                 {before_retrying}"
            ),
            (Reconciliation::Unknown { reason, dead_by }, _) => match dead_by {
                Some(at) => format!(
                    "{reason}; {before_retrying}; a token that was created expires by {at}, unless \
                     it is renewed"
                ),
                None => format!("{reason}; {before_retrying}"),
            },
            _ => before_retrying,
        }
    }

    fn before_retrying(self) -> String {
        let capabilities = self.provider.capabilities();
        let effect = capabilities.revoke.as_ref().map(|revoke| revoke.effect);
        let command = program_name::command_line;
        match (self.operation, self.subject) {
            (Operation::Create, _) if capabilities.list.is_none() => {
                "a token may exist whose secret nobody has; this platform cannot list it, but it \
                 expires by itself"
                    .to_owned()
            }
            (Operation::Create, Subject::Name(name)) => {
                let list = command(&format!("list --name {}", shell_quoted(name)));
                format!(
                    "before retrying, look for it with `{list}`: if it exists, nobody has its \
                     secret, so revoke it"
                )
            }
            (Operation::Create, _) => {
                let list = command("list");
                format!(
                    "before retrying, look for it with `{list}`: if it exists, nobody has its \
                     secret, so replace it"
                )
            }
            (Operation::Rotate, _) => {
                let verify = command("verify");
                format!(
                    "before retrying, check the old secret with `{verify}`: if it is dead, \
                 nobody has the new one"
                )
            }
            (Operation::Renew, _) => {
                "before retrying, note that a renewal may count towards the platform's maximum"
                    .to_owned()
            }
            (Operation::Revoke, _) if effect == Some(RevocationEffect::Replaced) => {
                let list = command("list");
                format!(
                    "before retrying, check with `{list}` whether the token has changed: if \
                 it has, nobody has the new secret"
                )
            }
            // Another token may have the id by then (decision 0021).
            (Operation::Revoke, Subject::Id(_)) if capabilities.reused_ids => {
                let show = command("show");
                format!(
                    "before retrying, check with `{show}` whether the id still belongs to \
                     the token: if nothing has it, the token is gone"
                )
            }
            (Operation::Revoke, _) => "revoke it again to be sure, which does no harm".to_owned(),
            _ => format!(
                "before retrying, check the token with `{}`",
                command("show")
            ),
        }
    }
}

/// Returns `true` if an adapter has tried to find the outcome: its error then has another as cause.
fn was_reconciled_by_adapter(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<Error>())
}

#[cfg(test)]
mod tests {
    use tokenfleet::TokenId;
    use tokenfleet_conformance::{MemoryProfile, MemoryProvider};

    use super::*;

    #[test]
    fn a_lost_revocation_is_repeated_without_a_look_only_where_ids_do_not_come_again() {
        let id = TokenId::new("1");
        for (profile, needs_look) in [
            (MemoryProfile::deleting(), false),
            (MemoryProfile::reusing(), true),
        ] {
            let write = Write {
                provider: &MemoryProvider::new(profile),
                operation: Operation::Revoke,
                subject: Subject::Id(&id),
            };
            let advice = write.before_retrying();
            assert_eq!(advice.contains("show"), needs_look, "{advice}");
            assert_eq!(advice.contains("no harm"), !needs_look, "{advice}");
        }
    }
}
