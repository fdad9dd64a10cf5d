//! Tasks in databases: several workers at once, and what survives a crash or a newer version.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "these are the functions of tests")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use support::postgres_server::PostgresServer;
use support::{account, at, block_on, record, tokens};
use tokenfleet_core::ErrorKind;
use tokenfleet_core::journal::OperationId;
use tokenfleet_ledger::{Ledger, NewTask, PageRequest, PostgresLedger, SqliteLedger, Tasks};

const HOUR: Duration = Duration::from_secs(3_600);

const WORKERS: usize = 8;

/// The statements that make a ledger one of the first schema.
const FIRST_SCHEMA: &str = "
drop table task;
drop table queue;
drop table epoch;
delete from meta where key <> 'schema';
update meta set value = '1' where key = 'schema';
";

fn task(queue: &str, subject: &str) -> NewTask {
    NewTask::new(OperationId::random(), "rotation", queue, subject, "{}")
}

/// Does a thing as often as there are workers, at once.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    ledger: &Arc<dyn Ledger>,
    work: impl Fn(usize, Arc<dyn Ledger>) -> F,
) -> Vec<T> {
    let begun = (0..WORKERS).map(|worker| tokio::spawn(work(worker, Arc::clone(ledger))));
    let mut done = Vec::new();
    for work in begun.collect::<Vec<_>>() {
        done.push(work.await.unwrap());
    }
    done
}

/// Checks what several workers do at the same time.
async fn check_races(ledger: Arc<dyn Ledger>) {
    let opened = at_once(&ledger, |_, ledger| async move {
        let task = task("iot", "1");
        (task.id, ledger.open_task(&task).await.unwrap())
    });
    let opened = opened.await;
    let open = ledger.open_tasks().await.unwrap();
    assert_eq!(open.len(), 1);
    for (id, in_place) in opened {
        let expected = (id != open[0].id).then(|| open[0].clone());
        assert_eq!(in_place, expected);
    }

    // Of those that have read the same open tasks, one is opened.
    let latest = Some(open[0].id);
    let opened = at_once(&ledger, move |worker, ledger| async move {
        let task = task("iot", &format!("after {worker}"));
        ledger.open_task_after(&task, latest).await.is_ok()
    });
    let opened = opened.await.into_iter().filter(|opened| *opened);
    assert_eq!(opened.count(), 1);

    let other = task("iot", "2");
    ledger.open_task(&other).await.unwrap();
    let ids = [open[0].id, other.id];
    for _ in 0..4 {
        let claims = at_once(&ledger, move |worker, ledger| async move {
            ledger.claim_task(ids[worker % 2], HOUR).await.unwrap()
        });
        let claims: Vec<_> = claims.await.into_iter().flatten().collect();
        assert_eq!(claims.len(), 1, "{claims:?}");
        let (id, epoch) = (claims[0].task.id, claims[0].epoch);
        ledger.release_claim(id, epoch, None).await.unwrap();
    }

    let claims = at_once(&ledger, |worker, ledger| async move {
        let task = task(&worker.to_string(), &format!("of queue {worker}"));
        ledger.open_task(&task).await.unwrap();
        ledger.claim_task(task.id, HOUR).await.unwrap().unwrap()
    });
    let epochs: BTreeSet<u64> = claims.await.iter().map(|claim| claim.epoch).collect();
    assert_eq!(epochs.len(), WORKERS);
    assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
}

#[test]
fn of_workers_that_open_or_claim_at_once_one_does() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let ledger = SqliteLedger::open(folder.path().join("ledger.db")).await;
        check_races(Arc::new(ledger.unwrap())).await;
    });
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        check_races(Arc::new(ledger)).await;
    });
}

/// Starts a script that sleeps within a transaction, and waits until it does.
async fn asleep(server: &PostgresServer, script: &str) -> Child {
    let child = server.client("owner", script).spawn().unwrap();
    let count = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
    while server.carry_out(count).trim() != "1" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child
}

#[test]
fn a_claim_that_runs_out_while_another_waits_for_it_is_taken() {
    const HOLD: &str = "
begin;
update tokenfleet.queue
set claimed_until = (extract(epoch from clock_timestamp()) * 1000)::bigint + 800;
select pg_sleep(1.2);
commit;
";
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let task = task("iot", "1");
        ledger.open_task(&task).await.unwrap();
        ledger.claim_task(task.id, Duration::ZERO).await.unwrap();
        let mut holding = asleep(&server, HOLD).await;
        let claim = ledger.claim_task(task.id, HOUR).await.unwrap();
        assert!(claim.is_some());
        assert!(holding.wait().unwrap().success());
    });
}

#[test]
fn a_task_waits_for_one_that_is_being_opened_and_is_not_opened_after_it() {
    const OPENING: &str = "
begin;
update tokenfleet.epoch set latest = latest;
insert into tokenfleet.task
    (id, kind, queue, subject, state, opened_at, due, closed_at, starts)
values ('000102030405060708090a0b0c0d0e0f', 'rotation', 'iot', '2', '{}', 0, null, null, 0);
select pg_sleep(1.2);
commit;
";
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let mut opening = asleep(&server, OPENING).await;
        let refused = ledger.open_task_after(&task("iot", "1"), None).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
        assert!(opening.wait().unwrap().success());
        assert_eq!(ledger.open_tasks().await.unwrap().len(), 1);
    });
}

/// Leaves a task behind that a lost worker has claimed, and returns what must survive.
async fn leave(ledger: &dyn Ledger) -> (String, OperationId, u64) {
    let task = task("iot", "1").with_due(at(5));
    ledger.open_task(&task).await.unwrap();
    let claim = ledger.claim_task(task.id, HOUR).await.unwrap().unwrap();
    let recorded = ledger.record_task(task.id, claim.epoch, "[1]", false).await;
    assert!(recorded.unwrap());
    let id = ledger.ledger_id().await.unwrap();
    (id, task.id, claim.epoch)
}

async fn find_again(ledger: &dyn Ledger, left: &(String, OperationId, u64)) {
    let (ledger_id, id, epoch) = left;
    assert_eq!(ledger.ledger_id().await.unwrap(), *ledger_id);
    let task = ledger.task(*id).await.unwrap().unwrap();
    assert_eq!((task.state.as_str(), task.due), ("[1]", Some(at(5))));
    assert_eq!(ledger.claim_task(*id, HOUR).await.unwrap(), None);
    assert!(ledger.extend_claim(*id, *epoch, HOUR).await.unwrap());
    ledger.release_claim(*id, *epoch, None).await.unwrap();
    let claim = ledger.claim_task(*id, HOUR).await.unwrap().unwrap();
    assert!(claim.epoch > *epoch);
}

#[test]
fn what_was_recorded_survives_whoever_recorded_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let left = leave(&SqliteLedger::open(&path).await.unwrap()).await;
        find_again(&SqliteLedger::open(&path).await.unwrap(), &left).await;
    });
    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let left = leave(&ledger).await;
        server.crash_and_restart();
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        find_again(&ledger, &left).await;
    });
}

/// Checks that a ledger of the first schema keeps what it has, and takes tasks.
async fn check_migrated(ledger: &dyn Ledger) {
    let page = PageRequest::default();
    let state = ledger.state(&account(), at(5), &page).await.unwrap();
    assert_eq!(state.items, tokens(0..10, 0));
    assert_eq!(ledger.ledger_id().await.unwrap().len(), 16);
    assert_eq!(ledger.open_tasks().await.unwrap(), Vec::new());
    leave(ledger).await;
    assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
}

#[test]
fn a_ledger_of_an_older_version_is_brought_up_to_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let ledger = SqliteLedger::open(&path).await.unwrap();
        record(&ledger, 0, &tokens(0..10, 0)).await.unwrap();
    });
    let newest = schema_of(&path);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(FIRST_SCHEMA).unwrap();
    drop(connection);
    let published = folder.path().join("published.db");
    let first = include_str!("support/schema_1.sql")
        .replace("SERIAL_KEY", "integer primary key")
        .replace("BYTE_ORDERED", "text");
    let connection = Connection::open(&published).unwrap();
    connection.execute_batch(&first).unwrap();
    assert_eq!(schema_of(&path), schema_of(&published));
    // Processes that find it at once all bring it up.
    block_on(async {
        let openings = (0..WORKERS).map(|_| tokio::spawn(SqliteLedger::open(path.clone())));
        for opening in openings.collect::<Vec<_>>() {
            opening.await.unwrap().unwrap();
        }
        check_migrated(&SqliteLedger::open(&path).await.unwrap()).await;
    });
    assert_eq!(schema_of(&path), newest);

    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        record(&ledger, 0, &tokens(0..10, 0)).await.unwrap();
        server.carry_out(&format!("set search_path = tokenfleet; {FIRST_SCHEMA}"));
        // One that was opened before goes on as well.
        check_migrated(&ledger).await;
    });
}

/// Returns the definitions of all tables and indexes of a file.
fn schema_of(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("select coalesce(sql, name) from sqlite_schema order by name")
        .unwrap();
    let lines = statement.query_map((), |row| row.get(0)).unwrap();
    lines.map(Result::unwrap).collect()
}

#[test]
fn tasks_that_contradict_themselves_are_found() {
    for (damage, finding) in [
        ("update task set state = '{'", "1 tasks cannot be read"),
        ("update task set id = '1'", "1 tasks cannot be read"),
        ("update task set starts = -1", "1 tasks cannot be read"),
        ("update task set closed_at = 5", "1 tasks cannot be read"),
        ("update task set queue = 'ci'", "1 queues are claimed"),
        ("update epoch set latest = 0", "1 queues are claimed"),
        ("delete from epoch", "1 queues are claimed"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        block_on(async {
            let ledger = SqliteLedger::open(&path).await.unwrap();
            leave(&ledger).await;
            assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
            let connection = Connection::open(&path).unwrap();
            connection.execute_batch(damage).unwrap();
            let findings = ledger.check().await.unwrap();
            assert_eq!(findings.len(), 1, "{damage}: {findings:?}");
            assert!(findings[0].starts_with(finding), "{damage}: {findings:?}");
        });
    }
}

#[test]
fn whoever_listens_hears_of_each_task_that_is_due_at_once_and_of_no_other() {
    const SOON: Duration = Duration::from_millis(300);

    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let mut listener = ledger.listen().await.unwrap().unwrap();
        let now = tokenfleet_core::Timestamp::now();
        let (past, future) = (now, now.saturating_add(HOUR));
        let parked = task("iot", "1");
        for (task, is_heard) in [
            (parked.clone(), false),
            (task("iot", "2").with_due(future), false),
            (task("iot", "3").with_due(past), true),
            // It is open already.
            (task("iot", "3").with_due(past), false),
        ] {
            ledger.open_task(&task).await.unwrap();
            let heard = tokio::time::timeout(SOON, listener.heard()).await;
            assert_eq!(heard.is_ok(), is_heard, "{task:?}");
        }
        for (due, is_heard) in [(None, false), (Some(future), false), (Some(past), true)] {
            let claim = ledger.claim_task(parked.id, HOUR).await.unwrap().unwrap();
            let released = ledger.release_claim(parked.id, claim.epoch, due);
            released.await.unwrap();
            let heard = tokio::time::timeout(SOON, listener.heard()).await;
            assert_eq!(heard.is_ok(), is_heard, "{due:?}");
        }
        server.crash_and_restart();
        assert!(listener.heard().await.is_err());
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let mut listener = ledger.listen().await.unwrap().unwrap();
        let due = task("ci", "4").with_due(past);
        ledger.open_task(&due).await.unwrap();
        listener.heard().await.unwrap();
    });
}
