//! Every operation of every platform under every fault of the simulators: the reported outcome, the
//! number of requests, and the effects.
//!
//! `docs/FAULT-MATRIX.md` holds the results;
//! `TOKENFLEET_WRITE=1 cargo test -p tokenfleet-tests --test fault_matrix` writes it.

mod cell;
mod columns;
mod document;
mod effects;
mod rows;

use std::thread;

use cell::{Occurrence, try_cell};
use columns::columns;
use document::{LEGEND, table};
use rows::rows;
use tokenfleet_tests::{ACCOUNTS, assert_document, assert_every_action_is_tried};

#[test]
fn every_fault_action_is_tried() {
    assert_every_action_is_tried(rows().iter().flat_map(|row| &row.actions));
}

/// Tries every fault at an account, and returns its table and the violations.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn try_account(account: (&'static str, &'static str)) -> (String, Vec<String>) {
    let mut lines = Vec::new();
    let mut violations = Vec::new();
    for row in rows() {
        for occurrence in [Occurrence::Once, Occurrence::Always] {
            let mut cells = Vec::new();
            for column in columns(account) {
                let cell = try_cell(account, &column, &row, occurrence).await;
                let case = format!("{account:?}, {}, {}, {occurrence:?}", column.name, row.name);
                violations.extend(cell.violations.iter().map(|why| format!("{case}: {why}")));
                cells.push(cell);
            }
            lines.push((row.name.clone(), occurrence, cells));
        }
    }
    (table(account, &lines), violations)
}

#[test]
fn no_fault_repeats_or_hides_a_write_hangs_panics_or_leaks_a_secret() {
    let tried = thread::scope(|scope| {
        let threads = ACCOUNTS.map(|account| scope.spawn(move || try_account(account)));
        threads.map(|thread| thread.join().unwrap())
    });
    let (tables, violations): (Vec<_>, Vec<_>) = tried.into_iter().unzip();
    let violations = violations.concat();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    let text = format!("{LEGEND}{}", tables.concat());
    assert_document("FAULT-MATRIX.md", text.trim_end());
}
