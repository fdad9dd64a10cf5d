//! The tokens and secrets that `locate --revoke` revokes.

use std::sync::Arc;

use tokenfleet::{
    Account, IssuedToken, Operation, RevokeOptions, Secret, Token, TokenProvider, TokenRef,
};

use super::candidate::{Answer, Candidate};
use super::done::{Delivery, Done};
use super::proof::{descendants, prove};
use crate::commands::secret;
use crate::commands::subject::Subject;
use crate::commands::write::{Write, WriteError};
use crate::journals::Journals;
use crate::secret_destination::SecretDestination;
use crate::signal::StopRequest;

/// A secret that is to be revoked in an account, by the id of its token or by itself.
pub(super) struct Target<'a> {
    pub(super) account: &'a Account,
    pub(super) provider: &'a Arc<dyn TokenProvider>,
    pub(super) token: Option<&'a Token>,
}

/// Returns what is to be revoked: in each account that accepts the secret, its token, or the secret
/// where the platform takes that. Such a platform kills that one and no other, whoever's it is.
pub(super) fn targets(candidates: &[Candidate]) -> Vec<Target<'_>> {
    let accepting = candidates.iter().filter(|one| one.answer == Answer::Alive);
    // Where one account knows the token, another one with the same tokens has nothing to add.
    let (found, rest): (Vec<_>, Vec<_>) = accepting.partition(|one| one.token.is_some());
    let mut targets = Vec::<Target<'_>>::new();
    let taking = rest.into_iter().filter(|one| takes_secret(one));
    for candidate in found.into_iter().chain(taking) {
        let is_known = (targets.iter()).any(|other| candidate.has_tokens_of(other.account));
        if !is_known && let Some(provider) = &candidate.provider {
            targets.push(Target {
                account: &candidate.account,
                provider,
                token: candidate.token.as_ref(),
            });
        }
    }
    targets
}

/// Returns the accounts of which nobody can tell whether the secret is alive, and which can be told
/// to revoke it.
pub(super) fn unproven(candidates: &[Candidate]) -> impl Iterator<Item = &Candidate> {
    let unknown = candidates
        .iter()
        .filter(|one| one.answer == Answer::Unknown);
    unknown.filter(|one| takes_secret(one))
}

fn takes_secret(candidate: &Candidate) -> bool {
    let capabilities = (candidate.provider.as_ref()).map(|provider| provider.capabilities());
    let revoke = capabilities.and_then(|capabilities| capabilities.revoke.as_ref());
    revoke.is_some_and(|revoke| revoke.by_secret)
}

impl<'a> Target<'a> {
    /// Returns what the platform is told to revoke.
    pub(super) fn subject<'b>(&self, secret: &'b Secret) -> TokenRef<'b>
    where
        'a: 'b,
    {
        let revoke = self.provider.capabilities().revoke.as_ref();
        match self.token {
            Some(token) if revoke.is_none_or(|revoke| revoke.by_id) => TokenRef::Id(&token.id),
            _ => secret.into(),
        }
    }

    /// Sends the revocation of a token, or of the secret itself, and asks whether it is dead.
    pub(super) async fn carry_out(
        &self,
        secret: &Secret,
        consent: RevokeOptions,
        destination: &mut Option<SecretDestination>,
        journals: &Journals,
    ) -> Done {
        let provider = &**self.provider;
        let subject = self.subject(secret);
        let write = Write {
            provider,
            operation: Operation::Revoke,
            subject: Subject::from(subject),
        };
        let mut stop = StopRequest::listen().await;
        let response = write
            .await_response(provider.revoke(subject, consent))
            .await;
        let result = response.map_err(|error| match error {
            WriteError::Failed(error) | WriteError::Interrupted(error) => error,
        });
        let mut done = Done {
            provider: Arc::clone(self.provider),
            result,
            delivery: Delivery::InReport,
            proof: (Answer::NotAsked, None),
            descendants: Vec::new(),
            is_stopped: stop.is_made().await,
        };
        if let Some(issued) = done.replacement() {
            done.delivery = deliver(provider, issued, destination, journals).await;
        }
        // The result may hold a new secret, which is printed at once if the program is to stop.
        if !done.is_stopped {
            tokio::select! {
                biased;
                () = stop.made() => done.is_stopped = true,
                () = async {
                    done.proof = prove(provider, secret).await;
                    if let Some(token) = self.token.filter(|_| matches!(subject, TokenRef::Id(_))) {
                        done.descendants = descendants(provider, token).await;
                    }
                } => {}
            }
        }
        if done.is_stopped {
            let reason = "the program was asked to stop";
            done.proof = (Answer::Unknown, Some(reason.to_owned()));
        }
        done
    }
}

/// Takes a new secret to its place at once, unless it goes into the report.
async fn deliver(
    provider: &dyn TokenProvider,
    issued: &IssuedToken,
    destination: &mut Option<SecretDestination>,
    journals: &Journals,
) -> Delivery {
    match destination.take() {
        Some(SecretDestination::File { place, target }) => match target.deliver(&issued.secret) {
            Ok(()) => {
                journals
                    .delivered(provider.account(), &issued.token.id)
                    .await;
                Delivery::Stored(place.to_string())
            }
            Err(undelivered) => {
                let operation = Operation::Revoke;
                let lost =
                    secret::undelivered_secret(undelivered, journals, provider, operation, issued);
                Delivery::Lost(lost.await)
            }
        },
        to_report => {
            *destination = to_report;
            Delivery::InReport
        }
    }
}
