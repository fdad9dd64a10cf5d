//! Workers that share a ledger in Postgres.

#![cfg(unix)]
#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and these tell their figures"
)]

mod support;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::postgres_server::PostgresServer;
use support::{Close, block_on, due};
use tokenfleet_core::Secret;
use tokenfleet_ledger::{PostgresLedger, Tasks};
use tokenfleet_worker::Worker;

const HOUR: Duration = Duration::from_secs(3_600);

/// The variable that makes a test the process of a worker on a ledger.
const LEDGER: &str = "TOKENFLEET_TEST_WORKER_LEDGER";

async fn open(url: &Secret) -> Arc<dyn Tasks> {
    Arc::new(PostgresLedger::open(url).await.unwrap())
}

#[test]
fn a_task_that_somebody_opens_is_carried_on_at_once() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = open(&server.url()).await;
        let elsewhere = open(&server.url()).await;
        let close = Close::new(&ledger);
        let worker = Worker::new(Arc::clone(&ledger)).with_interval(HOUR);
        let stop = async {
            // It listens by then.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut waits = Vec::new();
            for number in 0..20 {
                let name = number.to_string();
                let opened = Instant::now();
                let task = due(&name, &name);
                // Both announce what they open.
                let opened_task = match number % 2 {
                    0 => elsewhere.open_task(&task).await,
                    _ => elsewhere.open_task_after(&task, None, None).await,
                };
                opened_task.unwrap();
                while !elsewhere.open_tasks().await.unwrap().is_empty() {
                    assert!(opened.elapsed() < Duration::from_secs(20), "not heard");
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                waits.push(opened.elapsed());
            }
            waits.sort();
            println!(
                "opened to closed: p50 {:?}, most {:?}",
                waits[10], waits[19]
            );
        };
        worker.run(&close, stop).await;
    });
}

#[test]
fn workers_on_several_connections_carry_on_each_queue_one_at_a_time() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = open(&server.url()).await;
        for number in 0..60 {
            let task = due(&format!("queue {}", number % 20), &number.to_string());
            ledger.open_task(&task).await.unwrap();
        }
        let close = Close::new(&ledger);
        let mut workers = Vec::new();
        for _ in 0..4 {
            workers.push(Worker::new(open(&server.url()).await));
        }
        close.run(&workers).await;
        let seen = close.seen.lock().unwrap();
        assert_eq!(seen.closed.len(), 60);
        assert!(seen.closed.values().all(|times| *times == 1), "{seen:?}");
    });
}

#[test]
fn workers_go_on_after_postgres_has_crashed() {
    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = open(&server.url()).await;
        for number in 0..60 {
            let task = due(&format!("queue {}", number % 20), &number.to_string());
            ledger.open_task(&task).await.unwrap();
        }
        let mut close = Close::new(&ledger);
        close.lease = Duration::from_secs(2);
        close.work = Duration::from_millis(50);
        let worker = |ledger| Worker::new(ledger).with_interval(Duration::from_millis(500));
        let workers = [
            worker(open(&server.url()).await),
            worker(open(&server.url()).await),
        ];
        let running = close.clone();
        let running = tokio::spawn(async move { running.run(&workers).await });
        while close.seen.lock().unwrap().closed.len() < 10 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.kill();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let while_away = close.seen.lock().unwrap().closed.len();
        assert!(while_away < 60, "too fast to be interrupted");
        server.start_again();
        running.await.unwrap();
        let seen = close.seen.lock().unwrap();
        // Of a task whose last write was not answered, nobody knows whether he closed it.
        assert!(seen.closed.values().all(|times| *times == 1), "{seen:?}");
        assert!(!seen.errors.is_empty());
    });
}

#[test]
fn a_worker_without_work_costs_postgres_less_than_three_transactions_a_second() {
    const WORKERS: u64 = 16;
    const SECONDS: u64 = 5;

    let Some(server) = PostgresServer::start() else {
        return;
    };
    let transactions = || -> u64 {
        let counted = "select xact_commit from pg_stat_database where datname = 'postgres'";
        server.carry_out(counted).trim().parse().unwrap()
    };
    block_on(async {
        let mut running = Vec::new();
        for _ in 0..WORKERS {
            let ledger = open(&server.url()).await;
            let (worker, close) = (Worker::new(Arc::clone(&ledger)), Close::new(&ledger));
            let run = async move { worker.run(&close, std::future::pending()).await };
            running.push(tokio::spawn(run));
        }
        // Until they have connected, and the server has counted that.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let before = transactions();
        tokio::time::sleep(Duration::from_secs(SECONDS)).await;
        let count = transactions() - before;
        println!("{count} transactions of {WORKERS} idle workers in {SECONDS} s");
        assert!(count < 3 * WORKERS * SECONDS, "{count}");
        assert!(count > 0, "the server has counted nothing");
        for run in running {
            run.abort();
        }
    });
}

#[test]
#[ignore = "is the process of a worker that another test kills"]
fn the_process_of_a_worker() {
    let Ok(url) = std::env::var(LEDGER) else {
        return;
    };
    block_on(async {
        let ledger = open(&Secret::new(url)).await;
        let mut close = Close::new(&ledger);
        close.lease = Duration::from_secs(3);
        close.work = HOUR;
        let worker = Worker::new(ledger);
        worker.run(&close, std::future::pending()).await;
    });
}

#[test]
fn the_queue_of_a_killed_worker_goes_on_as_soon_as_its_claim_has_run_out() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = open(&server.url()).await;
        ledger.open_task(&due("iot", "1")).await.unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "the_process_of_a_worker"])
            .env(LEDGER, server.url().expose())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let claimed_until = loop {
            let open = ledger.open_tasks().await.unwrap();
            if let Some(until) = open[0].claimed_until {
                break until;
            }
            assert_eq!(process.try_wait().unwrap(), None);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let close = Close::new(&ledger);
        let worker = Worker::new(Arc::clone(&ledger)).with_interval(HOUR);
        let running = close.clone();
        let running = tokio::spawn(async move { running.run(&[worker]).await });
        process.kill().unwrap();
        process.wait().unwrap();
        running.await.unwrap();
        let late = claimed_until.duration_until(tokenfleet_core::Timestamp::now());
        println!("closed {late:?} after the claim had run out");
        assert!(late > Duration::ZERO, "it was taken before");
        assert!(late < Duration::from_secs(10), "{late:?}");
        assert_eq!(close.seen.lock().unwrap().calls["iot"], 1);
    });
}
