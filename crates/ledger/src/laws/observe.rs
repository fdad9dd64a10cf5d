//! Whole answers of a ledger, collected from their pages.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::num::NonZeroUsize;

use tokenfleet_core::{ErrorKind, Result, Timestamp, Token, TokenId};

use crate::{Change, Ledger, PageRequest, Snapshot, Source, Span, Verdict, Version};

/// The tokens of a state by their ids.
pub(super) type State = BTreeMap<TokenId, Token>;

/// Returns a violation unless two values are equal.
pub(super) fn ensure_eq<T: PartialEq + Debug>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, expected {expected:?}"))
}

/// Returns a violation unless a call failed with an error of this kind.
pub(super) fn ensure_refused<T: Debug>(
    what: &str,
    found: Result<T>,
    expected: ErrorKind,
) -> Result<(), String> {
    match found {
        Err(error) if error.kind() == expected => Ok(()),
        found => Err(format!("{what}: found {found:?}, expected {expected:?}")),
    }
}

/// Returns the violation of a call that failed.
pub(super) fn works<T>(what: &str, found: Result<T>) -> Result<T, String> {
    found.map_err(|error| format!("{what} failed: {error}"))
}

/// Collects a state, page by page.
pub(super) async fn state(
    ledger: &dyn Ledger,
    account: &Source,
    at: Timestamp,
    limit: NonZeroUsize,
) -> Result<State> {
    let mut state = State::new();
    let mut page = PageRequest::new(limit);
    loop {
        let part = ledger.state(account, at, &page).await?;
        let tokens = part.items.into_iter();
        state.extend(tokens.map(|token| (token.id.clone(), token)));
        if part.next.is_none() {
            return Ok(state);
        }
        page.after = part.next;
    }
}

/// Collects a difference, page by page.
pub(super) async fn diff(
    ledger: &dyn Ledger,
    account: &Source,
    span: Span,
    limit: NonZeroUsize,
) -> Result<BTreeMap<TokenId, Change>> {
    let mut changes = BTreeMap::new();
    let mut page = PageRequest::new(limit);
    loop {
        let part = ledger.diff(account, span, &page).await?;
        let part_changes = part.items.into_iter();
        changes.extend(part_changes.map(|change| (change.token().id.clone(), change)));
        if part.next.is_none() {
            return Ok(changes);
        }
        page.after = part.next;
    }
}

/// Collects all versions by token, page by page.
pub(super) async fn versions(
    ledger: &dyn Ledger,
    account: &Source,
    limit: NonZeroUsize,
) -> Result<BTreeMap<TokenId, Vec<Version>>> {
    let mut all = BTreeMap::new();
    let mut page = PageRequest::new(limit);
    loop {
        let part = ledger.versions(account, &page).await?;
        let mut of_page = BTreeMap::<_, Vec<_>>::new();
        for version in part.items {
            let id = version.token.id.clone();
            of_page.entry(id).or_default().push(version);
        }
        // A token that a page splits has the versions of its last page only.
        all.extend(of_page);
        if part.next.is_none() {
            return Ok(all);
        }
        page.after = part.next;
    }
}

/// Takes a snapshot whose tokens come in batches of a size.
pub(super) async fn record(
    ledger: &dyn Ledger,
    account: &Source,
    at: Timestamp,
    tokens: &[Token],
    batch: NonZeroUsize,
    verdict: &Verdict,
) -> Result<Snapshot> {
    let mut recorder = ledger.begin(account, at).await?;
    for batch in tokens.chunks(batch.get()) {
        recorder.record(batch).await?;
    }
    recorder.close(verdict.clone()).await
}
