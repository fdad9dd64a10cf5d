//! Nothing of a secret is in a ledger: not in its files, what lies beside them, or its rows.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "these are the functions of tests")]

mod support;

use std::path::Path;

use support::postgres_server::PostgresServer;
use support::{account, at, block_on, stage, tokens};
use tokenfleet_core::TokenId;
use tokenfleet_ledger::{Ledger, PostgresLedger, SqliteLedger, Verdict};

/// Secrets as platforms name them in what they answer.
const SECRETS: [&str; 3] = [
    "SK-PrjW98OTY1h8QTY9hUA",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0",
    "2f1d9b7c40e8a65f3b2d1c0e9f8a7b6c5d4e3f2a",
];

/// A text that is in every ledger here: a tap that does not find it is blind.
const KEPT: &str = "token 7 of round";

/// Records histories whose reasons name secrets, and asks for ids that are secrets.
async fn fill(ledger: &dyn Ledger) {
    let mut second = 0;
    for secret in SECRETS {
        for reason in [
            format!("the platform says: Key {secret} is refused"),
            format!("{{\"message\":\"x:{secret}\",\"token\":\"{secret}\"}}"),
            format!("Authorization: Bearer {secret}\nX-Api-Key: {secret}"),
        ] {
            let recorder = stage(ledger, second, &tokens(0..20, second as u32)).await;
            let closed = recorder.unwrap().close(Verdict::Interrupted(reason)).await;
            closed.unwrap();
            second += 1;
            let id = TokenId::new(secret);
            assert!(ledger.history(&account(), &id).await.unwrap().is_empty());
        }
    }
    ledger.prune(at(2)).await.unwrap();
}

fn assert_no_leaks(place: &str, kept: &str) {
    assert!(kept.contains(KEPT), "{place}: the tap is blind");
    for secret in SECRETS {
        assert!(!kept.contains(secret), "{place}: {secret}");
    }
}

/// Returns what lies in all files of a folder.
fn files_in(folder: &Path) -> String {
    let mut kept = String::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            kept += &files_in(&path);
        } else if let Ok(content) = std::fs::read(path) {
            kept += &String::from_utf8_lossy(&content);
        }
    }
    kept
}

/// Returns what lies in the temporary files of this process, which have no name any more.
fn temporary_files() -> String {
    let mut kept = String::new();
    for entry in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let name = std::fs::read_link(entry.path()).unwrap_or_default();
        if name.to_string_lossy().contains("etilqs_") {
            kept += &String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default());
        }
    }
    kept
}

#[test]
fn nothing_of_a_secret_is_in_a_file_its_log_or_its_temporary_files() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let ledger = SqliteLedger::open(folder.path().join("ledger.db")).await;
        let ledger = ledger.unwrap();
        // It keeps the log and enough staged tokens for a temporary file.
        let open = stage(&ledger, 0, &tokens(0..400_000, 0)).await.unwrap();
        fill(&ledger).await;
        assert_no_leaks("the temporary files", &temporary_files());
        assert!(folder.path().join("ledger.db-wal").exists());
        assert_no_leaks("the files", &files_in(folder.path()));
        drop(open);
    });
}

#[test]
fn nothing_of_a_secret_is_in_the_rows_or_files_of_postgres() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        fill(&ledger).await;
    });
    // Whatever tables there are.
    let tables = "select tablename from pg_tables where schemaname = 'tokenfleet'";
    let mut rows = String::new();
    for table in server.carry_out(tables).lines() {
        rows += &server.carry_out(&format!("select t::text from tokenfleet.{table} t"));
    }
    assert_no_leaks("the rows", &rows);
    server.carry_out("checkpoint");
    assert_no_leaks("the files", &files_in(&server.data()));
}
