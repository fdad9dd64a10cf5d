//! The search: which accounts are asked, in which order, and what they answer.

use tokenfleet::capability::TokenField;
use tokenfleet::{Error, Liveness, Secret, SecretShape, TokenProvider, Verdict, foreman};

use super::candidate::{Answer, Candidate};
use super::movement::{self, ActingCredential, Movement};
use crate::accounts::Accounts;
use crate::progress::with_progress;

/// The addition to a refusal by a platform that locks out those whose logins fail.
const FAILED_LOGIN: &str = "this counts as one failed login there";

/// A text that no platform issues as a secret, and that only one without any form calls possible.
const NOBODYS: &str = " ";

/// Asks the selected accounts about a secret, one after another: first those that are configured
/// with it or whose platform recognizes it, and last those where anything may be a secret. Returns
/// them in their own order.
pub(super) async fn search(accounts: &Accounts, secret: &Secret, try_all: bool) -> Vec<Candidate> {
    let opened = accounts.each().zip(accounts.open_each());
    let mut candidates: Vec<_> = opened
        .map(|(account, opened)| {
            let mut candidate = Candidate::new(account);
            match opened {
                Ok(provider) => {
                    candidate.account = provider.account().clone();
                    candidate.shape = Some(provider.secret_shape(secret));
                    let nobodys = Secret::new(NOBODYS);
                    candidate.may_be_anything =
                        provider.secret_shape(&nobodys) != SecretShape::Impossible;
                    candidate.provider = Some(provider);
                }
                Err(error) => candidate.answers(Answer::Failed, reason(error)),
            }
            candidate
        })
        .collect();
    for candidate in &mut candidates {
        let own = accounts.readable_secrets_of(&candidate.account).await;
        candidate.is_own_credential = own.iter().any(|own| own.is_same(secret));
    }
    let mut order: Vec<_> = (0..candidates.len()).collect();
    order.sort_by_key(|index| candidates[*index].unlikeliness());
    for index in order {
        let skipped = reason_to_skip(&candidates, index).filter(|_| !try_all);
        let waits = !try_all && waits_for_name(accounts, &candidates[index]);
        if let Some(reason) = skipped {
            candidates[index].answers(Answer::NotAsked, reason);
        } else if waits {
            candidates[index].waits_for_name = true;
            let reason = "anything may be its secret, so this one may be somebody else's";
            candidates[index].answers(Answer::NotAsked, reason.to_owned());
        } else if candidates[index].provider.is_some() {
            let known = known_answer(&candidates, index);
            ask(accounts, secret, known, &mut candidates[index]).await;
        }
    }
    candidates
}

/// Returns the reason why an account is not asked: its tokens look different, or it is known
/// already where the secret belongs.
fn reason_to_skip(candidates: &[Candidate], index: usize) -> Option<String> {
    let candidate = &candidates[index];
    candidate.provider.as_ref()?;
    let accepting = candidates.iter().find(|other| {
        other.answer == Answer::Alive
            && (other.token.is_some()
                || belongs_to_one_login(other)
                || other.unlikeliness() < candidate.unlikeliness())
    });
    if candidate.shape == Some(SecretShape::Impossible) && !candidate.is_own_credential {
        let provider = candidate.account.provider();
        return Some(format!("no token of {provider} looks like this"));
    }
    accepting.map(|other| format!("{} accepts it", other.account))
}

/// Returns `true` if the secret is sent to an account only once somebody names it: its platform
/// knows no form by which the secret could be one of its own.
fn waits_for_name(accounts: &Accounts, candidate: &Candidate) -> bool {
    candidate.provider.is_some()
        && candidate.may_be_anything
        && !candidate.is_recognized()
        && !candidate.is_own_credential
        && !accounts.is_named(&candidate.account)
}

/// Returns `true` for the platform that counts failed logins. There a token belongs to one login,
/// and asking for any other one counts as a failure.
fn belongs_to_one_login(candidate: &Candidate) -> bool {
    candidate.account.provider() == foreman::NAME
}

/// Returns what another account with the same tokens was told, so that the platform is not asked
/// twice.
fn known_answer(candidates: &[Candidate], index: usize) -> Option<(Answer, Option<String>)> {
    let candidate = &candidates[index];
    let told = candidates[..].iter().enumerate().find(|(other, told)| {
        let is_same_place = *other != index && candidate.has_tokens_of(&told.account);
        // Another credential of ours may be able to tell, unless asking again does harm.
        let is_final = matches!(told.answer, Answer::Alive | Answer::Dead)
            || (told.answer == Answer::Unknown && belongs_to_one_login(told));
        is_same_place && is_final
    });
    told.map(|(_, told)| {
        let reason = (told.answer != Answer::Alive)
            .then(|| format!("{} has the same tokens and was asked", told.account));
        (told.answer, reason)
    })
}

/// Asks an account whether it accepts the secret, and whose token it is.
async fn ask(
    accounts: &Accounts,
    secret: &Secret,
    known: Option<(Answer, Option<String>)>,
    candidate: &mut Candidate,
) {
    let Some(provider) = candidate.provider.clone() else {
        return;
    };
    let own = accounts.secrets_of(&candidate.account).await;
    candidate.is_own_credential = own.iter().any(|own| own.is_same(secret));
    if !provider.capabilities().verify {
        let reason = "the platform cannot say whether a secret is alive";
        candidate.answers(Answer::Unknown, reason.to_owned());
        return;
    }
    let (answer, reason) = match known {
        Some(known) => known,
        None => verify(&*provider, secret).await,
    };
    candidate.answers(answer, reason);
    if answer == Answer::Alive && candidate.is_own_password() {
        candidate.reason =
            Some("the account is configured with it: no token, but a password".into());
    } else if answer == Answer::Alive {
        let is_token = |own: &Secret| provider.secret_shape(own) != SecretShape::Impossible;
        let acting = match own.iter().filter(|own| is_token(own)).count() {
            _ if candidate.is_own_credential => ActingCredential::SameSecret,
            0 => ActingCredential::Password,
            _ => ActingCredential::Token,
        };
        find_token(&*provider, secret, acting, candidate).await;
        if candidate.is_own_credential && candidate.reason.is_none() {
            candidate.reason = Some("the account is configured with this very secret".into());
        }
    }
}

async fn verify(provider: &dyn TokenProvider, secret: &Secret) -> (Answer, Option<String>) {
    let asking = || format!("asking {}", provider.account());
    let counts = provider.account().provider() == foreman::NAME;
    match with_progress(asking, provider.verify(secret)).await {
        Ok(Liveness::Alive) => (Answer::Alive, None),
        Ok(Liveness::Dead) => (Answer::Dead, counts.then(|| FAILED_LOGIN.to_owned())),
        Ok(Liveness::Unknown { reason }) if counts => {
            (Answer::Unknown, Some(format!("{reason}; {FAILED_LOGIN}")))
        }
        Ok(Liveness::Unknown { reason }) => (Answer::Unknown, Some(reason)),
        Ok(other) => (Answer::Unknown, Some(format!("{other:?}"))),
        Err(error) => (Answer::Failed, reason(error)),
    }
}

/// Finds out which token has a secret that the account accepts.
async fn find_token(
    provider: &dyn TokenProvider,
    secret: &Secret,
    acting: ActingCredential,
    candidate: &mut Candidate,
) {
    let looking = || format!("looking for its token in {}", provider.account());
    match with_progress(looking, provider.token_of(secret)).await {
        Ok(Some(token)) => return candidate.token = Some(token),
        Ok(None) => {}
        Err(error) => return candidate.reason = reason(error),
    }
    let capabilities = provider.capabilities();
    let shows_use = capabilities.reported_fields.contains(&TokenField::LastUsed);
    if capabilities.list.is_none() || !shows_use {
        candidate.reason = Some(
            "the platform accepts it, and shows no token of this account that has it: it may be \
             another owner's, or no token but a session"
                .to_owned(),
        );
        return;
    }
    match with_progress(looking, movement::watch(provider, secret, acting)).await {
        Ok(Movement::Of(token)) => candidate.token = Some(*token),
        Ok(Movement::Unclear { reason, suspects }) => {
            candidate.reason = Some(reason);
            candidate.suspects = suspects;
        }
        Err(error) => candidate.reason = reason(error),
    }
}

/// Returns the reason of an error without the account, which is named beside it.
fn reason(error: Error) -> Option<String> {
    Verdict::Failed(error).reason()
}
