//! `revoke`: revocation by ids, by a secret, or by a reviewed plan.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use tokenfleet::config::{cause_text, is_showable_path, quoted};
use tokenfleet::workflow::RevokeManyOptions;
use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Result, RevocationPlan, RevokeOptions, Secret, TokenId,
    TokenProvider, TokenProviderExt, TokenRef,
};

use super::revocation_report::RevocationReport;
use super::subject::Subject;
use super::write::{Write, WriteError};
use super::{confirm, secret};
use crate::accounts::Accounts;
use crate::arguments::RevokeArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output};
use crate::progress::Progress;
use crate::signal::{grace_period_over, stopped};

/// The maximum size of a plan, in bytes.
const MAX_PLAN_SIZE: u64 = 16 << 20;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: RevokeArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let is_confirmed = arguments.yes;
    let mut consent = RevokeOptions::default();
    consent.accept_replacement = arguments.accept_replacement;
    consent.accept_cascade = arguments.accept_cascade;
    let mut options = RevokeManyOptions::default().with_revoke_options(consent);
    if arguments.or_suspend {
        options = options.with_suspend_fallback();
    }
    if let Some(path) = &arguments.plan {
        let plan = read_plan(path)?;
        let provider = &*accounts.single_or(plan.account().name())?;
        if let Some(max) = arguments.max_concurrency {
            options = options.with_max_concurrency(max);
        }
        let exits = confirm_and_revoke(
            provider,
            plan,
            options,
            is_confirmed,
            requested_format,
            output,
        );
        return Ok(Exit::combine_plan(exits.await?));
    }
    let provider = &*accounts.single()?;
    let secret = secret::read_secret(arguments.secret_env, arguments.secret_file).await?;
    if let Some(secret) = secret {
        let options = options.revoke_options;
        confirm::check(provider, (&secret).into(), &options)?;
        if !is_confirmed {
            confirm::ask(provider, &[]).await?;
        }
        return revoke_by_secret(provider, &secret, options, requested_format, output).await;
    }
    let ids: Vec<_> = arguments.ids.into_iter().map(TokenId::new).collect();
    // Before anything is sent.
    for id in &ids {
        confirm::check(provider, id.into(), &options.revoke_options)?;
    }
    let plan = provider.plan_revocation(ids).await?;
    // Ids on the command line are revoked in their order.
    options = options.with_max_concurrency(arguments.max_concurrency.unwrap_or(1));
    let exits = confirm_and_revoke(
        provider,
        plan,
        options,
        is_confirmed,
        requested_format,
        output,
    );
    Ok(Exit::combine(exits.await?))
}

/// Reads a plan of at most 16 MiB.
fn read_plan(path: &Path) -> Result<RevocationPlan> {
    let name = path.display().to_string();
    // What is no file may be a secret in the wrong place.
    let origin = if is_showable_path(path) || !quoted(&name, &[]).is_empty() {
        name
    } else {
        "the plan".to_owned()
    };
    let text = read_text(path).map_err(|error| {
        let message = format!("cannot read {origin}: {}", cause_text(&error));
        Error::invalid_input(message).with_source(error)
    })?;
    text.parse()
        .map_err(|error: Error| error.with_message_prefix(&origin))
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_PLAN_SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_PLAN_SIZE {
        let message = format!("it is larger than {} MiB", MAX_PLAN_SIZE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let is_utf16 = matches!(error.as_bytes(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        let message = if is_utf16 {
            "it is UTF-16, as some shells write files; save it as UTF-8"
        } else {
            "it is not valid UTF-8"
        };
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

async fn revoke_by_secret(
    provider: &dyn TokenProvider,
    secret: &Secret,
    options: RevokeOptions,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut report = RevocationReport::new(provider, requested_format, output);
    let write = Write {
        provider,
        operation: Operation::Revoke,
        subject: Subject::Unnamed,
    };
    let response = provider.revoke(secret.into(), options);
    match write.await_response(response).await {
        Ok(revocation) => report.revoked(&revocation),
        Err(WriteError::Failed(error)) if error.is_not_found() => report.unknown(&error),
        Err(WriteError::Failed(error) | WriteError::Interrupted(error)) => report.failed(&error),
    }
    report.finish().map(Exit::combine)
}

/// Asks for confirmation and carries out a plan. Returns the exit code of each token.
pub(super) async fn confirm_and_revoke(
    provider: &dyn TokenProvider,
    plan: RevocationPlan,
    options: RevokeManyOptions,
    is_confirmed: bool,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Vec<Exit>, Failure> {
    let tokens: Vec<_> = plan.tokens().cloned().collect();
    for id in &tokens {
        confirm::check(provider, TokenRef::Id(id), &options.revoke_options)?;
    }
    // This rejects a plan for another account or place, before anybody is asked.
    let mut revocations = provider.revoke_many(plan.clone(), options)?;
    if !is_confirmed && !tokens.is_empty() {
        let planned: Vec<_> = plan.planned().collect();
        confirm::ask(provider, &planned).await?;
    }
    let mut pending: HashSet<_> = tokens.iter().collect();
    let mut report = RevocationReport::new(provider, requested_format, output);
    let mut progress = Progress::new();
    let mut not_attempted = None;
    let (stopped, grace_period_over) = (stopped(), grace_period_over());
    tokio::pin!(stopped, grace_period_over);
    loop {
        tokio::select! {
            biased;
            next = revocations.next() => match next {
                Some((id, verdict)) => {
                    pending.remove(&id);
                    report.add(&id, verdict);
                }
                None => break,
            },
            () = &mut stopped, if not_attempted.is_none() => {
                not_attempted = Some(revocations.stop());
            }
            () = &mut grace_period_over, if not_attempted.is_some() => break,
            () = progress.due() => {
                let done = tokens.len() - pending.len();
                progress.show(format!("{done} of {} tokens", tokens.len()));
            }
        }
    }
    drop(progress);
    let not_attempted = not_attempted.unwrap_or_default();
    for id in &not_attempted {
        pending.remove(id);
    }
    for id in tokens.iter().filter(|id| pending.contains(id)) {
        let write = Write {
            provider,
            operation: Operation::Revoke,
            subject: Subject::Id(id),
        };
        report.failed(&write.interrupted());
    }
    if !not_attempted.is_empty() {
        let message = format!("not attempted: {}", confirm::id_list(&not_attempted));
        let error = Error::new(ErrorKind::Other, Fate::NotSent, message);
        report.failed(&error.with_account(provider.account()));
    }
    report.finish()
}
