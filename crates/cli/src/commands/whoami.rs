//! `whoami`: the identity of each account.

use std::sync::Arc;

use serde::Serialize;
use tokenfleet::{Account, Error, ErrorKind, Fate, Identity, Result, TokenProvider, Verdict};
use tokio::task::JoinHandle;

use crate::accounts::Accounts;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results, print_error};

/// The columns that a narrow terminal leaves out.
const LESS_IMPORTANT: [&str; 3] = ["email", "kind", "provider"];

const COLUMNS: [&str; 7] = [
    "account", "provider", "id", "name", "kind", "email", "reason",
];

/// The identity of an account, or the reason why nobody knows it.
#[derive(Serialize)]
struct IdentityObject {
    account: String,
    provider: String,
    identity: Option<Identity>,
    reason: Option<String>,
}

pub(crate) async fn run(
    accounts: &Accounts,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    // All accounts are asked at once: a slow platform must not delay the others.
    let opened = accounts.open_each().into_iter();
    let questions = opened.map(|opened| opened.map(ask));
    let questions: Vec<_> = accounts.each().zip(questions).collect();
    let mut objects = Vec::new();
    let (mut failures, mut unsupported) = (Vec::new(), 0);
    for (account, question) in questions {
        let answer = match question {
            Ok(answer) => answer.await.unwrap_or_else(|_| {
                let message = "the question was not answered";
                Err(Error::new(ErrorKind::Other, Fate::Rejected, message))
            }),
            Err(error) => Err(error),
        };
        if let Err(error) = &answer {
            if error.kind() == ErrorKind::Unsupported {
                unsupported += 1;
            } else {
                if !output.is_table_beside_errors() {
                    print_error(requested_format, error);
                }
                failures.push(Exit::from_error(error));
            }
        }
        objects.push(object(account, answer));
    }
    let answered = objects.iter().filter(|object| object.identity.is_some());
    let answered = answered.count();
    let described = objects.into_iter().map(|object| {
        let row = row(&object);
        (object, row)
    });
    let results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    output.accounts(results, described.collect())?;
    Ok(match (answered, failures.is_empty()) {
        (0, true) if unsupported > 0 => Exit::Unsupported,
        (_, true) => Exit::Success,
        (0, false) => Exit::combine(failures),
        (_, false) => Exit::Incomplete,
    })
}

/// Asks in a task of its own whom an account acts as.
fn ask(provider: Arc<dyn TokenProvider>) -> JoinHandle<Result<Identity>> {
    tokio::spawn(async move { provider.whoami().await })
}

fn object(account: &Account, answer: Result<Identity>) -> IdentityObject {
    let (identity, reason) = match answer {
        Ok(identity) => (Some(identity), None),
        // The account is named beside it.
        Err(error) => (None, Verdict::Failed(error).reason()),
    };
    IdentityObject {
        account: account.name().to_owned(),
        provider: account.provider().to_owned(),
        identity,
        reason,
    }
}

fn row(object: &IdentityObject) -> Vec<String> {
    let principal = object.identity.as_ref().map(|identity| &identity.principal);
    let email = object.identity.as_ref();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    vec![
        object.account.clone(),
        object.provider.clone(),
        text(principal.map(|principal| principal.id())),
        text(principal.and_then(|principal| principal.name())),
        text(principal.and_then(|principal| principal.kind())),
        text(email.and_then(|identity| identity.email.known().map(String::as_str))),
        text(object.reason.as_deref()),
    ]
}
