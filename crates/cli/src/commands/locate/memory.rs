//! What the ledger remembers of the token that a refused secret names.

use std::sync::Arc;

use tokenfleet::{Account, Result, SecretShape, TokenId};
use tokenfleet_ledger::{Ledger, Version};

use super::candidate::{Answer, Candidate};
use crate::accounts::Accounts;
use crate::ledger;
use crate::output::{describe_end, displayed_id, print_warning};
use crate::program_name;

/// Adds to each account that does not accept the secret what became of the token that the secret
/// names. Anybody can write a secret that names any token, so it is not said to be that token's.
pub(super) async fn recall(accounts: &Accounts, candidates: &mut [Candidate]) {
    let refused = |candidate: &&mut Candidate| {
        matches!(
            candidate.answer,
            Answer::Dead | Answer::Unknown | Answer::Failed
        ) && named(candidate).is_some()
    };
    let mut refused = candidates.iter_mut().filter(refused).peekable();
    if refused.peek().is_none() {
        return;
    }
    let opened = ledger::open_existing(accounts.configuration()).await;
    let recalled = async {
        let Some(ledger) = opened? else {
            return Ok::<_, tokenfleet::Error>(());
        };
        for candidate in refused {
            let Some(id) = named(candidate) else {
                continue;
            };
            if let Some(text) = describe(&ledger, &candidate.account, &id).await? {
                candidate.reason = Some(match candidate.reason.take() {
                    Some(reason) => format!("{reason}; {text}"),
                    None => text,
                });
            }
        }
        Ok(())
    };
    // The answers of the platforms count without it.
    if let Err(error) = recalled.await {
        print_warning(&error.to_string());
    }
}

/// Returns the id of the token that the secret names.
fn named(candidate: &Candidate) -> Option<TokenId> {
    match &candidate.shape {
        Some(SecretShape::Recognized { id }) => id.clone(),
        _ => None,
    }
}

/// Describes the last that is known of a token, if anything is: how it was revoked, if the ledger
/// has that, or else what the snapshots saw.
async fn describe(
    ledger: &Arc<dyn Ledger>,
    account: &Account,
    id: &TokenId,
) -> Result<Option<String>> {
    let mut last: Option<Version> = None;
    for source in ledger.accounts().await? {
        if source.account != *account {
            continue;
        }
        let versions = ledger.history(&source, id).await?;
        last = versions.into_iter().chain(last).max_by_key(|one| one.from);
    }
    let writes = ledger.writes_to(account, std::slice::from_ref(id)).await?;
    if let Some(write) = writes.iter().rev().find(|write| write.has_revoked(id)) {
        let version = last.as_ref();
        let name = version.and_then(|version| version.token.name.known().cloned());
        let name = name.or_else(|| write.intent.name.clone());
        let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
        let reason = write.intent.reason.as_ref();
        let reason = reason.map(|reason| format!(": {reason}"));
        return Ok(Some(format!(
            "it names the token {}{name}, which {} revoked at {}{}",
            displayed_id(id),
            program_name::get(),
            write.last_heard().truncated_to_seconds(),
            reason.unwrap_or_default()
        )));
    }
    Ok(last.map(|Version { to, token, .. }| {
        let name = token.name.known().map(|name| format!(" ({name})"));
        let name = name.unwrap_or_default();
        let id = displayed_id(id);
        match to {
            Some(to) => format!(
                "it names the token {id}{name}, which had vanished by {}: {}",
                to.truncated_to_seconds(),
                describe_end(&token, to)
            ),
            None => format!("it names the token {id}{name}, which the last snapshot still had"),
        }
    }))
}
