//! `reconcile`: the outcome of a creation that carried a marker.

use std::io;

use serde::Serialize;
use tokenfleet::workflow::{Marker, Reconciliation, RevokeManyOptions, UnknownWrite};
use tokenfleet::{
    CreateToken, Operation, Result, RevocationPlan, Token, TokenProvider, TokenProviderExt,
};

use super::{confirm, question, revoke};
use crate::accounts::Accounts;
use crate::arguments::{PlaceArguments, ReconcileArguments};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results, TokenObject};
use crate::progress::with_progress;

const COLUMNS: [&str; 5] = ["outcome", "id", "name", "state", "reason"];

#[derive(Serialize)]
struct ReconciliationObject<'a> {
    outcome: &'static str,
    reason: Option<&'a str>,
    tokens: Vec<TokenObject<'a>>,
}

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: ReconcileArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = &*accounts.single()?;
    let account = provider.account();
    let ReconcileArguments {
        marker,
        name,
        revoke,
        yes: is_confirmed,
    } = arguments;
    if revoke {
        confirm::check_revocable_by_id(provider, "cannot revoke")?;
        if !is_confirmed {
            question::require_terminal(provider, Operation::Revoke)?;
        }
    }
    let reading = || format!("reading {account}");
    let found = with_progress(reading, find(provider, &marker, name.as_deref())).await?;
    match &found {
        Reconciliation::Applied(tokens) if revoke => {
            let plan = RevocationPlan::from_tokens(account, tokens);
            let options = RevokeManyOptions::default();
            let place = PlaceArguments::default();
            let exits = revoke::confirm_and_revoke(
                accounts,
                vec![(provider, plan)],
                options,
                is_confirmed,
                &place,
                requested_format,
                output,
            );
            Ok(Exit::combine(exits.await?))
        }
        Reconciliation::Applied(tokens) => {
            Exit::Success.after_writing(print(provider, output, "applied", tokens, None))
        }
        Reconciliation::NotApplied => {
            Exit::NotFound.after_writing(print(provider, output, "not_applied", &[], None))
        }
        Reconciliation::Unknown { reason, .. } => {
            let written = print(provider, output, "unknown", &[], Some(reason));
            Exit::OutcomeUnknown.after_writing(written)
        }
        _ => Ok(Exit::OutcomeUnknown),
    }
}

/// Finds the tokens that bear the marker, if this platform's tokens can bear one.
async fn find(
    provider: &dyn TokenProvider,
    marker: &Marker,
    name: Option<&str>,
) -> Result<Reconciliation> {
    let mut marked_name = None;
    if let Some(create) = &provider.capabilities().create {
        let request = match name {
            Some(name) => CreateToken::new(name),
            None => CreateToken::unnamed(),
        };
        // This fails where tokens cannot bear a marker, and returns the name as it was sent.
        let marked = marker.apply_to(request, create).map_err(|error| {
            error
                .with_account(provider.account())
                .with_operation(Operation::List)
        })?;
        marked_name = marked.name.filter(|_| name.is_some());
    }
    let name = marked_name.as_deref();
    provider
        .reconcile(UnknownWrite::Marked { marker, name })
        .await
}

/// Prints a row for each token, or a single row if there is none.
fn print(
    provider: &dyn TokenProvider,
    output: &mut Output,
    outcome: &'static str,
    tokens: &[Token],
    reason: Option<&str>,
) -> io::Result<()> {
    if matches!(output.format(), Format::Json | Format::Ndjson) {
        let account = provider.account();
        let objects = tokens.iter();
        let object = ReconciliationObject {
            outcome,
            reason,
            tokens: objects
                .map(|token| TokenObject::new(account, token, None))
                .collect(),
        };
        return output.object(&object);
    }
    let mut results = Results::with_columns(&COLUMNS);
    let reason = reason.unwrap_or_default();
    let row = |token: Option<&Token>| {
        let name = token.and_then(|token| token.name.known().cloned());
        vec![
            outcome.to_owned(),
            token.map(|token| token.id.to_string()).unwrap_or_default(),
            name.unwrap_or_default(),
            token.map_or("", |token| token.state.as_str()).to_owned(),
            reason.to_owned(),
        ]
    };
    if tokens.is_empty() {
        results.add(output, &(), row(None))?;
    }
    for token in tokens {
        results.add(output, &(), row(Some(token)))?;
    }
    results.finish(output)
}
