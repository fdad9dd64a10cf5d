//! `ledger`: what the program remembers, as a whole.

mod export;
mod show;
mod snapshots;

use serde::Serialize;
use tokenfleet::{Error, Registry, Timestamp};
use tokenfleet_ledger::Pruned;

pub(super) use self::show::megabytes;

use super::reject_options;
use crate::arguments::{GlobalArguments, LedgerAction, LedgerArguments, PruneArguments};
use crate::exit::{Exit, Failure};
use crate::ledger::{OpenedLedger, Place};
use crate::output::{Format, Output, Results};

pub(crate) async fn run(
    global: &GlobalArguments,
    arguments: &LedgerArguments,
    registry: &Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match &arguments.action {
        LedgerAction::Show => show::run(global, registry, output).await,
        LedgerAction::Snapshots(arguments) => {
            snapshots::run(global, arguments, registry, output).await
        }
        LedgerAction::Check => check(global, output).await,
        LedgerAction::Prune(arguments) => prune(global, arguments, output).await,
        LedgerAction::Export => export::run(global, registry, output).await,
        LedgerAction::Vacuum => vacuum(global, output).await,
    }
}

/// Rejects the options that select accounts, for a command that works on the whole ledger.
fn reject_selection(command: &str, global: &GlobalArguments) -> Result<(), Failure> {
    let options = [
        ("--account", !global.accounts.is_empty()),
        ("--provider", !global.providers.is_empty()),
        ("--tag", !global.tags.is_empty()),
    ];
    reject_options(command, &options)
}

/// The verdict on the ledger.
#[derive(Serialize)]
struct Examined {
    is_sound: bool,
    /// The damages.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Vec<String>>,
}

/// A damage of the ledger.
#[derive(Serialize)]
struct Damage {
    finding: String,
}

async fn check(global: &GlobalArguments, output: &mut Output) -> Result<Exit, Failure> {
    reject_selection("ledger check", global)?;
    let opened = OpenedLedger::open(global).await?;
    let findings = opened.ledger.check().await?;
    let is_sound = findings.is_empty();
    let exit = if is_sound {
        Exit::Success
    } else {
        Exit::AnswerIsNo
    };
    let mut examined = Examined {
        is_sound,
        findings: None,
    };
    if output.format() == Format::Json {
        examined.findings = Some(findings);
        output.object(&examined)?;
        return Ok(exit);
    }
    let mut results = Results::with_columns(&["finding"]);
    for finding in findings {
        let row = vec![finding.clone()];
        results.add(output, &Damage { finding }, row)?;
    }
    results.finish(output)?;
    match output.format() {
        Format::Table if is_sound => output.sentences(2, ["The ledger is sound.".to_owned()])?,
        // The last line is the verdict.
        Format::Ndjson => output.object(&examined)?,
        _ => {}
    }
    Ok(exit)
}

/// The rows that were forgotten.
#[derive(Serialize)]
struct PrunedObject {
    before: Timestamp,
    #[serde(flatten)]
    pruned: Pruned,
}

async fn prune(
    global: &GlobalArguments,
    arguments: &PruneArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    reject_selection("ledger prune", global)?;
    reject_options("ledger prune", &[("--read-only", global.read_only)])?;
    let before = Timestamp::now().truncated_to_seconds();
    let before = before.checked_sub(arguments.older_than);
    let before = before.ok_or_else(|| {
        let message = "--older-than: the period begins before any representable date";
        Error::invalid_input(message)
    })?;
    let opened = OpenedLedger::open(global).await?;
    let pruned = opened.ledger.prune(before).await?;
    let row = vec![
        before.to_string(),
        pruned.snapshots.to_string(),
        pruned.versions.to_string(),
        pruned.writes.to_string(),
        pruned.tasks.to_string(),
    ];
    let object = PrunedObject { before, pruned };
    let columns = ["before", "snapshots", "versions", "writes", "tasks"];
    output.value(&object, &columns, row)?;
    Ok(Exit::Success)
}

/// The sizes of a file before and after.
#[derive(Serialize)]
struct Vacuumed {
    bytes_before: u64,
    bytes_after: u64,
}

async fn vacuum(global: &GlobalArguments, output: &mut Output) -> Result<Exit, Failure> {
    reject_selection("ledger vacuum", global)?;
    reject_options("ledger vacuum", &[("--read-only", global.read_only)])?;
    let opened = OpenedLedger::open(global).await?;
    let Some(path) = opened.place.path() else {
        let message = "a Postgres server gives space back by itself (autovacuum)";
        return Err(Error::unsupported(message)
            .with_advice("its administrator may run `vacuum full` on the schema tokenfleet")
            .into());
    };
    let bytes_before = size(path);
    Place::open_file(path).await?.vacuum().await?;
    let bytes_after = size(path);
    let row = vec![bytes_before.to_string(), bytes_after.to_string()];
    let object = Vacuumed {
        bytes_before,
        bytes_after,
    };
    output.value(&object, &["bytes_before", "bytes_after"], row)?;
    Ok(Exit::Success)
}

/// Returns the size of the file of a ledger, with what was not written into it yet.
pub(in crate::commands) fn size(path: &std::path::Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let sizes = [path.as_os_str(), &log].map(std::fs::metadata);
    sizes.into_iter().flatten().map(|found| found.len()).sum()
}
