//! `operations`: the writes whose outcome is unknown, the rotations that are not done, and what to
//! do about them.

mod abandon;
mod absence;
mod carrying_out;
mod finding;
mod resume;
mod revocations;
mod rotations;
mod scheduled;
mod search;
mod unmarked;

use std::sync::Arc;

use serde::Serialize;
use tokenfleet::journal::{OperationId, Resolution};
use tokenfleet::{
    Account, AccountConfiguration, Configuration, Error, ErrorKind, Fate, Operation, Result,
    Timestamp, TokenId,
};
use tokenfleet_ledger::{Ledger, Write};

use super::lost_accounts::LostAccounts;
use super::revocations::PlanObject;
use super::rotation_report::{INDENT, RotationObject, needs_a_person};
use super::{is_simulated, reject_options};
use crate::arguments::{GlobalArguments, OperationsAction, OperationsArguments};
use crate::configuration::{self, Trust};
use crate::exit::{Exit, Failure};
use crate::ledger;
use crate::output::{Format, Output, Results, displayed_id, print_warning};
use crate::program_name::command_line;
use crate::schedules::{KIND, ScheduledTask};
use crate::selection::{AccountNames, requested_names};

pub(super) use abandon::run as abandon;
pub(super) use resume::run as resume;
pub(super) use revocations::watch;

const COLUMNS: [&str; 7] = [
    "operation",
    "since",
    "account",
    "action",
    "state",
    "dead_by",
    "why",
];

/// The columns that a narrow terminal leaves out.
const LESS_IMPORTANT: [&str; 3] = ["dead_by", "since", "state"];

/// A write as it is shown.
#[derive(Serialize)]
struct WriteObject<'a> {
    operation: OperationId,
    /// The id of the write.
    write: &'a str,
    account: &'a str,
    provider: &'a str,
    place: Option<&'a str>,
    since: Timestamp,
    action: Operation,
    token: Option<String>,
    tokens: Vec<String>,
    name: Option<&'a str>,
    marker: Option<&'a str>,
    reason: Option<&'a str>,
    state: &'static str,
    why: String,
    dead_by: Option<Timestamp>,
}

impl<'a> WriteObject<'a> {
    /// Describes a write whose tokens a later one may have revoked.
    async fn read(ledger: &dyn Ledger, write: &'a Write) -> Result<Self> {
        let (mut object, tokens) = (Self::new(write), ownerless(write));
        if tokens.is_empty() {
            return Ok(object);
        }
        let writes = ledger.writes_to(&write.intent.account, tokens).await?;
        if let Some(revocation) = revocation_of(write, &writes) {
            let (at, by) = (revocation.last_heard(), revocation.intent.operation_id);
            object.state = TAKEN_BACK;
            object.why = format!(
                "its token was revoked at {} by the operation {by}",
                at.truncated_to_seconds()
            );
        }
        Ok(object)
    }

    fn new(write: &'a Write) -> Self {
        let intent = &write.intent;
        let tokens = write.tokens().into_iter();
        Self {
            operation: intent.operation_id,
            write: &intent.id,
            account: intent.account.name(),
            provider: intent.account.provider(),
            place: intent.account.place(),
            since: intent.at,
            action: intent.operation,
            token: intent.token.as_ref().map(displayed_id),
            tokens: tokens.map(displayed_id).collect(),
            name: intent.name.as_deref(),
            marker: intent.marker(),
            reason: intent.reason.as_deref(),
            state: state(write),
            why: why(write),
            dead_by: write.dead_by(),
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.operation.to_string(),
            self.since.truncated_to_seconds().to_string(),
            self.account.to_owned(),
            self.action_text(),
            self.state.to_owned(),
            self.dead_by
                .map(|at| at.truncated_to_seconds().to_string())
                .unwrap_or_default(),
            self.why.clone(),
        ]
    }

    /// Returns what was about to be done, such as `create "ci"` or `revoke 17 "ci"`.
    fn action_text(&self) -> String {
        let action = self.action.to_string();
        match (&self.token, self.name) {
            (Some(token), Some(name)) if self.action == Operation::Revoke => {
                format!("{action} {token} {name:?}")
            }
            (Some(token), _) => format!("{action} {token}"),
            (None, Some(name)) => format!("{action} {name:?}"),
            (None, None) => action,
        }
    }
}

/// The state of a write whose tokens are revoked.
const TAKEN_BACK: &str = "taken_back";

/// Returns the tokens of an open write of which nobody is known to have the secret.
fn ownerless(write: &Write) -> &[TokenId] {
    match (&write.resolution, &write.outcome) {
        _ if !write.is_open() => &[],
        (Some(Resolution::Applied(tokens)), _) => tokens,
        (_, Some(outcome)) => &outcome.left_behind,
        (_, None) => &[],
    }
}

/// Returns the write that revoked the last of these tokens, if all of them are revoked.
///
/// `writes` are those to the account that touched them, in the order in which they were begun.
fn revocation_of<'a>(write: &Write, writes: &'a [Write]) -> Option<&'a Write> {
    let writes = writes.iter();
    let later = writes.skip_while(|other| other.intent.id != write.intent.id);
    let later: Vec<_> = later.collect();
    let revocations = ownerless(write).iter().map(|token| {
        let mut later = later.iter();
        later.find(|other| other.has_revoked(token)).copied()
    });
    let revocations: Option<Vec<_>> = revocations.collect();
    revocations?
        .into_iter()
        .max_by_key(|other| other.last_heard())
}

/// Returns what is known of a write, in a word.
fn state(write: &Write) -> &'static str {
    let is_open = write.is_open();
    match (&write.resolution, &write.outcome) {
        _ if is_open && !ownerless(write).is_empty() => "active_without_owner",
        (_, Some(_)) if is_open => "outcome_unknown",
        (_, None) if is_open => "no_outcome",
        (_, Some(outcome)) if outcome.result.is_ok() => "applied",
        (Some(Resolution::NotApplied), _) => "not_applied",
        (Some(Resolution::TakenBack(_)), _) => TAKEN_BACK,
        (Some(Resolution::Expired), _) => "expired",
        (Some(Resolution::Abandoned), _) => "abandoned",
        (Some(_), _) => "applied",
        (None, _) => "failed",
    }
}

/// Returns why a write is open, or what became of it.
fn why(write: &Write) -> String {
    let error = write
        .outcome
        .as_ref()
        .and_then(|outcome| outcome.result.as_ref().err());
    match (ownerless(write), error) {
        (tokens @ [_, ..], _) => {
            let tokens: Vec<String> = tokens.iter().map(displayed_id).collect();
            format!(
                "active, and nobody is known to have the secret: {}",
                tokens.join(", ")
            )
        }
        (_, Some(error)) => error.to_string(),
        (_, None) if write.is_open() => {
            "the program was stopped before the response arrived, or is still running".to_owned()
        }
        _ => String::new(),
    }
}

/// Lists the rotations and the writes that are open, or shows one operation. Nothing is sent.
pub(super) async fn run(
    global: &GlobalArguments,
    arguments: &OperationsArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    // The ledger does not know the tags, and simulated platforms have none.
    reject_options(
        "operations",
        &[
            ("--tag", !global.tags.is_empty()),
            ("--simulate", is_simulated(global)),
        ],
    )?;
    // The ledger has a place without a configuration too.
    let configuration = match configuration::find(global.config.as_deref()) {
        Ok(_) => configuration::load(global.config.as_deref(), Trust::Required)?,
        Err(_) => Configuration::default(),
    };
    if ledger::Place::read(&configuration)?.is_none() {
        return Err(ledger::turned_off().into());
    }
    let ledger = ledger::open_existing(&configuration).await?;
    let ledger = ledger.as_ref();
    if ledger.is_none() {
        print_warning("there is no ledger yet, so nothing is known of any change");
    }
    match &arguments.action {
        Some(OperationsAction::Show { id, .. }) => show(ledger, *id, output).await,
        Some(OperationsAction::List { exit_code, done }) => {
            let listed = if *done { Listed::Done } else { Listed::Open };
            let list = list(&configuration, ledger, global, (listed, *exit_code), output);
            list.await
        }
        _ => {
            let exit_code = arguments.exit_code;
            let list = list(
                &configuration,
                ledger,
                global,
                (Listed::Open, exit_code),
                output,
            );
            list.await
        }
    }
}

/// The operations that are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    /// Those that are open.
    Open,
    /// The rotations that are over.
    Done,
}

async fn list(
    configuration: &Configuration,
    ledger: Option<&Arc<dyn Ledger>>,
    global: &GlobalArguments,
    (listed, fails_if_open): (Listed, bool),
    output: &mut Output,
) -> Result<Exit, Failure> {
    let names = AccountNames::parse(&requested_names(global)?);
    let operations = match ledger {
        Some(ledger) if listed == Listed::Open => ledger.open_operations().await?,
        _ => Vec::new(),
    };
    let open = match listed {
        Listed::Open => rotations::open(ledger).await?,
        Listed::Done => rotations::closed(ledger).await?,
    };
    let recorded = operations
        .iter()
        .filter_map(|operation| operation.writes.first());
    let recorded = recorded.map(|write| &write.intent.account);
    let rotated = open.rotations.iter().map(|stored| &stored.record.account);
    let recorded = recorded.chain(rotated).map(Account::name);
    let configured = configuration.accounts().iter();
    let configured = configured.map(AccountConfiguration::name);
    names.check(configured.chain(recorded).collect())?;
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    let mut is_open = false;
    let is_selected = |account: &Account| {
        let is_of_provider = global.providers.is_empty()
            || (global.providers.iter()).any(|provider| provider == account.provider());
        names.matches(account.name()) && is_of_provider
    };
    for unreadable in &open.unreadable {
        is_open = true;
        print_warning(&unreadable.error.to_string());
    }
    for stored in &open.rotations {
        if is_selected(&stored.record.account) {
            is_open |= needs_a_person(stored);
            let object = RotationObject::new(stored);
            results.add(output, &object, object.operation_row())?;
        }
    }
    let lost = match ledger {
        Some(ledger) if listed == Listed::Open => {
            LostAccounts::read(&**ledger, configuration).await?
        }
        _ => LostAccounts::default(),
    };
    for (name, error) in lost.errors() {
        if names.matches(name) && global.providers.is_empty() {
            is_open = true;
            print_warning(&error.to_string());
        }
    }
    let plans = revocations::listed(ledger, listed).await?;
    for error in &plans.unreadable {
        is_open = true;
        print_warning(&error.to_string());
    }
    for stored in &plans.plans {
        is_open |= stored.waits_for_a_person();
        let object = PlanObject::new(stored).naming_lost(stored, |name| lost.contains(name));
        results.add(output, &object, object.operation_row())?;
    }
    let scheduled = match ledger {
        Some(ledger) if listed == Listed::Open => ledger.open_tasks_of(KIND).await?,
        _ => Vec::new(),
    };
    for task in scheduled.into_iter().filter_map(ScheduledTask::read) {
        let is_lost = lost.contains(&task.record.account);
        if let Some(object) = task.listed(is_lost)
            && names.matches(object.account)
            && global.providers.is_empty()
        {
            is_open = true;
            results.add(output, &object, object.row())?;
        }
    }
    let mut of_tasks = rotations::ids(&open);
    of_tasks.extend(plans.ids);
    for write in operations.iter().flat_map(|operation| operation.open()) {
        let is_of_task = of_tasks.contains(&write.intent.operation_id);
        if is_selected(&write.intent.account) && !is_of_task {
            is_open = true;
            let mut object = match ledger {
                Some(ledger) => WriteObject::read(&**ledger, write).await?,
                None => WriteObject::new(write),
            };
            let is_configured = configuration.account(object.account).is_ok();
            if !is_configured && !configuration.accounts().is_empty() {
                object.why += "; this configuration does not have its account";
            }
            results.add(output, &object, object.row())?;
        }
    }
    results.finish(output)?;
    Ok(match (fails_if_open, ledger) {
        (true, None) => Exit::OutcomeUnknown,
        (true, Some(_)) if is_open => Exit::AnswerIsNo,
        _ => Exit::Success,
    })
}

async fn show(
    ledger: Option<&Arc<dyn Ledger>>,
    id: OperationId,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (rotation, writes) = match ledger {
        Some(ledger) => (rotations::find(ledger, id).await?, ledger.writes(id).await?),
        None => (None, Vec::new()),
    };
    if let Some(ledger) = ledger
        && revocations::show(&**ledger, id, output).await?
    {
        return Ok(Exit::Success);
    }
    let task = match ledger {
        Some(ledger) => ledger.task(id).await?.and_then(ScheduledTask::read),
        None => None,
    };
    if rotation.is_none() && writes.is_empty() && task.is_none() {
        return Err(unknown(id).into());
    }
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    if let Some(task) = &task {
        let object = task.object();
        results.add(output, &object, object.row())?;
    }
    if let Some(stored) = &rotation {
        let object = RotationObject::new(stored);
        if output.format() == Format::Table {
            output.sentences(INDENT, object.lines())?;
            if !writes.is_empty() {
                output.text(b"\n")?;
            }
        } else {
            results.add(output, &object, object.operation_row())?;
        }
    }
    for write in &writes {
        let object = match ledger {
            Some(ledger) => WriteObject::read(&**ledger, write).await?,
            None => WriteObject::new(write),
        };
        results.add(output, &object, object.row())?;
    }
    results.finish(output)?;
    Ok(Exit::Success)
}

/// Creates the error for an id that the ledger does not know.
fn unknown(id: OperationId) -> Error {
    let message = format!("the ledger knows no operation {id}");
    let list = command_line("operations");
    Error::new(ErrorKind::NotFound, Fate::NotSent, message)
        .with_advice(format!("`{list}` lists those that are open"))
}

/// Returns the ids in a text for people.
fn ids_text(ids: &[TokenId]) -> String {
    super::confirm::id_list(ids)
}
