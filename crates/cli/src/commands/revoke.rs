//! `revoke`: revocation by ids, by a secret, or by a reviewed plan.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use tokenfleet::config::{cause_text, is_showable_path, quoted};
use tokenfleet::workflow::{RevocationVerdict, RevokeManyOptions};
use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Result, RevocationEffect, RevocationPlan, RevokeOptions,
    Secret, Token, TokenId, TokenProvider, TokenProviderExt, TokenRef, TokenState,
};

use super::revocation_report::RevocationReport;
use super::revocations::{Handed, Known, check_for_workers, ledger_for_workers};
use super::subject::Subject;
use super::write::{Write, WriteError};
use super::{confirm, resumed_plan, revocations, secret, shared_tokens};
use crate::accounts::Accounts;
use crate::arguments::{Place, PlaceArguments, RevokeArguments};
use crate::exit::{Exit, Failure};
use crate::numbers::grouped;
use crate::output::{Format, Output, print_note, print_warning};
use crate::progress::Progress;
use crate::rotations::{warnings_about_holders, warnings_about_secret};
use crate::secret_destination::SecretDestination;
use crate::signal::{grace_period_over, stopped};

/// The maximum size of a plan, in bytes.
const MAX_PLAN_SIZE: u64 = 16 << 20;

pub(crate) async fn run(
    opened: &Accounts,
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
    if arguments.suspend {
        options = options.with_suspension_instead();
    }
    if let Some(path) = &arguments.plan {
        let mut plans = read_plans(path)?;
        let operation_id = resumed_plan::operation_id(&plans)?;
        let shared = shared_tokens::leave_to_first(&mut plans);
        if !shared.is_empty() {
            shared.iter().for_each(|text| print_note(text));
            plans.retain(|plan| plan.tokens().next().is_some());
        }
        options.revoke_options = options.revoke_options.with_operation_id(operation_id);
        let accounts = plans.iter().map(RevocationPlan::account);
        let providers: Vec<_> = accounts
            .map(|account| opened.open_planned(account))
            .collect::<Result<_>>()?;
        let plans: Vec<_> = (providers.iter())
            .map(|provider| &**provider)
            .zip(plans)
            .collect();
        for (provider, plan) in &plans {
            check_platform(*provider, plan)?;
        }
        if let Some(max) = arguments.max_concurrency {
            options = options.with_max_concurrency(max);
        }
        if arguments.by_workers {
            let handed = Handed {
                operation: operation_id,
                plans,
                options,
                canary: arguments.canary,
            };
            let is_watched = !arguments.no_wait;
            let choices = (is_confirmed, is_watched);
            return hand_to_workers(opened, handed, choices, requested_format, output).await;
        }
        revocations::check_not_at_work(opened.ledger().await?, operation_id).await?;
        let exits = confirm_and_revoke(
            opened,
            plans,
            options,
            is_confirmed,
            &arguments.place,
            requested_format,
            output,
        );
        return Ok(Exit::combine_plan(exits.await?));
    }
    let provider = &*opened.single()?;
    let secret = secret::read_secret(arguments.secret_env, arguments.secret_file).await?;
    if let Some(secret) = secret {
        let options = options.revoke_options;
        confirm::check(provider, (&secret).into(), &options)?;
        let destination = replacement_destination(&[(provider, 1)], &arguments.place)?;
        for warning in warnings_about_secret(opened, provider, &secret).await {
            print_warning(&warning);
        }
        if !is_confirmed {
            confirm::ask_about_secret(provider)?;
        }
        let report = RevocationReport::new(
            &[provider],
            opened.journals(),
            requested_format,
            output,
            destination,
        );
        return revoke_by_secret(provider, &secret, options, report).await;
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
        opened,
        vec![(provider, plan)],
        options,
        is_confirmed,
        &arguments.place,
        requested_format,
        output,
    );
    Ok(Exit::combine(exits.await?))
}

/// Prepares the place of the secrets that take the place of revoked ones: those of this many tokens
/// of each account. Returns `None` where no platform issues any.
pub(super) fn replacement_destination(
    plans: &[(&dyn TokenProvider, usize)],
    place: &PlaceArguments,
) -> Result<Option<SecretDestination>> {
    let replaces = |provider: &dyn TokenProvider| {
        let revoke = provider.capabilities().revoke.as_ref();
        revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced)
    };
    let mut replacing = plans.iter().filter(|(provider, _)| replaces(*provider));
    let (first, refused) = match (replacing.next(), &place.to) {
        (None, None) => return Ok(None),
        (None, Some(_)) => (plans.first(), Some(NO_REPLACEMENT)),
        (first, to) => {
            let to_file = matches!(to, Some(Place::File(_) | Place::EnvFile(..)));
            let rest: usize = replacing.map(|(_, tokens)| tokens).sum();
            let tokens = rest + first.map_or(0, |(_, tokens)| *tokens);
            (first, Some(ONE_FILE).filter(|_| to_file && tokens > 1))
        }
    };
    match (first, refused) {
        (Some((provider, _)), Some((message, advice))) => {
            let error = Error::invalid_input(message).with_advice(advice);
            Err(error
                .with_account(provider.account())
                .with_operation(Operation::Revoke))
        }
        _ => SecretDestination::prepare_place(place, false).map(Some),
    }
}

const NO_REPLACEMENT: (&str, &str) = ("a revocation issues no new secret here", "leave out --to");

const ONE_FILE: (&str, &str) = (
    "a file takes only one new secret",
    "revoke the tokens one by one",
);

/// Reads the plans of one or more accounts from a file of at most 16 MiB.
fn read_plans(path: &Path) -> Result<Vec<RevocationPlan>> {
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
    RevocationPlan::parse_all(&text).map_err(|error| error.with_message_prefix(&origin))
}

/// Rejects a plan that was reviewed for a token of another platform, whatever else it may need.
fn check_platform(provider: &dyn TokenProvider, plan: &RevocationPlan) -> Result<()> {
    let (planned, actual) = (plan.account(), provider.account());
    if planned.provider() == actual.provider() {
        return Ok(());
    }
    let message = format!(
        "the plan belongs to another account: its line `account PROVIDER NAME` says {:?} of {:?}, \
         and in the configuration that is an account of {}",
        planned.name(),
        planned.provider(),
        actual.provider()
    );
    Err(Error::invalid_input(message)
        .with_account(actual)
        .with_operation(Operation::Revoke)
        .with_advice("create a plan of the account, and review that"))
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
    mut report: RevocationReport<'_>,
) -> Result<Exit, Failure> {
    let write = Write {
        provider,
        operation: Operation::Revoke,
        subject: Subject::Unnamed,
    };
    let response = provider.revoke(secret.into(), options);
    match write.await_response(response).await {
        Ok(revocation) => report.revoked(&revocation).await,
        Err(WriteError::Failed(error)) if error.is_not_found() => report.unknown(&error).await,
        Err(WriteError::Failed(error) | WriteError::Interrupted(error)) => report.failed(&error),
    }
    report.finish().map(Exit::combine)
}

/// Asks for confirmation once and hands the plan of each account to the workers that share the
/// ledger.
async fn hand_to_workers(
    accounts: &Accounts,
    handed: Handed<'_>,
    (is_confirmed, is_watched): (bool, bool),
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ledger = ledger_for_workers(accounts).await?;
    for (provider, plan) in &handed.plans {
        check_for_workers(*provider)?;
        check_tokens(*provider, plan, handed.options)?;
        // This rejects a plan for another account or place.
        drop(provider.revoke_many(plan.clone(), handed.options)?);
    }
    warn_about_holders(accounts, &handed.plans).await;
    if !is_confirmed {
        confirm::ask(&handed.plans, handed.options).await?;
    }
    let plan = revocations::open(accounts, &*ledger, &handed).await?;
    let id = plan.task.id;
    print_note(&format!(
        "the workers revoke {} tokens in {} accounts, as the operation {id}",
        grouped(plan.record.tokens() as u64),
        grouped(plan.record.accounts.len() as u64),
    ));
    if !is_watched {
        return Ok(Exit::Success);
    }
    revocations::watch(accounts, &*ledger, id, requested_format, output).await
}

/// Rejects a token that cannot be revoked with these options, before anybody is asked.
fn check_tokens(
    provider: &dyn TokenProvider,
    plan: &RevocationPlan,
    options: RevokeManyOptions,
) -> Result<()> {
    for id in plan.tokens().filter(|_| !options.suspend_instead) {
        confirm::check(provider, TokenRef::Id(id), &options.revoke_options)?;
    }
    Ok(())
}

async fn warn_about_holders(accounts: &Accounts, plans: &[(&dyn TokenProvider, RevocationPlan)]) {
    for (provider, plan) in plans {
        let tokens: Vec<_> = (plan.planned())
            .map(|planned| {
                let mut token = Token::new(planned.id.clone(), TokenState::Active);
                token.name.clone_from(&planned.name);
                token
            })
            .collect();
        for warning in warnings_about_holders(accounts, *provider, &tokens).await {
            print_warning(&warning);
        }
    }
}

/// Returns `true` for a token that is dead, and that no other one with its id has replaced.
fn is_dead_for_good(verdict: &RevocationVerdict) -> bool {
    match verdict {
        RevocationVerdict::Revoked(revocation) | RevocationVerdict::AlreadyGone(revocation) => {
            revocation.effect != RevocationEffect::Replaced
        }
        _ => false,
    }
}

/// Asks for confirmation once and carries out the plan of each account, one after the other.
/// Returns the exit code of each token.
///
/// Nothing is sent unless every account can carry out its plan. What an earlier run of the same
/// operation has confirmed is not revoked again while the platform shows that it is dead.
pub(super) async fn confirm_and_revoke(
    accounts: &Accounts,
    mut plans: Vec<(&dyn TokenProvider, RevocationPlan)>,
    options: RevokeManyOptions,
    is_confirmed: bool,
    place: &PlaceArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Vec<Exit>, Failure> {
    let mut executions = Vec::with_capacity(plans.len());
    let known = match options.revoke_options.operation_id {
        Some(operation) if !options.suspend_instead => {
            Known::read(accounts.ledger().await?, operation).await?
        }
        _ => Known::default(),
    };
    for (provider, plan) in &mut plans {
        let provider = *provider;
        for planned in plan.planned() {
            accounts.remember_name(provider.account(), &planned.id, &planned.name);
        }
        check_tokens(provider, plan, options)?;
        let done = known.confirmed(provider, plan).await;
        let dead: HashSet<_> = done.iter().filter_map(|known| known.id.clone()).collect();
        *plan = plan.clone().retaining(|id| !dead.contains(id));
        let tokens: Vec<_> = plan.tokens().cloned().collect();
        // This rejects a plan for another account or place, before anybody is asked.
        let revocations = provider.revoke_many(plan.clone(), options)?;
        executions.push((provider, tokens, done, revocations));
    }
    let count: usize = executions.iter().map(|(_, tokens, ..)| tokens.len()).sum();
    let counts = executions
        .iter()
        .map(|(provider, tokens, ..)| (*provider, tokens.len()));
    let destination = replacement_destination(&counts.collect::<Vec<_>>(), place)?;
    warn_about_holders(accounts, &plans).await;
    if !is_confirmed && count > 0 {
        confirm::ask(&plans, options).await?;
    }
    let operation = if options.suspend_instead {
        Operation::Update
    } else {
        Operation::Revoke
    };
    let providers: Vec<_> = plans.iter().map(|(provider, _)| *provider).collect();
    let mut report = RevocationReport::new(
        &providers,
        accounts.journals(),
        requested_format,
        output,
        destination,
    );
    let mut progress = Progress::new();
    let mut done = 0;
    let mut dead = Vec::new();
    let (mut is_stopped, mut is_over) = (false, false);
    let (stopped, grace_period_over) = (stopped(), grace_period_over());
    tokio::pin!(stopped, grace_period_over);
    for (provider, tokens, confirmed, mut revocations) in executions {
        report.begin(provider);
        let account = provider.account();
        for revocation in &confirmed {
            dead.extend(revocation.id.clone().map(|id| (account, id)));
            report.revoked(revocation).await;
        }
        let mut pending: HashSet<_> = tokens.iter().collect();
        let mut not_attempted = if is_stopped {
            revocations.stop()
        } else {
            Vec::new()
        };
        loop {
            tokio::select! {
                biased;
                next = revocations.next() => match next {
                    Some((id, verdict)) => {
                        pending.remove(&id);
                        done += 1;
                        if is_dead_for_good(&verdict) {
                            dead.push((account, id.clone()));
                        }
                        report.add(&id, verdict).await;
                    }
                    None => break,
                },
                () = &mut stopped, if !is_stopped => {
                    is_stopped = true;
                    not_attempted = revocations.stop();
                }
                () = &mut grace_period_over, if is_stopped && !is_over => {
                    is_over = true;
                    break;
                }
                () = progress.due() => progress.show(format!(
                    "{} of {} tokens",
                    grouped(done),
                    grouped(count as u64)
                )),
            }
        }
        for id in &not_attempted {
            pending.remove(id);
        }
        for id in tokens.iter().filter(|id| pending.contains(id)) {
            let write = Write {
                provider,
                operation,
                subject: Subject::Id(id),
            };
            report.failed(&write.interrupted());
        }
        if !not_attempted.is_empty() {
            let message = format!("not attempted: {}", confirm::id_list(&not_attempted));
            let error = Error::new(ErrorKind::Other, Fate::NotSent, message);
            report.failed(&error.with_account(provider.account()));
        }
    }
    drop(progress);
    let operation = options.revoke_options.operation_id;
    if let Err(error) = resumed_plan::close_dead(accounts, operation, &dead).await {
        // They are listed as open, and can be closed later.
        print_warning(&format!(
            "what an earlier run left open is not closed: {error}"
        ));
    }
    report.finish()
}
