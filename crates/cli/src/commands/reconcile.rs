//! `reconcile`: what became of a creation that carried a marker.

use std::io;

use serde::Serialize;
use tokenfleet::workflow::{Marker, Reconciliation, RevokeManyOptions, UnknownWrite};
use tokenfleet::{
    CreateToken, Operation, Result, RevocationPlan, Token, TokenProvider, TokenProviderExt,
};

use super::{consent, revoke};
use crate::accounts::Accounts;
use crate::arguments::ReconcileArguments;
use crate::output::{Format, Output, Results, TokenObject};
use crate::progress::showing;
use crate::stop::{Code, Stop};

const NAMES: [&str; 5] = ["outcome", "id", "name", "state", "reason"];

/// `{"outcome","reason","tokens"}`.
#[derive(Serialize)]
struct ReconciliationObject<'a> {
    outcome: &'static str,
    reason: Option<&'a str>,
    tokens: Vec<TokenObject<'a>>,
}

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: ReconcileArguments,
    asked_for: Option<Format>,
    output: &mut Output,
) -> Result<Code, Stop> {
    let provider = accounts.one()?;
    let account = provider.account();
    let ReconcileArguments { marker, name, .. } = &arguments;
    if arguments.revoke {
        consent::check_planning(&*provider)?;
        if !arguments.yes {
            consent::can_ask(&*provider)?;
        }
    }
    let reading = || format!("reading {account}");
    let found = showing(reading, find(&*provider, marker, name.as_deref())).await?;
    match &found {
        Reconciliation::Applied(tokens) if arguments.revoke => {
            let plan = RevocationPlan::from_tokens(account, tokens);
            let options = RevokeManyOptions::default();
            let yes = arguments.yes;
            let codes = revoke::agree_and_revoke(&*provider, plan, options, yes, asked_for, output);
            Ok(Code::of_all(codes.await?))
        }
        Reconciliation::Applied(tokens) => {
            let written = print(&*provider, output, "applied", tokens, None);
            Code::Well.if_written(written)
        }
        Reconciliation::NotApplied => {
            let written = print(&*provider, output, "not_applied", &[], None);
            Code::NotFound.if_written(written)
        }
        Reconciliation::Unknown { reason, .. } => {
            let written = print(&*provider, output, "unknown", &[], Some(reason));
            Code::OutcomeUnknown.if_written(written)
        }
        _ => Ok(Code::OutcomeUnknown),
    }
}

/// Looks for the tokens that bear the marker: by the name first, if one was given, and then among all. A name that is not
/// quite right must not make a living token look as if it did not exist.
async fn find(
    provider: &dyn TokenProvider,
    marker: &Marker,
    name: Option<&str>,
) -> Result<Reconciliation> {
    let in_context = |error: tokenfleet::Error| {
        error
            .with_account(provider.account())
            .with_operation(Operation::List)
    };
    if let Some(create) = &provider.capabilities().create {
        let request = match name {
            Some(name) => CreateToken::new(name),
            None => CreateToken::unnamed(),
        };
        // Refuses where no token can bear one, and tells the name that the token was really given.
        let marked = marker.apply_to(request, create).map_err(in_context)?;
        if name.is_some() {
            let name = marked.name.as_deref();
            let found = provider
                .reconcile(UnknownWrite::Marked { marker, name })
                .await?;
            if matches!(found, Reconciliation::Applied(_)) {
                return Ok(found);
            }
        }
    }
    let lost = UnknownWrite::Marked { marker, name: None };
    provider.reconcile(lost).await
}

/// A row for each token, or one that says that there is none.
fn print(
    provider: &dyn TokenProvider,
    output: &mut Output,
    outcome: &'static str,
    tokens: &[Token],
    reason: Option<&str>,
) -> io::Result<()> {
    if matches!(output.format(), Format::Json | Format::Ndjson) {
        let objects = tokens.iter();
        let object = ReconciliationObject {
            outcome,
            reason,
            tokens: objects
                .map(|token| TokenObject::new(provider.account(), token, None))
                .collect(),
        };
        return output.object(&object);
    }
    let mut results = Results::under(&NAMES);
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
