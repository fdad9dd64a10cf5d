//! The revocation of a located secret, wherever it is accepted.

use tokenfleet::workflow::RevokeManyOptions;
use tokenfleet::{
    Error, Operation, Result, RevocationEffect, RevocationPlan, RevokeOptions, Secret,
};

use super::candidate::{Answer, Candidate};
use super::done::{Done, Revocations};
use super::proof::{living, prove};
use super::target::{Target, targets, unproven};
use crate::commands::{confirm, question};
use crate::exit::Failure;
use crate::journals::Journals;
use crate::secret_destination::SecretDestination;

/// Revokes the secret in every account that accepts it, by whatever way the platform has. Returns
/// `None` if nobody knows which token to revoke.
///
/// Nothing is sent unless every one of them can revoke it.
pub(super) async fn revoke(
    candidates: &[Candidate],
    secret: &Secret,
    consent: RevokeOptions,
    is_confirmed: bool,
    (mut destination, journals): (Option<SecretDestination>, &Journals),
) -> Result<Option<Revocations>, Failure> {
    let targets = targets(candidates);
    for target in &targets {
        confirm::check(&**target.provider, target.subject(secret), &consent)?;
    }
    check_place(&targets, destination.as_ref())?;
    if !is_confirmed && !targets.is_empty() {
        show_own_credentials(candidates);
        confirm_targets(&targets, consent).await?;
    }
    let mut done = Vec::<Done>::new();
    for target in &targets {
        // The platform of the first one may be this one under another address.
        let is_dead = !done.is_empty() && prove(&**target.provider, secret).await.0 == Answer::Dead;
        if is_dead {
            continue;
        }
        let one = target
            .carry_out(secret, consent, &mut destination, journals)
            .await;
        let is_stopped = one.is_stopped;
        done.push(one);
        if is_stopped {
            break;
        }
    }
    // After a request to stop, the secret is sent to nobody else.
    let is_stopped = done.iter().any(|one| one.is_stopped);
    if !is_stopped && done.iter().all(Done::is_elsewhere) {
        let to = (destination, journals);
        done.extend(revoke_unproven(candidates, secret, consent, is_confirmed, to).await?);
    }
    if done.is_empty() {
        return Ok(None);
    }
    let living = living(candidates, &done, secret).await;
    Ok(Some(Revocations { done, living }))
}

/// Rejects a file for several new secrets: it takes one.
fn check_place(targets: &[Target<'_>], destination: Option<&SecretDestination>) -> Result<()> {
    let replaces = |target: &&Target<'_>| {
        let revoke = target.provider.capabilities().revoke.as_ref();
        revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced)
    };
    let is_file = matches!(destination, Some(SecretDestination::File { .. }));
    match targets.iter().filter(replaces).nth(1) {
        Some(second) if is_file => {
            let error = Error::invalid_input("a file takes only one new secret");
            Err(error
                .with_account(second.account)
                .with_operation(Operation::Revoke)
                .with_advice("revoke it in one account after the other, with --account"))
        }
        _ => Ok(()),
    }
}

/// Says above a question which accounts stop working.
fn show_own_credentials(candidates: &[Candidate]) {
    let own = candidates.iter().filter(|one| one.is_own_credential);
    question::show(own.map(|candidate| {
        format!(
            "{} authenticates with this token, and stops working without it.",
            candidate.account
        )
    }));
}

/// Asks once for confirmation to revoke all tokens that are known, and for each platform that
/// takes the secret.
async fn confirm_targets(targets: &[Target<'_>], consent: RevokeOptions) -> Result<()> {
    let plans = targets.iter().filter_map(|target| {
        let plan = RevocationPlan::from_tokens(target.account, [target.token?]);
        Some((&**target.provider, plan))
    });
    let plans: Vec<_> = plans.collect();
    if !plans.is_empty() {
        let options = RevokeManyOptions::default().with_revoke_options(consent);
        confirm::ask(&plans, options).await?;
    }
    for target in targets.iter().filter(|target| target.token.is_none()) {
        confirm::ask_about_secret(&**target.provider)?;
    }
    Ok(())
}

/// Revokes the secret where nobody can tell whether it is alive, until one platform knows it.
async fn revoke_unproven(
    candidates: &[Candidate],
    secret: &Secret,
    consent: RevokeOptions,
    is_confirmed: bool,
    (mut destination, journals): (Option<SecretDestination>, &Journals),
) -> Result<Option<Done>, Failure> {
    let mut last = None;
    for candidate in unproven(candidates) {
        let Some(provider) = &candidate.provider else {
            continue;
        };
        confirm::check(&**provider, secret.into(), &consent)?;
        if !is_confirmed {
            show_own_credentials(std::slice::from_ref(candidate));
            confirm::ask_about_secret(&**provider)?;
        }
        let target = Target {
            account: &candidate.account,
            provider,
            token: None,
        };
        let done = target
            .carry_out(secret, consent, &mut destination, journals)
            .await;
        let is_over = done.is_stopped || !done.is_elsewhere();
        last = Some(done);
        if is_over {
            break;
        }
    }
    Ok(last)
}
