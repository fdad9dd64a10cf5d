//! The ledger in memory keeps the laws.

#![allow(clippy::unwrap_used)]

use tokenfleet_ledger::{MemoryLedger, laws};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

#[test]
fn every_named_law_is_kept() {
    let violations = laws::ALL.into_iter().filter_map(|(name, law)| {
        let kept = block_on(law(&MemoryLedger::new()));
        kept.err().map(|violation| format!("{name}: {violation}"))
    });
    let violations: Vec<String> = violations.collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn random_histories_are_remembered() {
    let kept =
        laws::check_random_histories(512, |history| block_on(history.check(&MemoryLedger::new())));
    kept.unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn random_writes_are_remembered() {
    let kept =
        laws::check_random_writes(512, |history| block_on(history.check(&MemoryLedger::new())));
    kept.unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn random_tasks_are_carried_on_by_one_worker_at_a_time() {
    let kept =
        laws::check_random_tasks(512, |history| block_on(history.check(&MemoryLedger::new())));
    kept.unwrap_or_else(|violation| panic!("{violation}"));
}
