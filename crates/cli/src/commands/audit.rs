//! `audit`: the writes in the audit log, with their outcomes.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Serialize;
use tokenfleet::config::cause_text;
use tokenfleet::{AccountConfiguration, Configuration, Error, Result};

use super::{is_simulated, reject_options};
use crate::arguments::{AUDIT_COLUMNS, AuditArguments, GlobalArguments};
use crate::audit::{AuditLog, Event, IntentEvent, OutcomeEvent, ResolutionEvent};
use crate::configuration::{self, Trust};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Results, print_note, print_warning};
use crate::regular_file;
use crate::selection::{AccountNames, check_known, requested_names};

/// The columns that a narrow terminal shows below each row.
const LESS_IMPORTANT: [&str; 5] = ["operation_id", "reason", "user", "name", "account"];

/// A write with its outcome, if that is known.
#[derive(Debug, Serialize)]
struct Write {
    #[serde(flatten)]
    intent: IntentEvent,
    outcome: Option<OutcomeEvent>,
    /// The later finding, the most recent one.
    resolution: Option<ResolutionEvent>,
}

impl Write {
    /// Returns `true` while nothing says what became of it.
    fn is_open(&self) -> bool {
        let resolution = self.resolution.as_ref();
        self.outcome.is_none() && !resolution.is_some_and(ResolutionEvent::is_settled)
    }
}

pub(crate) fn run(
    global: &GlobalArguments,
    arguments: &AuditArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    // The log does not know the tags, and simulated platforms have no log.
    reject_options(
        "audit",
        &[
            ("--tag", !global.tags.is_empty()),
            ("--simulate", is_simulated(global)),
        ],
    )?;
    output.prepare_columns(!arguments.columns.is_empty(), arguments.wide.is_wide)?;
    let names = AccountNames::parse(&requested_names(global)?);
    // The log has a place without a configuration too.
    let configuration = match configuration::find(global.config.as_deref()) {
        Ok(_) => configuration::load(global.config.as_deref(), Trust::Required)?,
        Err(_) => Configuration::default(),
    };
    let Some(log) = AuditLog::new(&configuration)? else {
        return Err(Error::configuration("the audit log is turned off")
            .with_advice("remove `enabled = false` from the table [audit]")
            .into());
    };
    let path = log.path()?;
    let (writes, unreadable) = read(&path)?;
    check_filters(&configuration, &writes, &names, &global.providers)?;
    let mut results = Results::with_columns(&AUDIT_COLUMNS)
        .leaving_out(&LESS_IMPORTANT)
        .keeping_all()
        .choosing(&arguments.columns);
    let mut open = 0;
    for write in writes {
        let intent = &write.intent;
        let is_chosen = names.matches(&intent.account)
            && (global.providers.is_empty() || global.providers.contains(&intent.provider));
        let is_recent = arguments.since.is_none_or(|since| intent.at >= since);
        let is_of_operation = (arguments.operation)
            .is_none_or(|operation| operation.as_str() == operation_of(intent));
        if !is_chosen || !is_of_operation || !is_recent || (arguments.open && !write.is_open()) {
            continue;
        }
        open += usize::from(write.is_open());
        results.add(output, &write, row(&write))?;
    }
    results.finish(output)?;
    if open > 0 {
        print_note(&format!(
            "{open} {} no recorded outcome: the program was stopped, or is still running",
            if open == 1 {
                "change has"
            } else {
                "changes have"
            },
        ));
    }
    if unreadable > 0 {
        print_warning(&format!(
            "{}: {unreadable} {} not be read",
            path.display(),
            if unreadable == 1 {
                "line can"
            } else {
                "lines can"
            },
        ));
        return Ok(Exit::Incomplete);
    }
    Ok(Exit::Success)
}

/// Rejects an account or a provider that is neither configured nor in the log, which may be older
/// than the configuration.
fn check_filters(
    configuration: &Configuration,
    writes: &[Write],
    names: &AccountNames,
    providers: &[String],
) -> Result<()> {
    let configured = || configuration.accounts().iter();
    let logged = || writes.iter().map(|write| &write.intent);
    let known: Vec<_> = (configured().map(AccountConfiguration::name))
        .chain(logged().map(|intent| intent.account.as_str()))
        .collect();
    names.check(known)?;
    let known: Vec<_> = (configured().map(AccountConfiguration::provider))
        .chain(logged().map(|intent| intent.provider.as_str()))
        .collect();
    check_known("provider", providers, known)
}

/// Returns the operation as people know it: a suspension is an update for the platform.
fn operation_of(intent: &IntentEvent) -> &str {
    intent.suspension.as_ref().unwrap_or(&intent.operation)
}

fn row(write: &Write) -> Vec<String> {
    let Write {
        intent,
        outcome,
        resolution,
    } = write;
    let issued = outcome.as_ref().and_then(|outcome| outcome.token.as_ref());
    let token = match intent.token.as_ref().or(issued) {
        Some(id) => id.clone(),
        None if intent.by_secret => "(by its secret)".to_owned(),
        None => String::new(),
    };
    vec![
        intent.at.truncated_to_seconds().to_string(),
        intent.account.clone(),
        operation_of(intent).to_owned(),
        token,
        intent.name.clone().unwrap_or_default(),
        match (outcome, resolution) {
            (Some(outcome), _) => outcome.result_text(),
            (None, Some(found)) if found.is_settled() => found.resolution.clone(),
            _ => "open".to_owned(),
        },
        intent.user.clone().unwrap_or_default(),
        intent.reason.clone().unwrap_or_default(),
        intent.operation_id.clone().unwrap_or_default(),
    ]
}

/// Reads the writes in their order, and the number of lines that cannot be read.
fn read(path: &Path) -> Result<(Vec<Write>, usize)> {
    let file = match regular_file::open(path) {
        // Nothing was written yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        opened => opened.map_err(|error| cannot_read(path, error))?,
    };
    let mut writes = Vec::<Write>::new();
    let mut positions = HashMap::new();
    let mut unreadable = 0;
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(|error| cannot_read(path, error))?;
        if line.is_empty() {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(Event::Intent(intent)) => {
                positions.insert(intent.id.clone(), writes.len());
                writes.push(Write {
                    intent,
                    outcome: None,
                    resolution: None,
                });
            }
            // The intent may be in a file that was rotated away.
            Ok(Event::Outcome(outcome)) => {
                if let Some(position) = positions.get(&outcome.id) {
                    writes[*position].outcome = Some(outcome);
                }
            }
            Ok(Event::Resolution(resolution)) => {
                if let Some(position) = positions.get(&resolution.id) {
                    writes[*position].resolution = Some(resolution);
                }
            }
            Err(_) => unreadable += 1,
        }
    }
    Ok((writes, unreadable))
}

fn cannot_read(path: &Path, error: io::Error) -> Error {
    let message = format!(
        "cannot read the audit log {}: {}",
        path.display(),
        cause_text(&error)
    );
    Error::configuration(message).with_source(error)
}
