//! What is refused or asked before tokens are revoked.

use std::io::{self, BufRead, IsTerminal, Write};

use tokenfleet::capability::OperationCall;
use tokenfleet::{
    Error, Operation, Result, RevocationEffect, RevokeOptions, TokenId, TokenProvider, TokenRef,
};

use super::write::Subject;
use crate::output::{of_id, visible};

/// More ids than anybody reads in a question.
const SHOWN: usize = 20;

/// Refuses what cannot work before anybody is asked to agree to it.
pub(super) fn check(
    provider: &dyn TokenProvider,
    token: TokenRef<'_>,
    options: &RevokeOptions,
) -> Result<()> {
    // Only consent can be missing once the rest is right.
    let consent = RevokeOptions::accept_replacement();
    let capabilities = provider.capabilities();
    let checked = capabilities
        .check(OperationCall::Revoke(token, &consent))
        .and_then(|()| {
            let checked = capabilities.check(OperationCall::Revoke(token, options));
            checked.map_err(|error| {
                error.with_advice(
                    "agree with --accept-replacement, and store or discard the new secret",
                )
            })
        });
    checked.map_err(|error| subject(token).of(error).with_account(provider.account()))
}

/// Refuses a plan where no token can be revoked by its id, before anything is read.
pub(super) fn check_planning(provider: &dyn TokenProvider) -> Result<()> {
    // Any id serves to ask, and consent is asked for when it is carried out.
    let id = TokenId::new("any");
    let consent = RevokeOptions::accept_replacement();
    let checked = provider
        .capabilities()
        .check(OperationCall::Revoke((&id).into(), &consent));
    checked.map_err(|error| {
        error
            .with_account(provider.account())
            .with_operation(Operation::Revoke)
    })
}

fn subject<'a>(token: TokenRef<'a>) -> Subject<'a> {
    match token {
        TokenRef::Id(id) => Subject::Id(id),
        _ => Subject::Unnamed,
    }
}

/// The ids, or the first of many.
pub(super) fn list<'a>(ids: impl IntoIterator<Item = &'a TokenId>) -> String {
    let mut ids: Vec<_> = ids.into_iter().map(of_id).collect();
    if ids.len() > SHOWN {
        ids.truncate(SHOWN);
        ids.push("…".to_owned());
    }
    ids.join(", ")
}

/// Asks the person at the terminal; where there is none, `--yes` is the only way to agree.
///
/// Without ids it is about the token of a secret.
pub(super) fn agreed(provider: &dyn TokenProvider, ids: &[TokenId]) -> Result<()> {
    can_ask(provider)?;
    let question = visible(&question(provider, ids));
    let mut answer = String::new();
    // An answer that cannot be read is a no.
    let _ = io::stderr().write_all(question.as_bytes());
    let _ = io::stdin().lock().read_line(&mut answer);
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Error::invalid_input("nothing was revoked").with_account(provider.account())),
    }
}

/// Whether there is anybody to ask.
pub(super) fn can_ask(provider: &dyn TokenProvider) -> Result<()> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(
            Error::invalid_input("there is no terminal to ask whether to revoke")
                .with_account(provider.account())
                .with_operation(Operation::Revoke)
                .with_advice("agree with --yes"),
        );
    }
    Ok(())
}

/// Which tokens die, and what remains of them.
fn question(provider: &dyn TokenProvider, ids: &[TokenId]) -> String {
    let what = match ids {
        [] => "the token with that secret".to_owned(),
        [id] => format!("the token {}", of_id(id)),
        ids => format!("{} tokens ({})", ids.len(), list(ids)),
    };
    let effect = provider.capabilities().revoke.as_ref();
    let remains = match effect.map(|revoke| revoke.effect) {
        Some(RevocationEffect::Deleted) => "; nothing remains",
        Some(RevocationEffect::Marked) => "; the record remains, marked as revoked",
        Some(RevocationEffect::Replaced) => "; a new secret takes its place",
        _ => "",
    };
    format!(
        "Revoke {what} of {} for good{remains}? [y/N] ",
        provider.account()
    )
}
