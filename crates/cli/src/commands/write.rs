//! Writes, and what is to be said when the program is asked to stop in the middle of one.

use tokenfleet::workflow::{Reconciliation, UnknownWrite};
use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Result, RevocationEffect, TokenId, TokenProvider,
    TokenProviderExt,
};

use crate::output::of_id;
use crate::progress::showing;
use crate::signal::{stopped, stopped_for_good};
use crate::stop::Stop;

/// Why a write has no result.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// It failed.
    Failed(Error),
    /// The program was asked to stop, and no answer came. The platform may have carried it out.
    Stopped(Error),
}

impl From<Unfinished> for Stop {
    fn from(unfinished: Unfinished) -> Self {
        match unfinished {
            Unfinished::Failed(error) | Unfinished::Stopped(error) => Self::Failed(error),
        }
    }
}

/// What a write is about, for the texts of its errors.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    Id(&'a TokenId),
    Name(&'a str),
    /// A token without a name, or one that is known by its secret only.
    Unnamed,
}

impl Subject<'_> {
    /// Says which of the account's tokens an error is about.
    pub(super) fn of(self, error: Error) -> Error {
        match self {
            Self::Id(id) => error.with_message_prefix(&format!("token {}", of_id(id))),
            Self::Name(name) => error.with_message_prefix(&format!("{name:?}")),
            Self::Unnamed => error,
        }
    }
}

/// Waits for a write, but not long once the program is asked to stop: then nothing is kept of it but a warning.
pub(super) async fn finish<T>(
    provider: &dyn TokenProvider,
    operation: Operation,
    subject: Subject<'_>,
    write: impl Future<Output = Result<T>>,
) -> Result<T, Unfinished> {
    let waiting = || format!("waiting for {}", provider.account());
    finish_saying(provider, operation, subject, waiting, write).await
}

/// As [`finish`], with words for what it waits for.
pub(super) async fn finish_saying<T>(
    provider: &dyn TokenProvider,
    operation: Operation,
    subject: Subject<'_>,
    say: impl Fn() -> String,
    write: impl Future<Output = Result<T>>,
) -> Result<T, Unfinished> {
    tokio::select! {
        // A result that is there is never thrown away: it may hold a secret.
        biased;
        done = showing(say, write) => done.map_err(|error| Unfinished::Failed(match subject {
            Subject::Id(_) => subject.of(error),
            // What is made is new: its name is what the caller just gave.
            _ => error,
        })),
        () = stopped_for_good() => Err(Unfinished::Stopped(interrupted(provider, operation, subject))),
    }
}

/// That the program was asked to stop while a write was under way.
pub(super) fn interrupted(
    provider: &dyn TokenProvider,
    operation: Operation,
    subject: Subject<'_>,
) -> Error {
    let message = "the program was asked to stop before the answer came";
    let error = Error::new(ErrorKind::Other, Fate::MaybeApplied, message)
        .with_account(provider.account())
        .with_operation(operation)
        .with_advice(before_repeating(provider, operation, subject));
    subject.of(error)
}

/// As [`finish`], for a write that must not be repeated blindly: if its outcome is unknown, the error says what could be
/// found out, and what is to be done before it is repeated.
pub(super) async fn finish_or_find_out<T>(
    provider: &dyn TokenProvider,
    operation: Operation,
    subject: Subject<'_>,
    lost: Option<UnknownWrite<'_>>,
    write: impl Future<Output = Result<T>>,
) -> Result<T, Unfinished> {
    match finish(provider, operation, subject, write).await {
        Err(Unfinished::Failed(error)) if error.may_have_applied() && !is_explained(&error) => {
            let before = before_repeating(provider, operation, subject);
            let found = match lost {
                Some(lost) => reconcile(provider, lost).await,
                None => None,
            };
            let advice = match found {
                Some(found) => told(&found, operation, before),
                None => before,
            };
            let advice = match error.advice() {
                Some(known) => format!("{known}; {advice}"),
                None => advice,
            };
            Err(Unfinished::Failed(error.with_advice(advice)))
        }
        done => done,
    }
}

/// Whether an adapter has looked already: the failure of that is the cause of its error.
fn is_explained(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<Error>())
}

/// What became of the write; nothing if that cannot be asked.
async fn reconcile(provider: &dyn TokenProvider, lost: UnknownWrite<'_>) -> Option<Reconciliation> {
    let finding_out = || format!("asking {} what became of it", provider.account());
    tokio::select! {
        biased;
        found = showing(finding_out, provider.reconcile(lost)) => found.ok(),
        () = stopped() => None,
    }
}

fn told(found: &Reconciliation, operation: Operation, before: String) -> String {
    match (found, operation) {
        (Reconciliation::NotApplied, Operation::Create) => {
            "the account has no token, so nothing was made until now".to_owned()
        }
        (Reconciliation::NotApplied, _) => {
            // A credential of another kind, such as a short-lived one of OpenID Connect, outlives the key.
            format!("the key that acts is alive: if it is the one to be replaced, nothing was done until now; {before}")
        }
        (Reconciliation::Applied(_), _) => {
            "the key that acts is dead, so it was, and nobody has the new one: make another on the platform's website".to_owned()
        }
        (Reconciliation::Unknown { reason, dead_by }, _) => {
            let end = dead_by.map(|at| format!("; a token that was made is dead by {at}, unless it is renewed"));
            format!("{reason}; {before}{}", end.unwrap_or_default())
        }
        _ => before,
    }
}

fn before_repeating(
    provider: &dyn TokenProvider,
    operation: Operation,
    subject: Subject<'_>,
) -> String {
    let capabilities = provider.capabilities();
    let effect = capabilities.revoke.as_ref().map(|revoke| revoke.effect);
    match (operation, subject) {
        (Operation::Create, _) if capabilities.list.is_none() => {
            "a token may live whose secret nobody has, and this platform cannot list it: it dies when it expires".to_owned()
        }
        (Operation::Create, Subject::Name(name)) => format!(
            "before repeating look for it with \"list --name {name}\": if it is there nobody has its secret, so revoke it"
        ),
        (Operation::Create, _) => {
            "before repeating look for it with \"list\": if it is there nobody has its secret, so replace it".to_owned()
        }
        (Operation::Rotate, _) => {
            "before repeating check with \"verify\" whether the old secret is alive: if not, nobody has the new one".to_owned()
        }
        (Operation::Renew, _) => {
            "before repeating consider that a renewal may count towards the most that the platform allows".to_owned()
        }
        (Operation::Revoke, _) if effect == Some(RevocationEffect::Replaced) => {
            "before repeating look with \"list\" whether the token has changed: if so nobody has the new secret".to_owned()
        }
        (Operation::Revoke, _) => "revoking once more does no harm, and makes sure".to_owned(),
        _ => "before repeating look at it with \"show\"".to_owned(),
    }
}
