//! The roles of `packaging/postgres-roles.sql`: what each may do, and what it may not.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "these are the functions of tests")]

mod support;

use std::time::Duration;

use support::postgres_server::PostgresServer;
use support::{COMPLETE, account, at, block_on, record, stage, tokens};
use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
use tokenfleet_core::capability::OperationCall;
use tokenfleet_core::journal::{Effect, Intent, Journal, OperationId, Outcome, Resolution, Run};
use tokenfleet_core::{CreateToken, Error, ErrorKind, Token, TokenId, TokenProvider, TokenState};
use tokenfleet_ledger::{Ledger, NewTask, PageRequest, PostgresLedger, Tasks};

const ROLES: &str = include_str!("../../../packaging/postgres-roles.sql");

const USERS: &str = "
create role report login in role tokenfleet_reader;
create role inventory login in role tokenfleet_worker;
create role upkeep login in role tokenfleet_operator;
alter role upkeep set role = tokenfleet_operator;
create role stranger login;
";

/// Starts a server and follows the three steps of the script.
fn start() -> Option<PostgresServer> {
    let server = start_without_rights()?;
    server.run_script(ROLES);
    Some(server)
}

/// Starts a server and follows the first two steps of the script.
fn start_without_rights() -> Option<PostgresServer> {
    let server = PostgresServer::start()?;
    server.run_script(ROLES);
    server.carry_out(USERS);
    block_on(open(&server, "upkeep")).unwrap();
    Some(server)
}

async fn open(server: &PostgresServer, user: &str) -> Result<PostgresLedger, Error> {
    PostgresLedger::open(&server.url_of(user)).await
}

fn assert_denied<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("this role"), "{error}");
}

#[test]
fn a_reader_reads_a_worker_records_and_an_operator_forgets() {
    let Some(server) = start() else { return };
    block_on(async {
        let worker = open(&server, "inventory").await.unwrap();
        for round in 0..3 {
            let tokens = tokens(round..100 + round, round);
            record(&worker, i64::from(round), &tokens).await.unwrap();
        }
        let reader = open(&server, "report").await.unwrap();
        for ledger in [&reader, &worker] {
            let page = PageRequest::default();
            let state = ledger.state(&account(), at(9), &page).await.unwrap();
            assert_eq!(state.items, tokens(2..102, 2));
            assert_eq!(ledger.snapshots(&account()).await.unwrap().len(), 3);
            assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
            assert_denied(ledger.prune(at(2)).await);
        }
        assert_denied(stage(&reader, 9, &tokens(0..1, 9)).await);
        let operator = open(&server, "upkeep").await.unwrap();
        assert_eq!(operator.prune(at(2)).await.unwrap().snapshots, 2);
        assert_denied(open(&server, "stranger").await);

        // The script may be run again under a running worker.
        let recorder = stage(&worker, 5, &tokens(0..10, 5)).await.unwrap();
        server.run_script(ROLES);
        recorder.close(COMPLETE).await.unwrap();
    });
}

/// Returns whether a user may carry out a statement.
fn may(server: &PostgresServer, user: &str, statement: &str) -> bool {
    match server.carry_out_as(user, statement) {
        Ok(_) => true,
        Err(error) => {
            let is_denied = error.contains("permission denied") || error.contains("must be owner");
            assert!(is_denied, "{user}: {statement}: {error}");
            false
        }
    }
}

#[test]
fn a_worker_only_reads_until_the_script_is_run_over_the_tables() {
    let Some(server) = start_without_rights() else {
        return;
    };
    block_on(async {
        let worker = open(&server, "inventory").await.unwrap();
        let page = PageRequest::default();
        assert!(worker.state(&account(), at(9), &page).await.is_err());
        assert_denied(record(&worker, 0, &tokens(0..10, 0)).await);
        assert_denied(worker.record_intent(&intent()).await);
    });
    for table in [
        "meta", "account", "snapshot", "token", "write", "touched", "task", "queue", "epoch",
    ] {
        let may = |statement: &str| may(&server, "inventory", statement);
        assert!(may(&format!("select count(*) from tokenfleet.{table}")));
        assert!(!may(&format!(
            "insert into tokenfleet.{table} default values"
        )));
        assert!(!may(&format!("delete from tokenfleet.{table}")));
    }
    for statement in [
        "update tokenfleet.meta set value = '99'",
        "update tokenfleet.token set record = '{}'",
        "update tokenfleet.snapshot set seen = 0",
        "update tokenfleet.write set is_open = 0",
        "update tokenfleet.task set state = '{}'",
        "update tokenfleet.queue set epoch = 0",
        "update tokenfleet.epoch set latest = 0",
    ] {
        assert!(!may(&server, "inventory", statement), "{statement}");
    }
}

#[test]
fn a_worker_that_finds_an_older_schema_says_who_brings_it_up() {
    let Some(server) = start() else { return };
    server.carry_out(
        "drop table tokenfleet.task, tokenfleet.queue, tokenfleet.epoch; \
         update tokenfleet.meta set value = '1' where key = 'schema'",
    );
    block_on(async {
        let error = open(&server, "inventory").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.to_string().contains("older schema"), "{error}");
        let advice = error.advice().unwrap();
        for part in ["the role that owns", "postgres-roles.sql again"] {
            assert!(advice.contains(part), "{advice}");
        }
        open(&server, "upkeep").await.unwrap();
        server.run_script(ROLES);
        let worker = open(&server, "inventory").await.unwrap();
        record(&worker, 0, &tokens(0..10, 0)).await.unwrap();
    });
}

/// Returns the intent of a creation.
fn intent() -> Intent {
    let provider = MemoryProvider::new(MemoryProfile::deleting());
    let (account, capabilities) = (provider.account(), provider.capabilities());
    let request = CreateToken::new("ci");
    let call = OperationCall::Create(&request);
    Intent::for_call(&Run::new(), account, capabilities, call)
}

#[test]
fn a_worker_records_a_whole_write_and_rewrites_none() {
    let Some(server) = start() else { return };
    let intent = intent();
    block_on(async {
        let worker = open(&server, "inventory").await.unwrap();
        worker.record_intent(&intent).await.unwrap();
        let id = TokenId::new("1");
        let resolution = Resolution::Applied(vec![id.clone()]);
        worker.record_resolution(&intent.id, &resolution).await;
        let open = worker.open_operations().await.unwrap();
        assert_eq!(open[0].writes[0].resolution, Some(resolution));
        let token = Token::new(id.clone(), TokenState::Active);
        let outcome = Outcome::new(&intent, Ok(Effect::from(&token)));
        worker.record_outcome(&intent, &outcome).await;
        assert_eq!(worker.take_reports(), Vec::<String>::new());
        assert!(worker.open_operations().await.unwrap().is_empty());
        let account = &intent.account;
        let writes = worker.writes_to(account, &[id]).await.unwrap();
        assert_eq!(writes[0].outcome, Some(outcome));
    });
    for user in ["inventory", "report"] {
        for set in [
            "write set intent = '{}'",
            "write set id = 'other'",
            "write set operation = 'other'",
            "write set number = default",
            "touched set token = 'other'",
            "touched set write = 0",
        ] {
            let statement = format!("update tokenfleet.{set}");
            assert!(!may(&server, user, &statement), "{user}: {statement}");
        }
    }
    assert!(!may(
        &server,
        "report",
        "update tokenfleet.write set is_open = 0"
    ));
}

#[test]
fn a_worker_carries_tasks_on_and_does_not_change_what_they_are_about() {
    let Some(server) = start() else { return };
    let hour = Duration::from_secs(3_600);
    block_on(async {
        let worker = open(&server, "inventory").await.unwrap();
        let operator = open(&server, "upkeep").await.unwrap();
        let id = OperationId::random();
        let task = NewTask::new(id, "rotation", "iot", "1", "{}");
        assert_eq!(worker.open_task(&task).await.unwrap(), None);
        let epoch = worker.claim_task(id, hour).await.unwrap().unwrap().epoch;
        assert!(worker.extend_claim(id, epoch, hour).await.unwrap());
        assert!(worker.record_task(id, epoch, "[]", false).await.unwrap());
        worker.release_claim(id, epoch, Some(at(1))).await.unwrap();
        let epoch = worker.claim_task(id, hour).await.unwrap().unwrap().epoch;
        assert!(worker.record_task(id, epoch, "[]", true).await.unwrap());

        worker.raise_epoch(99).await.unwrap();
        let latest = Some(id);
        let second = NewTask::new(OperationId::random(), "rotation", "iot", "2", "{}");
        let opened = worker.open_task_after(&second, latest, None).await.unwrap();
        assert_eq!(opened, None);

        let reader = open(&server, "report").await.unwrap();
        assert_denied(reader.raise_epoch(100).await);
        assert_denied(reader.open_task_after(&task, latest, None).await);
        assert_eq!(reader.closed_tasks("rotation").await.unwrap().len(), 1);
        assert_eq!(
            reader.ledger_id().await.unwrap(),
            operator.ledger_id().await.unwrap()
        );
        let other = NewTask::new(OperationId::random(), "rotation", "iot", "1", "{}");
        assert_denied(reader.open_task(&other).await);
        operator.open_task(&other).await.unwrap();
        assert_denied(reader.claim_task(other.id, hour).await);
    });
    for user in ["inventory", "report"] {
        for set in [
            "task set id = 'other'",
            "task set kind = 'other'",
            "task set queue = 'other'",
            "task set subject = 'other'",
            "task set opened_at = 0",
            "queue set name = 'other'",
        ] {
            let statement = format!("update tokenfleet.{set}");
            assert!(!may(&server, user, &statement), "{user}: {statement}");
        }
        let more = "insert into tokenfleet.epoch values (9)";
        assert!(!may(&server, user, more), "{user}");
    }
    for set in [
        "task set state = '{}'",
        "queue set epoch = 9",
        "epoch set latest = 9",
    ] {
        let statement = format!("update tokenfleet.{set}");
        assert!(!may(&server, "report", &statement), "{statement}");
    }
}

#[test]
fn a_worker_keeps_its_rights_if_the_script_is_run_before_the_schema_is_new() {
    let Some(server) = start() else { return };
    server.carry_out(
        "drop table tokenfleet.task, tokenfleet.queue, tokenfleet.epoch;
         update tokenfleet.meta set value = '1' where key = 'schema'",
    );
    server.run_script(ROLES);
    assert!(may(
        &server,
        "inventory",
        "update tokenfleet.write set is_open = 0"
    ));
}

#[test]
fn a_worker_cannot_rewrite_history_and_a_reader_cannot_write_at_all() {
    let Some(server) = start() else { return };
    block_on(async {
        let worker = open(&server, "inventory").await.unwrap();
        record(&worker, 0, &tokens(0..10, 0)).await.unwrap();
    });
    let tables = "select tablename from pg_tables where schemaname = 'tokenfleet'";
    let tables = server.carry_out(tables);
    assert!(tables.lines().count() >= 4, "{tables}");
    let may = |user: &str, statement: &str| may(&server, user, statement);
    for user in ["report", "inventory"] {
        for table in tables.lines() {
            let table = format!("tokenfleet.{table}");
            assert!(
                may(user, &format!("select count(*) from {table}")),
                "{user} {table}"
            );
            for statement in [
                format!("delete from {table}"),
                format!("truncate {table}"),
                format!("drop table {table}"),
                format!("alter table {table} add column more text"),
                format!("alter table {table} owner to {user}"),
                format!("create trigger t before insert on {table} execute function f()"),
                format!("create index on {table} ((1))"),
                format!("grant all on {table} to public"),
            ] {
                // Postgres carries out a grant without effect.
                let is_grant = statement.starts_with("grant");
                assert!(is_grant || !may(user, &statement), "{user}: {statement}");
            }
        }
        for statement in [
            "update tokenfleet.meta set value = '99'",
            "insert into tokenfleet.meta values ('more', '')",
            "update tokenfleet.token set record = '{}'",
            "update tokenfleet.token set valid_from = 0",
            "update tokenfleet.snapshot set seen = 0",
            "update tokenfleet.account set name = 'other'",
            "create table tokenfleet.more (x text)",
            "create schema more",
            "drop schema tokenfleet cascade",
            "set role tokenfleet_operator",
            "set role owner",
        ] {
            assert!(!may(user, statement), "{user}: {statement}");
        }
    }
    for table in tables.lines() {
        let statement = format!("insert into tokenfleet.{table} default values");
        assert!(!may("report", &statement), "{statement}");
    }
    assert!(!may("report", "update tokenfleet.token set valid_to = 1"));
    assert!(!may("report", "create temporary table t (x text)"));
    assert!(!may("stranger", "select count(*) from tokenfleet.token"));
    // Not even where a table is missing: a worker does not create or change a schema.
    server.carry_out("update tokenfleet.meta set value = '0' where key = 'schema'");
    assert_denied(block_on(open(&server, "inventory")));
}

#[test]
fn an_operator_takes_over_a_ledger_that_somebody_else_created() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(open(&server, "owner")).unwrap();
    server.run_script(ROLES);
    server.carry_out(USERS);
    block_on(async {
        let worker = open(&server, "inventory").await.unwrap();
        record(&worker, 0, &tokens(0..10, 0)).await.unwrap();
        open(&server, "upkeep").await.unwrap();
    });
    assert!(
        server
            .carry_out_as("upkeep", "drop table tokenfleet.token")
            .is_ok()
    );
}
