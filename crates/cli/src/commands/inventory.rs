//! `inventory`: the tokens of every account, and the completeness of each account.

use std::collections::HashMap;

use tokenfleet::{
    AccountReport, Error, ErrorKind, Fleet, InventoryEvent, Operation, Query, Verdict,
};

use crate::accounts::Accounts;
use crate::arguments::PageArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error, print_note};
use crate::progress::{Progress, with_progress};

pub(crate) async fn run(
    accounts: &Accounts,
    pages: &PageArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let fleet = accounts.selected_or_all_fleet();
    let reports = print(accounts, &fleet, pages.apply(Query::new()), output).await?;
    Ok(exit_code(&reports, requested_format, output))
}

/// Prints the tokens that match a query, and returns a report for each account of the fleet.
pub(super) async fn print(
    accounts: &Accounts,
    fleet: &Fleet,
    query: Query,
    output: &mut Output,
) -> Result<Vec<AccountReport>, Failure> {
    let count = fleet.accounts().len();
    let in_order = !query.sort.is_empty() || query.offset > 0 || query.limit.is_some();
    let mut listing = output.listing(in_order);
    // A sort order over several accounts is known only when all of them have been read.
    if in_order && count > 1 {
        let reading = || format!("reading {count} accounts");
        let mut found = with_progress(reading, fleet.list_all(query)).await;
        accounts.check_unlistable(&mut found.accounts).await;
        for (account, token) in found.tokens {
            listing.token(account, token)?;
        }
        listing.finish(&found.accounts)?;
        return Ok(found.accounts);
    }
    let mut progress = Progress::new();
    let mut inventory = fleet.inventory(query);
    let mut reports = Vec::with_capacity(count);
    let mut tokens = 0;
    let mut is_unflushed = false;
    loop {
        let event = tokio::select! {
            biased;
            event = inventory.next() => event,
            // No event is ready: a slow account must not delay the tokens of another.
            () = std::future::ready(()), if is_unflushed => {
                listing.flush()?;
                is_unflushed = false;
                continue;
            }
            () = progress.due() => {
                let finished = reports.len();
                // A sorted listing yields nothing before everything is read.
                progress.show(if tokens == 0 {
                    format!("reading, {finished} of {count} accounts are done")
                } else {
                    format!("{tokens} tokens, {finished} of {count} accounts")
                });
                continue;
            }
        };
        match event {
            Some(InventoryEvent::Token(account, token)) => {
                tokens += 1;
                is_unflushed = true;
                listing.token(account, *token)?;
            }
            Some(InventoryEvent::Finished(finished)) => reports.push(finished),
            Some(_) => {}
            None => break,
        }
    }
    drop(progress);
    let positions: HashMap<_, _> = fleet.accounts().zip(0_usize..).collect();
    reports.sort_by_key(|report| positions.get(&report.account).copied());
    accounts.check_unlistable(&mut reports).await;
    listing.finish(&reports)?;
    Ok(reports)
}

/// Prints the failures that the output does not show to a person, and returns the exit code.
///
/// An account that cannot be listed does not count as a failure, and neither do tokens that the
/// platform never lists: listing again would not help. If every other account failed, the
/// exit code is the one that their errors share; if only some failed, the result is incomplete.
pub(super) fn exit_code(
    reports: &[AccountReport],
    requested_format: Option<Format>,
    output: &Output,
) -> Exit {
    let mut failures = Vec::new();
    let mut listed = 0;
    let mut partial = false;
    for report in reports {
        match &report.verdict {
            Verdict::NotListable => {
                // CSV has no place for accounts, so this one would be missing without a trace.
                if output.format() == Format::Csv {
                    print_note(&report.to_string());
                }
                continue;
            }
            Verdict::Failed(error) => {
                if !output.is_table_on_terminal() {
                    print_error(requested_format, error);
                }
                failures.push(Exit::from_error(error));
            }
            verdict => {
                let is_partial = !verdict.is_complete_as_shown();
                partial |= is_partial;
                if output.format() == Format::Csv && is_partial {
                    print_error(requested_format, &incomplete(report));
                } else if output.format() == Format::Csv && !verdict.is_complete() {
                    print_note(&report.to_string());
                }
            }
        }
        listed += 1;
    }
    match failures.len() {
        0 if partial => Exit::Incomplete,
        0 => Exit::Success,
        failed if failed == listed => Exit::combine(failures),
        _ => Exit::Incomplete,
    }
}

/// Creates an error for a partial listing, for a format that has no place to report it.
fn incomplete(report: &AccountReport) -> Error {
    let reason = report.verdict.reason().unwrap_or_default();
    Error::new(
        ErrorKind::Other,
        tokenfleet::Fate::Rejected,
        format!("the listing is incomplete: {reason}"),
    )
    .with_account(&report.account)
    .with_operation(Operation::List)
}
