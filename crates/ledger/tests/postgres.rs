//! The ledger in Postgres keeps the laws.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use support::postgres_server::PostgresServer;
use support::{account, at, block_on, record, tokens};
use tokenfleet_core::capability::{Capabilities, OperationCall};
use tokenfleet_core::journal::{Intent, Journal, Outcome, Run};
use tokenfleet_core::{CreateToken, Error, ErrorKind, Fate};
use tokenfleet_ledger::{Ledger, PageRequest, PostgresLedger, laws};

const EMPTY: &str = "drop schema if exists tokenfleet cascade";

/// Gives a check an empty ledger.
fn with_fresh<T>(server: &PostgresServer, check: impl AsyncFnOnce(&PostgresLedger) -> T) -> T {
    server.carry_out(EMPTY);
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await;
        check(&ledger.unwrap()).await
    })
}

#[test]
fn every_named_law_is_kept() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    let violations = laws::ALL.into_iter().filter_map(|(name, law)| {
        let kept = with_fresh(&server, async |ledger| law(ledger).await);
        kept.err().map(|violation| format!("{name}: {violation}"))
    });
    let violations: Vec<String> = violations.collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn random_histories_are_remembered() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    let kept = laws::check_random_histories(8, |history| {
        with_fresh(&server, async |ledger| history.check(ledger).await)
    });
    kept.unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn random_writes_are_remembered() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    let kept = laws::check_random_writes(8, |history| {
        with_fresh(&server, async |ledger| history.check(ledger).await)
    });
    kept.unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn random_tasks_are_carried_on_by_one_worker_at_a_time() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    let kept = laws::check_random_tasks(8, |history| {
        with_fresh(&server, async |ledger| history.check(ledger).await)
    });
    kept.unwrap_or_else(|violation| panic!("{violation}"));
}

/// Returns `true` for a connection that was lost, or ended by the server with its last words.
fn is_loss(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Connection | ErrorKind::Unavailable)
}

#[test]
fn a_crash_of_the_server_loses_nothing_that_was_acknowledged() {
    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let all = tokens(0..2_000, 0);
        record(&ledger, 0, &all).await.unwrap();

        let mut recorder = ledger.begin(&account(), at(1)).await.unwrap();
        recorder.record(&tokens(0..100, 1)).await.unwrap();
        server.kill();
        let error = recorder.record(&tokens(100..200, 1)).await.unwrap_err();
        assert!(is_loss(&error), "{error}");
        let error = recorder.close(support::COMPLETE).await.unwrap_err();
        assert!(
            error.to_string().contains("could not be recorded"),
            "{error}"
        );
        let error = ledger.snapshots(&account()).await.unwrap_err();
        assert!(is_loss(&error), "{error}");

        server.crash_and_restart();
        let state = ledger
            .state(&account(), at(5), &PageRequest::default())
            .await;
        assert_eq!(state.unwrap().items, all);
        record(&ledger, 1, &all).await.unwrap();
        assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_lost_connection_refuses_a_write_and_an_outcome_that_is_lost_is_reported() {
    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let intents = [intent(), intent()];
        for intent in &intents {
            ledger.record_intent(intent).await.unwrap();
        }
        ledger
            .record_outcome(&intents[0], &rejected(&intents[0]))
            .await;
        server.kill();
        let error = ledger.record_intent(&intent()).await.unwrap_err();
        assert!(is_loss(&error), "{error}");
        ledger
            .record_outcome(&intents[1], &rejected(&intents[1]))
            .await;
        let reports = ledger.take_reports();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].contains(&intents[1].id), "{reports:?}");

        server.crash_and_restart();
        let open = ledger.open_operations().await.unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].id, intents[1].operation_id);
        assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
    });
}

/// Returns the intent of a creation.
fn intent() -> Intent {
    let request = CreateToken::new("ci");
    let (account, capabilities) = (account().account, Capabilities::none());
    let call = OperationCall::Create(&request);
    Intent::for_call(&Run::new(), &account, &capabilities, call)
}

fn rejected(intent: &Intent) -> Outcome {
    let error = Error::new(ErrorKind::Conflict, Fate::Rejected, "no");
    Outcome::new(intent, Err(error))
}

#[test]
fn several_writers_and_a_newer_schema_are_told_apart() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        // All of them find that there is no schema.
        let openings = (0..8).map(|_| {
            let url = server.url();
            tokio::spawn(async move { PostgresLedger::open(&url).await })
        });
        for opening in openings.collect::<Vec<_>>() {
            opening.await.unwrap().unwrap();
        }
        let ledger = Arc::new(PostgresLedger::open(&server.url()).await.unwrap());
        let mut recorders = Vec::new();
        for _ in 0..8 {
            let mut recorder = ledger.begin(&account(), at(0)).await.unwrap();
            recorder.record(&tokens(0..50, 0)).await.unwrap();
            recorders.push(recorder);
        }
        let closings = recorders
            .into_iter()
            .map(|recorder| tokio::spawn(async move { recorder.close(support::COMPLETE).await }));
        let mut written = 0;
        for closing in closings.collect::<Vec<_>>() {
            match closing.await.unwrap() {
                Ok(_) => written += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        }
        assert_eq!(written, 1);

        let overtaken = ledger.begin(&account(), at(1)).await.unwrap();
        let version = server.carry_out("select value from tokenfleet.meta where key = 'schema'");
        server.carry_out("update tokenfleet.meta set value = '99' where key = 'schema'");
        let error = ledger.accounts().await.unwrap_err();
        assert!(error.to_string().contains("schema 99"), "{error}");
        let error = overtaken.close(support::COMPLETE).await.unwrap_err();
        assert!(error.to_string().contains("schema 99"), "{error}");
        let version = version.trim();
        server.carry_out(&format!(
            "update tokenfleet.meta set value = '{version}' where key = 'schema'"
        ));

        server.carry_out("alter database postgres set default_transaction_read_only = on");
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let state = ledger
            .state(&account(), at(5), &PageRequest::default())
            .await;
        assert_eq!(state.unwrap().items.len(), 50);
        let error = ledger.begin(&account(), at(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains("cannot be written"), "{error}");
    });
}
