//! The watching of a plan that workers carry out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokenfleet::journal::OperationId;
use tokenfleet::{Error, ErrorKind, Fate, Operation, Result, TokenProvider};
use tokenfleet_ledger::Ledger;
use tokio::time::{Instant, sleep};

use super::record::Stage;
use super::silence::{Signs, Silence};
use super::stored::{StoredAccount, StoredPlan};
use crate::accounts::Accounts;
use crate::commands::confirm::id_list;
use crate::commands::revocation_report::RevocationReport;
use crate::exit::{Exit, Failure};
use crate::numbers::grouped;
use crate::output::{Format, Output, print_error, print_warning};
use crate::program_name::command_line;
use crate::progress::with_progress;
use crate::signal::StopRequest;
use crate::waits::scaled;

/// The time between two looks into the ledger.
const INTERVAL: Duration = Duration::from_secs(1);

/// Prints the verdict of each token as workers record it, until the plan is over or waits for a
/// person. The exit codes are those of `revoke --plan`.
///
/// Whoever stops watching stops nothing else.
pub(in crate::commands) async fn watch(
    accounts: &Accounts,
    ledger: &dyn Ledger,
    id: OperationId,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut stop = StopRequest::listen().await;
    let mut closed = HashMap::new();
    let (mut plan, mut stored) = read(ledger, id, &mut closed).await?;
    let providers = open(accounts, &stored, requested_format)?;
    let all: Vec<_> = providers.values().map(|provider| &**provider).collect();
    let mut report =
        RevocationReport::new(&all, accounts.journals(), requested_format, output, None);
    let mut printed = HashSet::new();
    let mut notes = HashSet::new();
    let mut silence = Silence::new(Instant::now());
    let is_stopped = loop {
        for account in &stored {
            let verdicts = account.record.verdicts.iter();
            let new: Vec<_> = verdicts
                .filter(|verdict| printed.insert((account.task.id, verdict.token.clone())))
                .collect();
            let provider = providers.get(&account.task.id);
            if let (false, Some(provider)) = (new.is_empty(), provider) {
                report.begin(&**provider);
            }
            for verdict in new {
                match (verdict.restored(), provider) {
                    (Some(restored), Some(_)) => report.add(&verdict.token, restored).await,
                    (Some(_), None) => verdict.error().into_iter().for_each(|it| report.failed(it)),
                    (None, _) => report.failed(&unknown_verdict(account)),
                }
            }
            if let Some(note) = &account.record.note
                && notes.insert((account.task.id, note.clone()))
            {
                print_warning(note);
            }
        }
        if is_over(&plan, &stored) {
            break false;
        }
        let progress = || progress_text(&plan, printed.len(), &stored);
        let is_stopped = tokio::select! {
            () = with_progress(progress, sleep(scaled(INTERVAL))) => false,
            () = stop.made() => true,
        };
        if is_stopped {
            break true;
        }
        // The ledger may answer again, and the workers go on meanwhile.
        let warning = match read(ledger, id, &mut closed).await {
            Ok(answer) => {
                (plan, stored) = answer;
                silence.answered(Signs::of(&plan, &stored), Instant::now())
            }
            Err(error) => silence.failed(&error, Instant::now()),
        };
        warning.iter().for_each(|warning| print_warning(warning));
    };
    for account in stored.iter().filter(|account| account.record.is_abandoned) {
        report_not_attempted(&mut report, account);
    }
    let mut exits = report.finish()?;
    if is_stopped {
        print_error(requested_format, &stopped_watching(id));
        exits.push(Exit::OutcomeUnknown);
    } else if plan.record.stage == Stage::CanaryFailed {
        let error = canary_failed(&plan, printed.len());
        print_error(requested_format, &error);
        exits.push(Exit::from_error(&error));
    }
    Ok(Exit::combine_plan(exits))
}

/// Opens the accounts of a plan, by their tasks. One that this configuration does not have, or that
/// cannot be opened, is reported; the verdicts on its tokens that are no success are errors.
fn open(
    accounts: &Accounts,
    stored: &[StoredAccount],
    requested_format: Option<Format>,
) -> Result<BTreeMap<OperationId, Arc<dyn TokenProvider>>> {
    let (mut providers, mut failed) = (BTreeMap::new(), None);
    for account in stored {
        match accounts.open_planned(account.part.account()) {
            Ok(provider) => {
                providers.insert(account.task.id, provider);
            }
            Err(error) => {
                print_error(requested_format, &error);
                failed.get_or_insert(error);
            }
        }
    }
    match failed {
        Some(error) if providers.is_empty() => Err(error),
        _ => Ok(providers),
    }
}

async fn read(
    ledger: &dyn Ledger,
    id: OperationId,
    closed: &mut HashMap<OperationId, StoredAccount>,
) -> Result<(StoredPlan, Vec<StoredAccount>)> {
    let plan = StoredPlan::find(ledger, id).await?.ok_or_else(|| {
        let message = format!("the ledger has no revocation plan {id}");
        Error::new(ErrorKind::NotFound, Fate::NotSent, message)
    })?;
    let accounts = plan.accounts(ledger, closed).await?;
    Ok((plan, accounts))
}

/// Returns `true` if nothing is to come: all is done, or what was begun of a plan that was given
/// up, or a person must decide.
fn is_over(plan: &StoredPlan, accounts: &[StoredAccount]) -> bool {
    match plan.record.stage {
        Stage::Canary | Stage::Rest => false,
        Stage::CanaryFailed | Stage::Done => true,
        Stage::Abandoned => accounts.iter().all(|account| !account.task.is_open()),
    }
}

fn progress_text(plan: &StoredPlan, verdicts: usize, accounts: &[StoredAccount]) -> String {
    let closed = accounts.iter().filter(|account| !account.task.is_open());
    let wave = match plan.record.stage {
        Stage::Canary => "canary wave: ",
        _ => "",
    };
    format!(
        "{wave}{} of {} tokens, {} of {} accounts",
        grouped(verdicts as u64),
        grouped(plan.record.tokens() as u64),
        grouped(closed.count() as u64),
        grouped(accounts.len() as u64)
    )
}

fn report_not_attempted(report: &mut RevocationReport<'_>, account: &StoredAccount) {
    let verdicts = account.record.verdicts.iter();
    let judged: HashSet<_> = verdicts.map(|verdict| &verdict.token).collect();
    let tokens = account.part.tokens().filter(|id| !judged.contains(id));
    let rest: Vec<_> = tokens.collect();
    if !rest.is_empty() {
        let message = format!("not attempted: {}", id_list(rest));
        let error = Error::new(ErrorKind::Other, Fate::NotSent, message);
        report.failed(&error.with_account(account.part.account()));
    }
}

fn unknown_verdict(account: &StoredAccount) -> Error {
    let message = "a worker of a newer version recorded a verdict that this one does not know";
    Error::new(ErrorKind::Other, Fate::MaybeApplied, message)
        .with_account(account.part.account())
        .with_operation(Operation::Revoke)
}

fn stopped_watching(id: OperationId) -> Error {
    let watch = command_line(&format!("operations show {id} --watch"));
    let abandon = command_line(&format!("operations abandon {id}"));
    let message = "the program was asked to stop: it watches no longer, and the workers go on";
    Error::new(ErrorKind::Other, Fate::NotSent, message).with_advice(format!(
        "`{watch}` watches again, and `{abandon}` stops what is not begun"
    ))
}

fn canary_failed(plan: &StoredPlan, verdicts: usize) -> Error {
    let id = plan.task.id;
    let resume = command_line(&format!("operations resume {id}"));
    let abandon = command_line(&format!("operations abandon {id}"));
    let rest = grouped(plan.record.tokens().saturating_sub(verdicts) as u64);
    let note = plan.record.note.as_deref().unwrap_or_default();
    let message = format!(
        "a token of the canary wave was not revoked, so the other {rest} tokens wait: {note}"
    );
    Error::new(ErrorKind::Other, Fate::NotSent, message).with_advice(format!(
        "`{resume}` goes on nevertheless, and `{abandon}` gives the rest up"
    ))
}
