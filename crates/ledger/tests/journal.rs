//! The ledger as a journal: durable, handed over at once, and never silent about what it lost.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use rusqlite::Connection;
use support::{at, block_on};
use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
use tokenfleet_core::capability::OperationCall;
use tokenfleet_core::journal::{Effect, Intent, Journal, Journaled, Outcome, Resolution, Run};
use tokenfleet_core::{
    CreateToken, Error, ErrorKind, Fate, Query, Token, TokenId, TokenProvider, TokenProviderExt,
    TokenState,
};
use tokenfleet_ledger::{Ledger, SqliteLedger};

/// Returns the intent of a creation.
fn intent() -> Intent {
    let provider = MemoryProvider::new(MemoryProfile::deleting());
    let (account, capabilities) = (provider.account(), provider.capabilities());
    let request = CreateToken::new("ci");
    let call = OperationCall::Create(&request);
    Intent::for_call(&Run::new(), account, capabilities, call)
}

fn created(intent: &Intent, id: &str) -> Outcome {
    let token = Token::new(TokenId::new(id), TokenState::Active);
    Outcome::new(intent, Ok(Effect::from(&token)))
}

async fn count_open(ledger: &dyn Ledger) -> usize {
    ledger.open_operations().await.unwrap().len()
}

#[test]
fn an_outcome_is_recorded_even_if_the_call_is_dropped_right_after() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let ledger = SqliteLedger::open(folder.path().join("ledger.db"))
            .await
            .unwrap();
        let intent = intent();
        ledger.record_intent(&intent).await.unwrap();
        assert_eq!(count_open(&ledger).await, 1);
        let outcome = created(&intent, "1");
        {
            let mut recording = pin!(ledger.record_outcome(&intent, &outcome));
            let mut context = Context::from_waker(Waker::noop());
            let _ = recording.as_mut().poll(&mut context);
        }
        while count_open(&ledger).await > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let writes = ledger.writes(intent.operation_id).await.unwrap();
        assert_eq!(writes[0].outcome, Some(outcome));
    });
}

#[test]
fn what_is_acknowledged_is_read_by_another_process_and_what_is_open_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let intents = [intent(), intent()];
        let ledger = SqliteLedger::open(&path).await.unwrap();
        for intent in &intents {
            ledger.record_intent(intent).await.unwrap();
        }
        let lost = Error::new(ErrorKind::Timeout, Fate::MaybeApplied, "no answer");
        let lost = Outcome::new(&intents[0], Err(lost));
        ledger.record_outcome(&intents[0], &lost).await;
        drop(ledger);
        let other = SqliteLedger::open(&path).await.unwrap();
        other.prune(at(1_000_000_000)).await.unwrap();
        assert_eq!(count_open(&other).await, 2);
        for intent in &intents {
            let found = Resolution::NotApplied;
            other.record_resolution(&intent.id, &found).await;
        }
        assert_eq!(count_open(&other).await, 0);
        assert!(other.take_reports().is_empty());
    });
}

#[test]
fn a_ledger_that_cannot_be_written_refuses_a_write_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let ledger = SqliteLedger::open(&path).await.unwrap();
        let ledger = ledger.with_patience(Duration::from_millis(50));
        let platform = Arc::new(MemoryProvider::new(MemoryProfile::deleting()));
        let before = platform.list_all(Query::new()).await.unwrap().tokens.len();
        let provider = Journaled::new(platform.clone(), Arc::new(ledger.clone()), Run::new());

        let other = Connection::open(&path).unwrap();
        other.execute_batch("begin immediate").unwrap();
        let error = provider.create(CreateToken::new("ci")).await.unwrap_err();
        assert_eq!(error.fate(), Fate::NotSent, "{error}");
        assert!(
            error.to_string().contains("in use by another process"),
            "{error}"
        );
        assert!(error.advice().is_some());
        let now = platform.list_all(Query::new()).await.unwrap().tokens.len();
        assert_eq!(now, before, "nothing was sent");

        // An outcome that cannot be recorded is reported, and the write stays open.
        other.execute_batch("rollback").unwrap();
        let intent = intent();
        ledger.record_intent(&intent).await.unwrap();
        other.execute_batch("begin immediate").unwrap();
        ledger.record_outcome(&intent, &created(&intent, "1")).await;
        let reports = ledger.take_reports();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].contains(&intent.id), "{reports:?}");
        let show = format!("`operations show {}`", intent.operation_id);
        assert!(reports[0].contains(&show), "{reports:?}");
        assert!(
            reports[0].contains("in use by another process"),
            "{reports:?}"
        );
        other.execute_batch("rollback").unwrap();
        assert_eq!(count_open(&ledger).await, 1);
        assert!(ledger.take_reports().is_empty());
    });
}

#[test]
fn an_outcome_that_fails_once_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let ledger = SqliteLedger::open(&path).await.unwrap();
        // The first attempt fails before the lock is released, and the second one after that.
        let ledger = ledger.with_patience(Duration::from_secs(2));
        let intent = intent();
        ledger.record_intent(&intent).await.unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("begin immediate").unwrap();
        let released = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(3));
            other.execute_batch("rollback").unwrap();
        });
        ledger.record_outcome(&intent, &created(&intent, "1")).await;
        assert_eq!(ledger.take_reports(), Vec::<String>::new());
        assert_eq!(count_open(&ledger).await, 0);
        released.join().unwrap();
    });
}

#[test]
fn the_check_finds_a_write_that_is_not_what_its_row_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let ledger = SqliteLedger::open(&path).await.unwrap();
        ledger.record_intent(&intent()).await.unwrap();
        assert!(ledger.check().await.unwrap().is_empty());
        let other = Connection::open(&path).unwrap();
        for damage in [
            "update write set is_open = 0",
            "update write set is_open = 1, outcome = '{}'",
        ] {
            other.execute_batch(damage).unwrap();
            let findings = ledger.check().await.unwrap();
            assert_eq!(findings, ["1 writes are not what their rows say"]);
        }
    });
}
