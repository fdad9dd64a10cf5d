//! `explain`: how `list` would find the tokens, step by step.

use serde::Serialize;
use tokenfleet::{Account, Error, ErrorKind, Plan, Result};

use super::list;
use crate::accounts::Accounts;
use crate::arguments::ExplainArguments;
use crate::output::{Format, Output, Results, complain};
use crate::stop::{Code, Stop};

const NAMES: [&str; 4] = ["account", "provider", "step", "what"];

pub(crate) fn run(
    accounts: &Accounts,
    arguments: &ExplainArguments,
    asked_for: Option<Format>,
    output: &mut Output,
) -> Result<Code, Stop> {
    let query = list::chosen_query(accounts, &arguments.list)?;
    let plans = accounts.chosen()?.explain(&query);
    let objects = (plans.iter()).map(|(account, plan)| object(account, plan, arguments.tokens));
    let objects: Vec<_> = objects.collect();
    match output.format() {
        Format::Json => output.object(&Whole { accounts: objects })?,
        Format::Ndjson => (objects.iter()).try_for_each(|account| output.object(account))?,
        Format::Csv => rows(&objects, output)?,
        Format::Table => {
            let blocks = objects
                .iter()
                .map(|account| account.block(arguments.tokens));
            output.paragraphs(blocks)?;
        }
    }
    Ok(judge(&plans, asked_for, output))
}

/// Ends as `list` would: an account that cannot be listed is no failure where others can.
fn judge(plans: &[(Account, Result<Plan>)], asked_for: Option<Format>, output: &Output) -> Code {
    let failures = || plans.iter().filter_map(|(_, plan)| plan.as_ref().err());
    let unlistable = failures().filter(|error| is_unlistable(error)).count();
    let all = unlistable == plans.len();
    let told: Vec<_> = failures()
        .filter(|error| all || !is_unlistable(error))
        .collect();
    if !output.is_read_by_people() {
        told.iter().for_each(|error| complain(asked_for, error));
    }
    match told.len() {
        0 => Code::Well,
        failed if all || failed == plans.len() - unlistable => {
            Code::of_all(told.into_iter().map(Code::of))
        }
        _ => Code::Incomplete,
    }
}

fn is_unlistable(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported
}

#[derive(Serialize)]
struct Whole {
    accounts: Vec<Object>,
}

#[derive(Serialize)]
struct Object {
    account: String,
    provider: String,
    /// `None` where nothing would be read, for the reason below.
    steps: Option<Vec<String>>,
    reason: Option<String>,
    /// For the number of tokens that was asked about; `None` also where the platform decides how large a page is.
    requests: Option<u64>,
}

fn object(account: &Account, plan: &Result<Plan>, tokens: Option<u64>) -> Object {
    let steps = |plan: &Plan| plan.to_string().lines().map(str::to_owned).collect();
    let reason = |error: &Error| match is_unlistable(error) {
        true => "cannot be listed".to_owned(),
        false => error.to_string(),
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
    /// The account, and what there is to say of it.
    fn block(&self, tokens: Option<u64>) -> Vec<String> {
        let mut lines = vec![format!("{} ({})", self.account, self.provider)];
        let said = self.steps.iter().flatten().chain(&self.reason);
        lines.extend(said.map(|line| format!("  {line}")));
        if let (Some(_), Some(tokens)) = (&self.steps, tokens) {
            lines.push(match self.requests {
                Some(1) => format!("  for {tokens} tokens: 1 request"),
                Some(requests) => format!("  for {tokens} tokens: about {requests} requests"),
                None => "  how many requests it takes is up to the platform".to_owned(),
            });
        }
        lines
    }
}

/// A row for each step.
fn rows(objects: &[Object], output: &mut Output) -> std::io::Result<()> {
    let mut results = Results::under(&NAMES);
    for object in objects {
        let said = object.steps.iter().flatten().chain(&object.reason);
        for (step, what) in (1..).zip(said) {
            let step: u32 = step;
            let row = [&object.account, &object.provider, &step.to_string(), what];
            results.add(output, object, row.map(String::clone).to_vec())?;
        }
    }
    results.finish(output)
}
