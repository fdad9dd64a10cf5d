//! `inventory`: the tokens of every account, and the completeness of each account.

use std::collections::HashMap;
use std::io;

use tokenfleet::{
    Account, AccountReport, Error, ErrorKind, Fleet, FleetProgress, InventoryEvent, Operation,
    Query, Timestamp, Token, Verdict,
};

use crate::accounts::Accounts;
use crate::arguments::InventoryArguments;
use crate::exit::{Exit, Failure};
use crate::metrics_file::{Metrics, MetricsFile};
use crate::output::{Format, ListingWriter, Output, print_error, print_note};
use crate::progress::{Progress, reading_text, with_progress};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &InventoryArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    arguments.columns.apply(output)?;
    let now = Timestamp::now();
    let file = MetricsFile::create(&arguments.metrics)?;
    let fleet = accounts.fleet();
    let query = arguments.pages.apply(Query::new());
    let (reports, file_written, printed) = {
        let mut listing = CountedListing {
            listing: output.listing(false, &query),
            metrics: Metrics::default(),
            needs_all: file.is_some(),
            written: Ok(()),
        };
        let reports = read(accounts, &fleet, query, &mut listing).await?;
        // Before the end of the output, whose reader may have left.
        let metrics = listing.metrics;
        let file_written = file.map(|file| file.write(&metrics.exposition(&reports, &[], now)));
        let finish = || listing.listing.finish(&reports);
        let printed = listing.written.and_then(|()| finish());
        (reports, file_written.transpose(), printed)
    };
    let printed = printed.and_then(|()| output.flush());
    let exit = exit_code(&reports, requested_format, output);
    file_written?;
    exit.after_writing(printed)
}

/// The destination of the tokens that are read.
pub(super) trait TokenSink {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()>;

    /// Shows what can be shown already, because the next token may take long to arrive.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TokenSink for Box<dyn ListingWriter + '_> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        (**self).token(account, token)
    }

    fn flush(&mut self) -> io::Result<()> {
        (**self).flush()
    }
}

/// A listing whose tokens are counted.
struct CountedListing<'a> {
    listing: Box<dyn ListingWriter + 'a>,
    metrics: Metrics,
    /// `true` if every token must be counted, even if the output cannot be written.
    needs_all: bool,
    /// The error of the output, after which nothing is written.
    written: io::Result<()>,
}

impl CountedListing<'_> {
    fn write(
        &mut self,
        write: impl FnOnce(&mut dyn ListingWriter) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.written.is_ok() {
            let written = write(&mut *self.listing);
            if !self.needs_all {
                return written;
            }
            self.written = written;
        }
        Ok(())
    }
}

impl TokenSink for CountedListing<'_> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        self.metrics.count(&account, &token);
        self.write(|listing| listing.token(account, token))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write(|listing| listing.flush())
    }
}

/// Prints the tokens that match a query, and returns a report for each account of the fleet, with
/// the error of the end of the output.
pub(super) async fn print(
    accounts: &Accounts,
    fleet: &Fleet,
    query: Query,
    output: &mut Output,
) -> Result<(Vec<AccountReport>, io::Result<()>), Failure> {
    let count = fleet.accounts().len();
    let in_order = !query.sort.is_empty() || query.offset > 0 || query.limit.is_some();
    let mut listing = output.listing(in_order, &query);
    if !in_order || count == 1 {
        let reports = read(accounts, fleet, query, &mut listing).await?;
        let printed = listing.finish(&reports);
        return Ok((reports, printed));
    }
    // A sort order over several accounts is known only when all of them have been read.
    let progress = FleetProgress::default();
    let fleet = fleet.clone().with_progress(progress.clone());
    let reading = || reading_text(&progress, count);
    let mut found = with_progress(reading, fleet.list_all(query)).await;
    accounts.check_unlistable(&mut found.accounts).await;
    let mut tokens = found.tokens.into_iter();
    let printed = tokens
        .try_for_each(|(account, token)| listing.token(account, token))
        .and_then(|()| listing.finish(&found.accounts));
    Ok((found.accounts, printed))
}

/// Reads the tokens that match a query, and returns a report for each account of the fleet.
pub(super) async fn read(
    accounts: &Accounts,
    fleet: &Fleet,
    query: Query,
    sink: &mut dyn TokenSink,
) -> Result<Vec<AccountReport>, Failure> {
    let count = fleet.accounts().len();
    let progress_of_fleet = FleetProgress::default();
    let fleet = fleet.clone().with_progress(progress_of_fleet.clone());
    let reading = || reading_text(&progress_of_fleet, count);
    let mut progress = Progress::new();
    let mut inventory = fleet.inventory(query);
    let mut reports = Vec::with_capacity(count);
    let mut is_unflushed = false;
    loop {
        let event = tokio::select! {
            biased;
            event = inventory.next() => event,
            // No event is ready: a slow account must not delay the tokens of another.
            () = std::future::ready(()), if is_unflushed => {
                sink.flush()?;
                is_unflushed = false;
                continue;
            }
            () = progress.due() => {
                progress.show(reading());
                continue;
            }
        };
        match event {
            Some(InventoryEvent::Token(account, token)) => {
                is_unflushed = true;
                sink.token(account, *token)?;
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
                if output.format() == Format::Csv && !output.is_quiet() {
                    print_note(&report.to_string());
                }
                continue;
            }
            Verdict::Failed(error) => {
                if !output.is_table_beside_errors() {
                    print_error(requested_format, error);
                }
                failures.push(Exit::from_error(error));
            }
            verdict => {
                let is_partial = !verdict.is_complete_as_shown();
                partial |= is_partial;
                if output.format() == Format::Csv && is_partial {
                    print_error(requested_format, &incomplete(report));
                } else if output.format() == Format::Csv
                    && !verdict.is_complete()
                    && !output.is_quiet()
                {
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
