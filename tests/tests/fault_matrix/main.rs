//! Every fault of the simulators under every operation of every platform: what the caller is told, what the platform saw, and
//! what is left behind. `docs/FAULT-MATRIX.md` holds the result;
//! `TOKENFLEET_WRITE=1 cargo test -p tokenfleet-tests --test fault_matrix` writes it.

mod cell;
mod columns;
mod document;
mod rows;
mod witness;

use std::thread;

use cell::{Meets, try_cell};
use columns::columns;
use document::{LEGEND, table};
use rows::rows;
use tokenfleet_tests::{ACCOUNTS, action_name, assert_document, declared_actions};

#[test]
fn no_fault_is_left_out() {
    let rows = rows();
    let tried: Vec<_> = rows
        .iter()
        .flat_map(|row| row.actions.iter().map(action_name))
        .collect();
    for declared in declared_actions() {
        assert!(tried.iter().any(|tried| tried == declared), "{declared}");
    }
}

/// Goes through the faults at an account. Returns its table, and what must not be and is.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn try_account(account: (&'static str, &'static str)) -> (String, Vec<String>) {
    let mut lines = Vec::new();
    let mut forbidden = Vec::new();
    for row in rows() {
        for meets in [Meets::Once, Meets::Always] {
            let mut cells = Vec::new();
            for column in columns(account.0) {
                let cell = try_cell(account, &column, &row, meets).await;
                let case = format!("{account:?}, {}, {}, {meets:?}", column.name, row.name);
                forbidden.extend(cell.forbidden.iter().map(|why| format!("{case}: {why}")));
                cells.push(cell);
            }
            lines.push((row.name.clone(), meets, cells));
        }
    }
    (table(account, &lines), forbidden)
}

#[test]
fn no_fault_applies_a_write_twice_hides_one_hangs_panics_or_shows_a_secret() {
    let tried = thread::scope(|scope| {
        let threads = ACCOUNTS.map(|account| scope.spawn(move || try_account(account)));
        threads.map(|thread| thread.join().unwrap())
    });
    let (tables, forbidden): (Vec<_>, Vec<_>) = tried.into_iter().unzip();
    let forbidden = forbidden.concat();
    assert!(forbidden.is_empty(), "{}", forbidden.join("\n"));
    let text = format!("{LEGEND}{}", tables.concat());
    assert_document("FAULT-MATRIX.md", text.trim_end());
}
