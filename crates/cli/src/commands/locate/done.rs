//! The revocations that `locate` has sent, and what became of the secret.

use std::io;
use std::sync::Arc;

use tokenfleet::{Account, Error, IssuedToken, Operation, Revocation, Token, TokenProvider};

use super::candidate::Answer;
use crate::commands::secret;
use crate::exit::{Exit, Failure};
use crate::journals::Journals;

/// The revocations of a secret, and the accounts that accept it nevertheless.
#[derive(Debug)]
pub(super) struct Revocations {
    /// The revocations that were sent, in the order of the accounts.
    pub(super) done: Vec<Done>,
    /// The accounts that still accept the secret and where nothing was revoked.
    pub(super) living: Vec<Account>,
}

/// A revocation that was sent.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) provider: Arc<dyn TokenProvider>,
    pub(super) result: std::result::Result<Revocation, Error>,
    /// The way of the new secret, if the platform has issued one.
    pub(super) delivery: Delivery,
    /// The account's answer about the secret after the revocation, and the reason.
    pub(super) proof: (Answer, Option<String>),
    /// The living tokens that were created with the secret.
    pub(super) descendants: Vec<Token>,
    /// `true` if the program was asked to stop.
    pub(super) is_stopped: bool,
}

/// The way of a new secret to whoever asked for it.
#[derive(Debug)]
pub(super) enum Delivery {
    /// The report holds it.
    InReport,
    /// It is in this place already.
    Stored(String),
    /// It did not get to its place.
    Lost(Error),
}

impl Revocations {
    /// Returns the errors of the revocations.
    pub(super) fn errors(&self) -> impl Iterator<Item = &Error> {
        self.done
            .iter()
            .filter_map(|done| done.result.as_ref().err())
    }

    /// Returns the exit code: success only if no account accepts the secret, as far as the
    /// platforms can tell.
    pub(super) fn exit(&self) -> Exit {
        let of_living = self.living.iter().map(|_| Exit::Failed);
        Exit::combine(self.done.iter().map(Done::exit).chain(of_living))
    }

    /// Returns the failure of a new secret that did not get to its place.
    pub(super) fn lost_secret(&self) -> Option<Failure> {
        let lost = self.done.iter().find_map(|done| match &done.delivery {
            Delivery::Lost(error) => Some(error.clone()),
            _ => None,
        });
        lost.map(Failure::from)
    }

    /// Returns the new secrets that are in the report.
    fn in_report(&self) -> impl Iterator<Item = (&dyn TokenProvider, &IssuedToken)> {
        self.done.iter().filter_map(|done| match &done.delivery {
            Delivery::InReport => Some((&*done.provider, done.replacement()?)),
            _ => None,
        })
    }

    /// Records that the new secrets in the report, which is written, are delivered.
    pub(super) async fn written(&self, journals: &Journals) {
        for (provider, issued) in self.in_report() {
            journals
                .delivered(provider.account(), &issued.token.id)
                .await;
        }
    }

    /// Returns the failure of writing the report. A new secret that was in it is lost.
    pub(super) async fn unwritten(&self, error: io::Error, journals: &Journals) -> Failure {
        match self.in_report().next() {
            Some((provider, issued)) => {
                let operation = Operation::Revoke;
                secret::undelivered_secret(error.into(), journals, provider, operation, issued)
                    .await
                    .into()
            }
            None => {
                let exit = self.exit();
                Failure::OutputAfter { exit, error }
            }
        }
    }
}

impl Done {
    /// Returns the new token that the platform has issued in the place of the old one.
    pub(super) fn replacement(&self) -> Option<&IssuedToken> {
        self.result.as_ref().ok()?.replacement.as_ref()
    }

    /// Returns `true` if the platform does not know what was to be revoked.
    pub(super) fn is_elsewhere(&self) -> bool {
        (self.result.as_ref().err()).is_some_and(Error::is_not_found)
    }

    /// Returns the exit code: success only if the secret is dead as far as the platform can tell.
    fn exit(&self) -> Exit {
        let can_prove = self.provider.capabilities().verify;
        match (&self.result, self.proof.0) {
            (Err(error), _) if error.is_not_found() => Exit::OutcomeUnknown,
            (Err(error), _) => Exit::from_error(error),
            (Ok(_), Answer::Dead) => Exit::Success,
            (Ok(_), Answer::Alive) => Exit::Failed,
            (Ok(_), _) if can_prove => Exit::OutcomeUnknown,
            (Ok(_), _) => Exit::Success,
        }
    }
}
