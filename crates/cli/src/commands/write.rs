//! Writes, and what is to be said when the program is asked to stop in the middle of one.

use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Result, RevocationEffect, TokenId, TokenProvider,
};

use crate::output::of_id;
use crate::signal::asked_to_stop;
use crate::stop::Stop;

/// Why a write has no result.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// It failed.
    Failed(Error),
    /// The program was asked to stop meanwhile. The platform may have carried it out.
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

/// Waits for a write, unless the program is asked to stop before: then nothing is kept of it but a warning.
pub(super) async fn finish<T>(
    provider: &dyn TokenProvider,
    operation: Operation,
    subject: Subject<'_>,
    write: impl Future<Output = Result<T>>,
) -> Result<T, Unfinished> {
    tokio::select! {
        // A result that is there is never thrown away: it may hold a secret.
        biased;
        done = write => done.map_err(|error| Unfinished::Failed(match subject {
            Subject::Id(_) => subject.of(error),
            // What is made is new: its name is what the caller just gave.
            _ => error,
        })),
        Ok(()) = asked_to_stop() => {
            let message = "the program was asked to stop before the answer came";
            let error = Error::new(ErrorKind::Other, Fate::MaybeApplied, message)
                .with_account(provider.account())
                .with_operation(operation)
                .with_advice(before_repeating(provider, operation, subject));
            Err(Unfinished::Stopped(subject.of(error)))
        }
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
