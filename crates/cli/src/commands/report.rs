//! `report`: the inventory for people who do not use the program.

use std::io::{self, Write};
use std::path::Path;

use tokenfleet::query::{NamePattern, TextPredicate};
use tokenfleet::{Account, Error, Filter, Fleet, Query, Timestamp, Token};
use tokenfleet_ledger::Source;

use super::inventory::{self, TokenSink};
use crate::accounts::Accounts;
use crate::arguments::ReportArguments;
use crate::exit::{Exit, Failure};
use crate::ledger::{self, Comparison, RememberedAccount, count_unknown_tokens};
use crate::output::{Compared, CsvRows, Format, Output};
use crate::report::{Changes, Criteria, Summary, write_html, write_markdown};
use crate::report_file::ReportFile;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &ReportArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    // Whether the files can be written is known before anything is read.
    let html = Target::open("--html", arguments.html.as_deref())?;
    let markdown = Target::open("--markdown", arguments.markdown.as_deref())?;
    if let (Some(Target::StandardOutput), Some(Target::StandardOutput)) = (&html, &markdown) {
        let message = "--html and --markdown cannot both be standard output";
        return Err(Error::invalid_input(message).into());
    }
    let csv = arguments.csv.as_deref();
    let csv = csv
        .map(|path| ReportFile::create("--csv", path))
        .transpose()?;
    let mut collected = Collected {
        summary: Summary::new(criteria(arguments)),
        csv: csv.map(|file| output.csv_rows(file)),
    };
    let fleet = accounts.fleet();
    if let Some(since) = arguments.changes_since {
        let changes = changes(accounts, &fleet, since).await?;
        collected.summary.changes = Some(changes);
    }
    let reports = inventory::read(accounts, &fleet, Query::new(), &mut collected).await?;
    let Collected { mut summary, csv } = collected;
    summary.finish(&reports);
    if let Some(csv) = csv {
        csv.into_writer()?.finish()?;
    }
    let rows = summary.take_rows();
    if let Some(html) = html {
        html.write(output, |writer| write_html(&summary, &rows, writer))?;
    }
    if let Some(markdown) = markdown {
        markdown.write(output, |writer| write_markdown(&summary, &rows, writer))?;
    }
    Ok(inventory::exit_code(&reports, requested_format, output))
}

/// Returns what changed since a time, by the snapshots of the ledger.
async fn changes(accounts: &Accounts, fleet: &Fleet, since: Timestamp) -> Result<Changes, Failure> {
    let ledger = ledger::open_required(accounts.configuration()).await?;
    let known = ledger.accounts().await?;
    let mut comparison = Comparison::new(&*ledger, accounts.configuration()).await?;
    comparison.since = Some(since);
    let mut changes = Changes::since(since);
    let mut compared = Vec::new();
    for account in fleet.accounts() {
        let is_its = |source: &&Source| source.account == *account;
        let remembered = RememberedAccount {
            account: account.clone(),
            sources: known.iter().filter(is_its).cloned().collect(),
        };
        let add = &mut |change: Compared<'_>| {
            changes.add(&change);
            Ok(())
        };
        compared.extend(comparison.compare(&remembered, add).await?);
    }
    count_unknown_tokens(&*ledger, &mut compared).await?;
    changes.set_accounts(compared);
    Ok(changes)
}

fn criteria(arguments: &ReportArguments) -> Criteria {
    let globs = arguments
        .broad_scopes
        .iter()
        .cloned()
        .map(NamePattern::Glob);
    let broad_scopes = globs.map(|glob| Filter::Scopes(TextPredicate::Matches(glob)));
    Criteria {
        now: Timestamp::now().truncated_to_seconds(),
        unused_for: arguments.unused_for,
        expires_within: arguments.expires_within,
        broad_scopes: Filter::any_of(broad_scopes),
        max_rows: arguments.max_rows,
    }
}

/// The parts of a report that are collected while tokens arrive.
struct Collected {
    summary: Summary,
    csv: Option<CsvRows<ReportFile>>,
}

impl TokenSink for Collected {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        self.summary.add(&account, &token);
        match &mut self.csv {
            Some(csv) => csv.token(&account, &token),
            None => Ok(()),
        }
    }
}

/// The name of standard output in the place of a file.
const STANDARD_OUTPUT: &str = "-";

/// The place of a report.
enum Target {
    StandardOutput,
    File(ReportFile),
}

impl Target {
    fn open(option: &'static str, path: Option<&Path>) -> tokenfleet::Result<Option<Self>> {
        match path {
            None => Ok(None),
            Some(path) if path == Path::new(STANDARD_OUTPUT) => Ok(Some(Self::StandardOutput)),
            Some(path) => Ok(Some(Self::File(ReportFile::create(option, path)?))),
        }
    }

    fn write(
        self,
        output: &mut Output,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        match self {
            Self::StandardOutput => Ok(output.write_with(content)?),
            Self::File(file) => Ok(file.write_with(content)?),
        }
    }
}
