//! `explain`: the steps in which `list` would find the tokens.

use serde::Serialize;
use tokenfleet::{Account, Error, ErrorKind, Plan, Result};

use super::list;
use crate::accounts::Accounts;
use crate::arguments::ExplainArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results, print_error};

/// The columns by which a step that goes on below is indented.
const INDENT: usize = 4;

const COLUMNS: [&str; 4] = ["account", "provider", "step", "what"];

pub(crate) fn run(
    accounts: &Accounts,
    arguments: &ExplainArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let query = list::build_query(accounts, &arguments.list)?;
    let plans = accounts.fleet().explain(&query);
    let objects = (plans.iter()).map(|(account, plan)| object(account, plan, arguments.tokens));
    let objects: Vec<_> = objects.collect();
    match output.format() {
        Format::Json => output.object(&Explanation { accounts: objects })?,
        Format::Ndjson => (objects.iter()).try_for_each(|account| output.object(account))?,
        Format::Csv => rows(&objects, output)?,
        Format::Table => {
            let blocks = objects
                .iter()
                .map(|account| account.block(arguments.tokens));
            output.paragraphs(INDENT, blocks)?;
        }
    }
    Ok(exit_code(&plans, requested_format, output))
}

/// Prints the failures and returns the exit code that `list` would have.
///
/// An account that cannot be listed counts as a failure only if none can be listed.
fn exit_code(
    plans: &[(Account, Result<Plan>)],
    requested_format: Option<Format>,
    output: &Output,
) -> Exit {
    let errors = || plans.iter().filter_map(|(_, plan)| plan.as_ref().err());
    let unlistable = errors().filter(|error| is_unlistable(error)).count();
    let none_listable = unlistable == plans.len();
    let failures: Vec<_> = errors()
        .filter(|error| none_listable || !is_unlistable(error))
        .collect();
    if !output.is_table_beside_errors() {
        failures
            .iter()
            .for_each(|error| print_error(requested_format, error));
    }
    match failures.len() {
        0 => Exit::Success,
        failed if none_listable || failed == plans.len() - unlistable => {
            Exit::combine(failures.into_iter().map(Exit::from_error))
        }
        _ => Exit::Incomplete,
    }
}

fn is_unlistable(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported
}

#[derive(Serialize)]
struct Explanation {
    accounts: Vec<Object>,
}

#[derive(Serialize)]
struct Object {
    account: String,
    provider: String,
    /// The steps, or `None` if nothing would be read for the reason below.
    steps: Option<Vec<String>>,
    reason: Option<String>,
    /// The number of requests for `--tokens`, or `None` if it depends on the size of the pages.
    requests: Option<u64>,
}

fn object(account: &Account, plan: &Result<Plan>, tokens: Option<u64>) -> Object {
    let steps = |plan: &Plan| plan.to_string().lines().map(str::to_owned).collect();
    let reason = |error: &Error| {
        if is_unlistable(error) {
            "cannot be listed".to_owned()
        } else {
            error.to_string()
        }
    };
    Object {
        account: account.name().to_owned(),
        provider: account.provider().to_owned(),
        steps: plan.as_ref().ok().map(steps),
        reason: plan.as_ref().err().map(reason),
        requests: (plan.as_ref().ok())
            .zip(tokens)
            .and_then(|(plan, tokens)| plan.requests(tokens)),
    }
}

impl Object {
    /// Returns the lines that describe the account.
    fn block(&self, tokens: Option<u64>) -> Vec<String> {
        let mut lines = vec![format!("{} ({})", self.account, self.provider)];
        let steps = self.steps.iter().flatten().chain(&self.reason);
        lines.extend(steps.map(|line| format!("  {line}")));
        if let (Some(_), Some(tokens)) = (&self.steps, tokens) {
            lines.push(match self.requests {
                Some(1) => format!("  for {tokens} tokens: 1 request"),
                Some(requests) => format!("  for {tokens} tokens: about {requests} requests"),
                None => "  the number of requests depends on the platform's page size".to_owned(),
            });
        }
        lines
    }
}

/// Prints one row per step.
fn rows(objects: &[Object], output: &mut Output) -> std::io::Result<()> {
    let mut results = Results::with_columns(&COLUMNS);
    for object in objects {
        let steps = object.steps.iter().flatten().chain(&object.reason);
        for (step, what) in (1..).zip(steps) {
            let step: u32 = step;
            let row = [&object.account, &object.provider, &step.to_string(), what];
            results.add(output, object, row.map(String::clone).to_vec())?;
        }
    }
    results.finish(output)
}
