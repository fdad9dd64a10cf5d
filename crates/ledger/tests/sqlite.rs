//! The ledger in a file keeps the laws.

#![allow(clippy::unwrap_used)]

mod support;

use support::block_on;
use tokenfleet_ledger::{SqliteLedger, laws};

/// Gives a check an empty ledger in a folder of its own.
fn with_fresh<T>(check: impl AsyncFnOnce(&SqliteLedger) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let ledger = SqliteLedger::open(folder.path().join("ledger.db")).await;
        check(&ledger.unwrap()).await
    })
}

#[test]
fn every_named_law_is_kept() {
    let violations = laws::ALL.into_iter().filter_map(|(name, law)| {
        let kept = with_fresh(async |ledger| law(ledger).await);
        kept.err().map(|violation| format!("{name}: {violation}"))
    });
    let violations: Vec<String> = violations.collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn random_histories_are_remembered() {
    let kept = laws::check_random_histories(24, |history| {
        with_fresh(async |ledger| history.check(ledger).await)
    });
    kept.unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn random_writes_are_remembered() {
    let kept = laws::check_random_writes(24, |history| {
        with_fresh(async |ledger| history.check(ledger).await)
    });
    kept.unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn random_tasks_are_carried_on_by_one_worker_at_a_time() {
    let kept = laws::check_random_tasks(24, |history| {
        with_fresh(async |ledger| history.check(ledger).await)
    });
    kept.unwrap_or_else(|violation| panic!("{violation}"));
}
