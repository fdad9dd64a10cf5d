//! `check`: the tokens that the checks of the configuration find.

mod baseline;
mod policies;

use tokenfleet::check::Waiver;
use tokenfleet::{Error, Query, Timestamp};

use self::policies::Policies;
pub(super) use self::policies::{validate, waivers_of_expiring};
use super::inventory;
use super::judging::Judging;
use crate::accounts::Accounts;
use crate::arguments::CheckArguments;
use crate::exit::{Exit, Failure};
use crate::metrics_file::MetricsFile;
use crate::output::{FindingsReport, Format, Output, junit};
use crate::report_file::ReportFile;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &CheckArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    let policies = Policies::load(accounts.configuration(), arguments, now)?;
    let until = baseline::last_day(arguments, now)?;
    let metrics_file = MetricsFile::create(&arguments.metrics)?;
    let junit_file = arguments.junit.as_deref();
    let junit_file = junit_file
        .map(|path| ReportFile::create("--junit", path))
        .transpose()?;
    let baseline_file = arguments.write_baseline.as_deref();
    let baseline_file = baseline_file
        .map(|path| ReportFile::create_new("--write-baseline", path))
        .transpose()?;

    let query = arguments.pages.apply(Query::new());
    let checks = &policies.checks;
    let judging = Judging::read(accounts, checks, policies.waivers, query).await?;
    let not_judged = judging.not_judged();
    let waived = judging.waived();
    let is_unused = |waiver: &&Waiver| {
        let ran = |name: &str| checks.iter().any(|check| check.name() == name);
        let all_ran = waiver.check().map_or(policies.are_all, ran);
        all_ran && !unread(accounts, &judging).any(|account| waiver.concerns(account))
    };
    let expired = judging.waivers.expired().map(|(waiver, findings)| {
        let again = match findings {
            0 => String::new(),
            1 => "; its finding counts again".to_owned(),
            _ => format!("; its {findings} findings count again"),
        };
        let (name, owner, until) = (waiver.name(), waiver.owner(), waiver.until());
        format!("the waiver {name} of {owner} ended with {until}{again}")
    });
    let unused = judging.waivers.unused().filter(is_unused);
    let unused = unused.map(|waiver| format!("the waiver {} matches nothing", waiver.name()));
    let report = FindingsReport {
        findings: &judging.findings,
        waived: arguments.show_waived.then_some(&*waived),
        not_judged: &not_judged,
        checks: judging.summaries(),
        notes: expired.chain(unused).collect(),
        accounts: &judging.reports,
        total: judging.total(&not_judged),
    };
    let mut exit = judging.exit(&not_judged);
    if baseline_file.is_some() && exit == Exit::AnswerIsNo {
        exit = Exit::Success;
    }
    // Before the output, whose reader may leave. The output comes even if a file cannot be written.
    let write_files = || -> Result<(), Error> {
        if let Some(file) = junit_file {
            let (findings, judged) = (&judging.findings, judging.judged());
            file.write(&junit(findings, &waived, &not_judged, judged))?;
        }
        if let Some(file) = metrics_file {
            let checks = judging.check_metrics();
            file.write(&judging.metrics.exposition(&judging.reports, &checks, now))?;
        }
        if let Some(file) = baseline_file {
            file.write(&baseline::text(&judging.findings, arguments, until))?;
        }
        Ok(())
    };
    let files_written = write_files();
    let printed = report.print(output).and_then(|()| output.flush());
    report.print_notes(output);
    let accounts_exit = inventory::exit_code(&judging.reports, requested_format, output);
    files_written?;
    Exit::combine([accounts_exit, exit]).after_writing(printed)
}

/// Returns the names of the configured accounts whose tokens are not known: those that are not
/// selected, and those that were not read completely.
fn unread<'a>(accounts: &'a Accounts, judging: &'a Judging<'_>) -> impl Iterator<Item = &'a str> {
    let selected = accounts.selected();
    let configured = accounts.configuration().accounts().iter();
    let names = configured.map(|account| account.name());
    let not_selected =
        names.filter(move |name| !selected.iter().any(|account| account.name() == *name));
    let incomplete = judging
        .reports
        .iter()
        .filter(|report| !report.verdict.is_complete_as_shown());
    not_selected.chain(incomplete.map(|report| report.account.name()))
}
