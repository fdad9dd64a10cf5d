//! `inventory`: the tokens of every account, and what became of each account.

use std::collections::HashMap;

use tokenfleet::{
    AccountReport, Error, ErrorKind, Fleet, InventoryEvent, Operation, Query, Verdict,
};

use crate::accounts::Accounts;
use crate::arguments::PageArguments;
use crate::output::{Format, Output, complain, remark};
use crate::progress::{Progress, showing};
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    pages: &PageArguments,
    asked_for: Option<Format>,
    output: &mut Output,
) -> Result<Code, Stop> {
    let reports = print(&accounts.chosen_or_all(), pages.of(Query::new()), output).await?;
    Ok(judge(&reports, asked_for, output))
}

/// Prints what a query finds, and returns what became of each account, in the order of the fleet.
pub(super) async fn print(
    fleet: &Fleet,
    query: Query,
    output: &mut Output,
) -> Result<Vec<AccountReport>, Stop> {
    let count = fleet.accounts().len();
    let in_order = !query.sort.is_empty() || query.offset > 0 || query.limit.is_some();
    let mut report = output.report(in_order);
    // An order over several accounts is known only when all of them are read; else nothing waits for anything.
    if in_order && count > 1 {
        let reading = || format!("reading {count} accounts");
        let found = showing(reading, fleet.list_all(query)).await;
        for (account, token) in found.tokens {
            report.token(account, token)?;
        }
        report.finish(&found.accounts)?;
        return Ok(found.accounts);
    }
    let mut progress = Progress::begin();
    let mut inventory = fleet.inventory(query);
    let mut reports = Vec::with_capacity(count);
    let mut tokens = 0;
    let mut held_back = false;
    loop {
        let event = tokio::select! {
            biased;
            event = inventory.next() => event,
            // Nothing more is there yet: an account that dawdles holds back no token of another.
            () = std::future::ready(()), if held_back => {
                report.flush()?;
                held_back = false;
                continue;
            }
            () = progress.due() => {
                let finished = reports.len();
                progress.show(format!("{tokens} tokens, {finished} of {count} accounts"));
                continue;
            }
        };
        match event {
            Some(InventoryEvent::Token(account, token)) => {
                tokens += 1;
                held_back = true;
                report.token(account, *token)?;
            }
            Some(InventoryEvent::Finished(finished)) => reports.push(finished),
            Some(_) => {}
            None => break,
        }
    }
    drop(progress);
    let place: HashMap<_, _> = fleet.accounts().zip(0_usize..).collect();
    reports.sort_by_key(|report| place.get(&report.account).copied());
    report.finish(&reports)?;
    Ok(reports)
}

/// Says what failed where the output itself does not tell people, and decides how the program ends.
///
/// An account that cannot be listed is no failure of the inventory: it is said, and that is all there is to know. When
/// every other account failed, the code is the one that their errors share; when only some did, the result is
/// incomplete.
pub(super) fn judge(reports: &[AccountReport], asked_for: Option<Format>, output: &Output) -> Code {
    let mut failures = Vec::new();
    let mut listed = 0;
    let mut partial = false;
    for report in reports {
        match &report.verdict {
            Verdict::NotListable => {
                // Else the account would be missing without a word.
                if output.format() == Format::Csv {
                    remark(&report.to_string());
                }
                continue;
            }
            Verdict::Failed(error) => {
                if !output.is_read_by_people() {
                    complain(asked_for, error);
                }
                failures.push(Code::of(error));
            }
            verdict => {
                partial |= !verdict.is_complete();
                if output.format() == Format::Csv && !verdict.is_complete() {
                    complain(asked_for, &incomplete(report));
                }
            }
        }
        listed += 1;
    }
    match failures.len() {
        0 if partial => Code::Incomplete,
        0 => Code::Well,
        failed if failed == listed => Code::of_all(failures),
        _ => Code::Incomplete,
    }
}

/// A partial listing as an error, for a form of output that has no place to say so.
fn incomplete(report: &AccountReport) -> Error {
    let reason = report.verdict.reason().unwrap_or_default();
    Error::new(
        ErrorKind::Other,
        tokenfleet::Fate::Rejected,
        format!("the listing is not complete: {reason}"),
    )
    .with_account(&report.account)
    .with_operation(Operation::List)
}
