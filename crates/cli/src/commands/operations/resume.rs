//! `operations resume`: finds out what became of what is open, and finishes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokenfleet::journal::{Journal, OperationId, Resolution};
use tokenfleet::{Account, Error, Result, Timestamp, TokenId, TokenProvider};
use tokenfleet_ledger::{Ledger, Write};

use super::finding::Finding;
use super::search::find;
use super::{Listed, WriteObject, carrying_out, ids_text, revocations, rotations, unknown};
use crate::accounts::Accounts;
use crate::arguments::ResumeArguments;
use crate::commands::question;
use crate::commands::revocations::{PlanObject, is_of_plan};
use crate::exit::{Exit, Failure};
use crate::ledger::turned_off;
use crate::output::{Format, Output, Results, displayed_id, print_error, print_warning};
use crate::program_name::command_line;
use crate::progress::with_progress;
use crate::rotations::{cannot_be_resumed, check_place};
use crate::sinks::Sinks;

const COLUMNS: [&str; 5] = ["operation", "account", "action", "outcome", "detail"];

/// The result for one write.
#[derive(Serialize)]
struct ResumedObject<'a> {
    #[serde(flatten)]
    write: WriteObject<'a>,
    outcome: &'static str,
    detail: String,
}

/// A write with its account, and what was found out about it.
struct Found<'a> {
    provider: Result<Arc<dyn TokenProvider>>,
    write: &'a Write,
    finding: Result<Finding>,
}

pub(crate) async fn run(
    accounts: &Accounts,
    mut arguments: ResumeArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if !arguments.yes && !question::is_possible() {
        return Err(question::impossible().into());
    }
    let shared = accounts.journals().shared_ledger().await?;
    let shared = shared.ok_or_else(turned_off)?;
    let ledger = &*shared;
    let is_finished = resume_plans(&shared, &mut arguments, output).await?;
    if is_finished {
        return Ok(Exit::Success);
    }
    let open_rotations = rotations::ids(&rotations::open(Some(&shared)).await?);
    let mut open_tasks = open_rotations.clone();
    open_tasks.extend(revocations::listed(Some(&shared), Listed::Open).await?.ids);
    let Chosen { writes, delivered } = chosen(accounts, &shared, &open_tasks, &arguments).await?;
    let mut providers = BTreeMap::new();
    let mut all = Vec::new();
    for write in &writes {
        let account = &write.intent.account;
        let provider = providers
            .entry(account.clone())
            .or_insert_with(|| open(accounts, account))
            .clone();
        let finding = match &provider {
            Ok(_) if accounts.journals().is_running(&write.intent.run) => Ok(Finding::Unknown(
                "the program that began it is still running".to_owned(),
            )),
            Ok(provider) => {
                wait(&**provider, write, arguments.look_again_after).await;
                let reading = || format!("asking {account} what became of it");
                with_progress(reading, find(accounts, ledger, &**provider, write)).await
            }
            Err(error) => Err(error.clone()),
        };
        let delivered = delivered.get(&write.intent.operation_id);
        all.push(Found {
            provider,
            write,
            finding: match delivered {
                Some(token) => finding.map(|finding| finding.sparing(token)),
                None => finding,
            },
        });
    }
    if arguments.all {
        all.iter_mut().for_each(|found| spare(found, arguments.yes));
    }
    if !arguments.yes {
        ask(&all)?;
    }
    let mut results = Results::with_columns(&COLUMNS);
    let mut exits = Vec::new();
    let of_rotations: BTreeSet<_> = (arguments.ids.iter().copied())
        .filter(|id| open_rotations.contains(id))
        .collect();
    if !of_rotations.is_empty() {
        let printing = (&mut results, &mut *output);
        let resumed = rotations::resume(
            accounts,
            &of_rotations,
            &arguments,
            requested_format,
            printing,
        );
        exits.extend(resumed.await?);
    }
    for found in all {
        exits.push(
            finish(
                (accounts, ledger),
                found,
                requested_format,
                &mut results,
                output,
            )
            .await?,
        );
    }
    results.finish(output)?;
    Ok(Exit::combine(exits))
}

/// Lets the plans go on that are named, and takes them from the arguments. Returns `true` if
/// nothing else is named.
async fn resume_plans(
    ledger: &Arc<dyn Ledger>,
    arguments: &mut ResumeArguments,
    output: &mut Output,
) -> Result<bool, Failure> {
    let mut results = Results::with_columns(&super::COLUMNS).leaving_out(&super::LESS_IMPORTANT);
    let mut others = Vec::new();
    for id in std::mem::take(&mut arguments.ids) {
        match revocations::resume(ledger, id, arguments.yes).await? {
            Some(plan) => {
                let object = PlanObject::new(&plan);
                results.add(output, &object, object.operation_row())?;
            }
            None => others.push(id),
        }
    }
    results.finish(output)?;
    arguments.ids = others;
    Ok(arguments.ids.is_empty() && !arguments.all)
}

/// Says what to do about a secret that was replaced.
const REPLACED: &str = "the key was rotated: the old key is dead, and if the new one was not kept \
                        anywhere, create another key on the platform's website";

/// Leaves tokens alone that may be in use, because nobody named the operation, and those that only
/// look like one that was to be created, unless somebody is asked. A replaced secret that may be
/// lost stays open until somebody has looked.
fn spare(found: &mut Found<'_>, is_confirmed: bool) {
    let why = match &found.finding {
        Ok(Finding::Replaced) => format!("{REPLACED}; then close the operation"),
        Ok(Finding::Undelivered(ids)) => format!(
            "the secret of token {} had arrived, and may be in use: look who uses it, and revoke it",
            ids_text(ids)
        ),
        Ok(Finding::Alike(token)) if is_confirmed => format!(
            "token {} looks like it, and nothing proves it: look who uses it, and revoke it",
            displayed_id(&token.id)
        ),
        _ => return,
    };
    let resume = format!("operations resume {}", found.write.intent.operation_id);
    let resume = command_line(&resume);
    found.finding = Ok(Finding::Unknown(format!("{why} with `{resume}`")));
}

/// The writes to resume.
struct Chosen {
    writes: Vec<Write>,
    /// The tokens that closed rotations have delivered to their sinks.
    delivered: BTreeMap<OperationId, TokenId>,
}

/// Returns the writes to resume.
async fn chosen(
    accounts: &Accounts,
    ledger: &Arc<dyn Ledger>,
    open_tasks: &BTreeSet<OperationId>,
    arguments: &ResumeArguments,
) -> Result<Chosen> {
    let mut open = ledger.open_operations().await?;
    for id in &arguments.ids {
        if open_tasks.contains(id) {
            continue;
        }
        if let Some(given_up) = rotations::find(ledger, *id).await?
            && given_up.is_abandoned()
        {
            let sinks = Sinks::read(accounts.configuration())?;
            let over = rotations::closed(Some(ledger)).await?.rotations;
            return Err(cannot_be_resumed(&sinks, &given_up, &over));
        }
        let is_open = open.iter().any(|operation| operation.id == *id);
        if !is_open && ledger.writes(*id).await?.is_empty() {
            return Err(unknown(*id));
        }
    }
    // A sink may hold what a rotation created before a person gave it up.
    let (mut spared, mut delivered) = (BTreeSet::new(), BTreeMap::new());
    for operation in &open {
        // What workers began for a plan was reviewed, and may not be any more what it was.
        let task = ledger.task(operation.id).await?;
        if arguments.all && task.is_some_and(|task| is_of_plan(&task)) {
            spared.insert(operation.id);
            continue;
        }
        let is_spared = match rotations::find(ledger, operation.id).await {
            Ok(None) => false,
            Ok(Some(stored)) => {
                let successor = stored.record.rotation.successor.as_ref();
                delivered.extend(successor.map(|it| (operation.id, it.token.clone())));
                stored.is_abandoned()
            }
            // Nobody can tell what its sinks hold.
            Err(error) => {
                print_warning(&error.to_string());
                true
            }
        };
        if is_spared {
            spared.insert(operation.id);
        }
    }
    let is_chosen = |write: &Write| {
        if !arguments.all {
            return arguments.ids.contains(&write.intent.operation_id);
        }
        let name = write.intent.account.name();
        let is_selected = accounts.each().any(|account| account.name() == name);
        // One that the configuration does not have fails, unless others were asked for.
        let is_lost = accounts.configuration().account(name).is_err();
        is_selected || (is_lost && !accounts.is_narrowed())
    };
    // The task itself finds out what became of its writes.
    open.retain(|operation| !open_tasks.contains(&operation.id) && !spared.contains(&operation.id));
    let writes = open.into_iter().flat_map(|operation| operation.writes);
    let writes = writes.filter(|write| write.is_open() && is_chosen(write));
    Ok(Chosen {
        writes: writes.collect(),
        delivered,
    })
}

/// Opens the account of a write, if it is still the one that the write was sent to.
fn open(accounts: &Accounts, account: &Account) -> Result<Arc<dyn TokenProvider>> {
    let provider = accounts.open_planned(account)?;
    let now = provider.account();
    if let Some(setting) = &provider.capabilities().read_only {
        return Err(Error::configuration("the account is read-only")
            .with_account(now)
            .with_advice(format!("to resume operations, remove {setting}")));
    }
    check_place(&*provider, account)?;
    Ok(provider)
}

/// Waits until a request that is under way must have been applied.
async fn wait(provider: &dyn TokenProvider, write: &Write, delay: Duration) {
    let read_delay = provider.capabilities().read_delay.unwrap_or_default();
    let until = write.last_heard().saturating_add(delay.max(read_delay));
    let left = Timestamp::now().duration_until(until);
    let account = provider.account();
    let progress = || format!("{account}: waiting until the platform must show what was applied");
    with_progress(progress, tokio::time::sleep(left)).await;
}

/// Asks once whether to revoke what was found.
fn ask(all: &[Found<'_>]) -> Result<()> {
    let mut lines = Vec::new();
    for found in all {
        let Ok(provider) = &found.provider else {
            continue;
        };
        let account = provider.account();
        match &found.finding {
            Ok(Finding::Orphans(ids) | Finding::LeftBehind(ids)) => {
                let ids = ids_text(ids);
                lines.push(format!("{account}: token {ids}, whose secret nobody has"));
            }
            Ok(Finding::Undelivered(ids)) => {
                let ids = ids_text(ids);
                lines.push(format!(
                    "{account}: token {ids}, whose secret had arrived: IT MAY BE IN USE"
                ));
            }
            Ok(Finding::Alike(token)) => {
                let token = question::describe(&token.id, &token.name);
                lines.push(format!(
                    "{account}: token {token}, which looks like the one that was to be created"
                ));
            }
            Ok(Finding::Revocable(id, _)) => {
                let id = displayed_id(id);
                lines.push(format!("{account}: token {id}, which was being revoked"));
            }
            _ => {}
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    question::show(lines);
    if question::is_confirmed("Permanently revoke these tokens? [y/N] ") {
        return Ok(());
    }
    Err(Error::invalid_input("not confirmed: nothing was changed"))
}

/// Carries out what a finding calls for, records it, and prints the result.
async fn finish(
    (accounts, ledger): (&Accounts, &dyn Ledger),
    found: Found<'_>,
    requested_format: Option<Format>,
    results: &mut Results,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let Found {
        provider,
        write,
        finding,
    } = found;
    let mut detail = match &finding {
        Ok(Finding::Settled(_, text) | Finding::Unknown(text)) => text.clone(),
        Ok(Finding::Replaced) => REPLACED.to_owned(),
        _ => String::new(),
    };
    let is_unknown = matches!(finding, Ok(Finding::Unknown(_)));
    let resolution = match (provider, finding) {
        (Ok(provider), Ok(finding)) => {
            carrying_out::carry_out(ledger, &*provider, write, finding).await
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    let (outcome, exit) = match resolution {
        Ok(resolution) => {
            let journals = accounts.journals();
            journals
                .record_resolution(&write.intent.id, &resolution)
                .await;
            if let Resolution::TakenBack(ids) = &resolution {
                detail = format!("revoked: {}", ids_text(ids));
            }
            (word(&resolution), Exit::Success)
        }
        Err(_) if is_unknown => ("unknown", Exit::OutcomeUnknown),
        Err(error) if error.is_not_found() && error.is_in_own_form() => {
            detail = format!(
                "{error}; that proves nothing: look whether the account is still the same, and \
                 give the operation up with `{}` if nothing is left to do",
                command_line(&format!("operations abandon {}", write.intent.operation_id))
            );
            ("not_found_here", Exit::OutcomeUnknown)
        }
        Err(error) => {
            print_error(requested_format, &error);
            detail = error.to_string();
            ("failed", Exit::from_error(&error))
        }
    };
    let object = ResumedObject {
        write: WriteObject::new(write),
        outcome,
        detail,
    };
    let row = vec![
        object.write.operation.to_string(),
        object.write.account.to_owned(),
        object.write.action_text(),
        outcome.to_owned(),
        object.detail.clone(),
    ];
    results.add(output, &object, row)?;
    output.flush()?;
    Ok(exit)
}

fn word(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::NotApplied => "not_applied",
        Resolution::Applied(_) => "applied",
        Resolution::TakenBack(_) => "taken_back",
        Resolution::Expired => "expired",
        Resolution::Abandoned => "abandoned",
        _ => "unknown",
    }
}
