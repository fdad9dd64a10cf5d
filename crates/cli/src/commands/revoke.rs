//! `revoke`: dead tokens.

use std::collections::HashSet;
use std::path::Path;

use tokenfleet::workflow::RevokeManyOptions;
use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Result, RevocationPlan, RevokeOptions, Secret, TokenId,
    TokenProvider, TokenProviderExt, TokenRef,
};

use super::verdicts::Verdicts;
use super::write::{Subject, Unfinished, finish, interrupted};
use super::{consent, secret};
use crate::accounts::Accounts;
use crate::arguments::RevokeArguments;
use crate::output::{Format, Output};
use crate::progress::Progress;
use crate::signal::{out_of_patience, stopped};
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: RevokeArguments,
    asked_for: Option<Format>,
    output: &mut Output,
) -> Result<Code, Stop> {
    let mut options = RevokeManyOptions::default();
    if arguments.accept_replacement {
        options = options.with_revoke_options(RevokeOptions::accept_replacement());
    }
    if arguments.or_suspend {
        options = options.with_suspend_fallback();
    }
    if let Some(path) = &arguments.plan {
        let plan = read(path)?;
        let provider = accounts.one_or(plan.account().name())?;
        if let Some(tokens) = arguments.at_a_time {
            options = options.with_max_concurrency(tokens);
        }
        let codes = agree_and_revoke(&*provider, plan, options, arguments.yes, asked_for, output);
        return Ok(Code::of_plan(codes.await?));
    }
    let provider = accounts.one()?;
    let given = secret::referred_to(arguments.secret_env, arguments.secret_file).await?;
    if let Some(given) = given {
        let provider = &*provider;
        consent::check(provider, (&given).into(), &options.revoke_options)?;
        if !arguments.yes {
            consent::agreed(provider, &[])?;
        }
        return by_secret(provider, &given, options.revoke_options, asked_for, output).await;
    }
    let ids = arguments.ids.into_iter().map(TokenId::new);
    let plan = RevocationPlan::from_ids(provider.account(), ids);
    // Ids that somebody wrote down are revoked in that order.
    options = options.with_max_concurrency(arguments.at_a_time.unwrap_or(1));
    let codes = agree_and_revoke(&*provider, plan, options, arguments.yes, asked_for, output);
    Ok(Code::of_all(codes.await?))
}

/// A plan that somebody has reviewed.
fn read(path: &Path) -> Result<RevocationPlan> {
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::invalid_input(format!("{origin} cannot be read ({error})")).with_source(error)
    })?;
    text.parse()
        .map_err(|error: Error| error.with_message_prefix(&origin))
}

async fn by_secret(
    provider: &dyn TokenProvider,
    secret: &Secret,
    options: RevokeOptions,
    asked_for: Option<Format>,
    output: &mut Output,
) -> Result<Code, Stop> {
    let mut verdicts = Verdicts::new(provider, asked_for, output);
    let revoking = provider.revoke(secret.into(), options);
    match finish(provider, Operation::Revoke, Subject::Unnamed, revoking).await {
        Ok(revocation) => verdicts.dead(&revocation),
        Err(Unfinished::Failed(error) | Unfinished::Stopped(error)) => verdicts.failed(&error),
    }
    verdicts.finish().map(Code::of_all)
}

/// Revokes what a plan names, once somebody agrees: the code of each token.
pub(super) async fn agree_and_revoke(
    provider: &dyn TokenProvider,
    plan: RevocationPlan,
    options: RevokeManyOptions,
    agreed: bool,
    asked_for: Option<Format>,
    output: &mut Output,
) -> Result<Vec<Code>, Stop> {
    let tokens: Vec<_> = plan.tokens().cloned().collect();
    for id in &tokens {
        consent::check(provider, TokenRef::Id(id), &options.revoke_options)?;
    }
    // Refused before anybody is asked, if it belongs to another account.
    let mut revoking = provider.revoke_many(plan, options)?;
    if !agreed && !tokens.is_empty() {
        consent::agreed(provider, &tokens)?;
    }
    let mut open: HashSet<_> = tokens.iter().collect();
    let mut verdicts = Verdicts::new(provider, asked_for, output);
    let mut progress = Progress::begin();
    let mut untried = None;
    let (stopped, out_of_patience) = (stopped(), out_of_patience());
    tokio::pin!(stopped, out_of_patience);
    loop {
        tokio::select! {
            biased;
            next = revoking.next() => match next {
                Some((id, verdict)) => {
                    open.remove(&id);
                    verdicts.add(&id, verdict);
                }
                None => break,
            },
            () = &mut stopped, if untried.is_none() => untried = Some(revoking.stop()),
            () = &mut out_of_patience, if untried.is_some() => break,
            () = progress.due() => {
                let done = tokens.len() - open.len();
                progress.show(format!("{done} of {} tokens", tokens.len()));
            }
        }
    }
    drop(progress);
    let untried = untried.unwrap_or_default();
    untried.iter().for_each(|id| {
        open.remove(id);
    });
    for id in tokens.iter().filter(|id| open.contains(id)) {
        verdicts.failed(&interrupted(provider, Operation::Revoke, Subject::Id(id)));
    }
    if !untried.is_empty() {
        let message = format!("not tried: {}", consent::list(&untried));
        let error = Error::new(ErrorKind::Other, Fate::NotSent, message);
        verdicts.failed(&error.with_account(provider.account()));
    }
    verdicts.finish()
}
