//! What becomes of a ledger in Postgres when something fails: clear errors, and nothing lost.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "these are the functions of tests, and a process speaks to the test that started it"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::cutting_proxy::{Cut, CuttingProxy, Point, Side};
use support::postgres_server::PostgresServer;
use support::{COMPLETE, account, at, block_on, record, stage, tokens};
use tokenfleet_core::{ErrorKind, Fate, Secret, Token};
use tokenfleet_ledger::{Ledger, PageRequest, PostgresLedger};
use tokio::net::TcpListener;

/// The variable that holds the URL for a process that another test starts.
const CHILD_URL: &str = "TOKENFLEET_TEST_LEDGER_URL";

/// Returns the URL of the proxy before a server.
fn through(proxy: &CuttingProxy) -> Secret {
    let port = proxy.port();
    Secret::new(format!("postgres://owner@127.0.0.1:{port}/postgres"))
}

async fn state(ledger: &PostgresLedger) -> Vec<Token> {
    let page = PageRequest::default();
    ledger.state(&account(), at(99), &page).await.unwrap().items
}

/// Records through a proxy that cuts the connection. Returns the fate, or `None` if it succeeded.
async fn record_with_cut(server: &PostgresServer, cut: Cut) -> Option<Fate> {
    let proxy = CuttingProxy::start(server.socket(), Some(cut)).await;
    let recorded = async {
        let ledger = PostgresLedger::open(&through(&proxy)).await?;
        record(&ledger, 1, &tokens(10..90, 1)).await
    };
    recorded.await.err().map(|error| error.fate())
}

#[test]
fn a_connection_that_is_lost_anywhere_leaves_a_snapshot_as_a_whole_or_not_at_all() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        record(&ledger, 0, &tokens(0..80, 0)).await.unwrap();
        let forget = "delete from tokenfleet.snapshot where at > (select min(at) from \
            tokenfleet.snapshot); delete from tokenfleet.token where valid_from > (select min(at) \
            from tokenfleet.snapshot); update tokenfleet.token set valid_to = null";
        let (before, after) = (tokens(0..80, 0), tokens(10..90, 1));
        let points = (0..45).map(Point::Number);
        let points = points.chain([Point::Containing("statement_timeout = 0; commit")]);
        for point in points {
            for side in [Side::Before, Side::After] {
                let cut = Cut { point, side };
                let fate = record_with_cut(&server, cut).await;
                // Until the server has finished what it got, and only our connection is left.
                state(&ledger).await;
                let others = "select count(*) from pg_stat_activity \
                    where application_name = 'tokenfleet'";
                while server.carry_out(others).trim() != "1" {}
                let state = state(&ledger).await;
                match fate {
                    None => assert!(state == after, "{cut:?}"),
                    Some(Fate::NotSent) => assert!(state == before, "{cut:?}"),
                    Some(_) => assert!(state == before || state == after, "{cut:?}"),
                }
                if let Point::Containing(_) = point {
                    assert_eq!(fate, Some(Fate::MaybeApplied), "{cut:?}");
                    assert_eq!(state == after, side == Side::After, "{cut:?}");
                }
                if state == after {
                    server.carry_out(forget);
                }
            }
        }
        assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
    });
}

/// Nothing of the caller's is in what creates the schema, so it is never in doubt.
#[test]
fn a_connection_that_is_lost_while_the_schema_is_created_leaves_nothing_in_doubt() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let points = (0..20).map(Point::Number);
        for point in points.chain([Point::Containing("statement_timeout = 0; commit")]) {
            for side in [Side::Before, Side::After] {
                let proxy = CuttingProxy::start(server.socket(), Some(Cut { point, side })).await;
                let opened = PostgresLedger::open(&through(&proxy)).await;
                let fate = opened.err().map(|error| error.fate());
                assert!(
                    fate.is_none_or(|fate| fate == Fate::NotSent),
                    "{point:?} {side:?}"
                );
                if let Point::Containing(_) = point {
                    assert!(fate.is_some(), "{side:?}: it was not cut");
                }
                let again = PostgresLedger::open(&server.url()).await.unwrap();
                assert_eq!(again.check().await.unwrap(), Vec::<String>::new());
                server.carry_out("drop schema tokenfleet cascade");
            }
        }
    });
}

#[test]
fn a_connection_that_was_lost_between_two_calls_is_made_anew() {
    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        record(&ledger, 0, &tokens(0..10, 0)).await.unwrap();
        for second in 1..4 {
            ledger.snapshots(&account()).await.unwrap();
            server.crash_and_restart();
            record(&ledger, second, &tokens(0..10, second as u32))
                .await
                .unwrap();
        }
        // The client learns of a loss only when it speaks again.
        let proxy = CuttingProxy::start(server.socket(), None).await;
        let ledger = PostgresLedger::open(&through(&proxy)).await.unwrap();
        for second in 4..8 {
            ledger.snapshots(&account()).await.unwrap();
            proxy.cut_next();
            record(&ledger, second, &tokens(0..10, second as u32))
                .await
                .unwrap();
        }
    });
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    block_on(async {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let url = format!("postgres://owner@127.0.0.1:{port}/postgres?connect_timeout=1");
        let error = PostgresLedger::open(&Secret::new(url)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains("in time"), "{error}");
    });
}

#[test]
fn a_commit_that_a_standby_does_not_confirm_is_not_acknowledged() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::builder()
            .with_statement_timeout(Duration::from_millis(800))
            .open(&server.url())
            .await
            .unwrap();
        record(&ledger, 0, &tokens(0..10, 0)).await.unwrap();
        server.carry_out("alter system set synchronous_standby_names = 'nobody'");
        server.carry_out("select pg_reload_conf()");
        while server.carry_out("show synchronous_standby_names").trim() != "nobody" {}
        let error = record(&ledger, 1, &tokens(0..10, 1)).await.unwrap_err();
        assert_eq!(error.fate(), Fate::MaybeApplied, "{error}");
    });
}

#[test]
fn a_writer_that_waits_too_long_says_so_and_writes_nothing() {
    let Some(server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::builder()
            .with_statement_timeout(Duration::from_millis(300))
            .open(&server.url())
            .await
            .unwrap();
        record(&ledger, 0, &tokens(0..10, 0)).await.unwrap();
        let mut blocker = server
            .client("owner", "begin; lock table tokenfleet.account")
            .args([
                "--command",
                "select 'locked'",
                "--command",
                "select pg_sleep(600)",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(blocker.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "locked");
        let error = record(&ledger, 1, &tokens(0..10, 1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(error.fate(), Fate::NotSent, "{error}");
        server.carry_out(
            "select pg_terminate_backend(pid) from pg_stat_activity \
             where query = 'select pg_sleep(600)'",
        );
        blocker.wait().unwrap();
        assert_eq!(state(&ledger).await, tokens(0..10, 0));
        record(&ledger, 1, &tokens(0..10, 1)).await.unwrap();
    });
}

/// Records snapshot after snapshot, if another test runs this process.
#[test]
fn a_process_records_until_it_is_killed() {
    let Ok(url) = std::env::var(CHILD_URL) else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&Secret::new(url)).await.unwrap();
        loop {
            let done = ledger.snapshots(&account()).await.unwrap().len() as u32;
            let recorder = stage(&ledger, i64::from(done), &tokens(0..600, done)).await;
            println!("\nclosing");
            let closed = match recorder {
                Ok(recorder) => recorder.close(COMPLETE).await,
                Err(error) => Err(error),
            };
            match closed {
                Ok(_) => println!("\nacknowledged {done}"),
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::Conflict => println!("\novertaken"),
                Err(error) => {
                    println!("\nrefused {error}");
                    return;
                }
            }
        }
    });
}

fn start_recording(server: &PostgresServer) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("a_process_records_until_it_is_killed")
        .env(CHILD_URL, server.url().expose())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Returns the last round that a process said was acknowledged.
fn acknowledged(output: impl Iterator<Item = String>) -> Option<u32> {
    let rounds = output.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
    rounds.max()
}

/// Checks that the ledger is sound and holds the round that was acknowledged last.
async fn check_rounds(server: &PostgresServer, acknowledged: Option<u32>) {
    let ledger = PostgresLedger::open(&server.url()).await.unwrap();
    assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
    let count = ledger.snapshots(&account()).await.unwrap().len() as u32;
    let Some(newest) = count.checked_sub(1) else {
        assert_eq!(acknowledged, None);
        return;
    };
    assert!(Some(newest) >= acknowledged, "{newest} {acknowledged:?}");
    let page = PageRequest::default();
    let state = ledger.state(&account(), at(1_000_000), &page).await;
    assert_eq!(state.unwrap().items, tokens(0..600, newest));
}

#[test]
fn killed_processes_on_one_ledger_lose_nothing_that_was_acknowledged() {
    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    let mut newest = None;
    for killing in 0..8_u64 {
        let children: Vec<Child> = (0..3).map(|_| start_recording(&server)).collect();
        let mut outputs = Vec::new();
        for mut child in children {
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let mut lines = lines.map_while(Result::ok).peekable();
            while lines.next_if(|line| line != "closing").is_some() {}
            outputs.push((child, lines));
        }
        std::thread::sleep(Duration::from_millis(killing * 3));
        if killing % 4 == 3 {
            server.kill();
        }
        for (child, _) in &mut outputs {
            child.kill().unwrap();
        }
        for (mut child, lines) in outputs {
            newest = newest.max(acknowledged(lines));
            child.wait().unwrap();
        }
        if killing % 4 == 3 {
            server.start_again();
        }
        block_on(check_rounds(&server, newest));
    }
    assert!(newest.is_some());
}

#[test]
fn a_full_disk_is_an_error_and_the_ledger_stays_as_it_was() {
    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        record(&ledger, 0, &tokens(0..1_000, 0)).await.unwrap();
    });
    if !server.move_to_small_disk(24) {
        return;
    }
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let many = tokens(0..200_000, 1);
        let error = record(&ledger, 1, &many).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert_eq!(error.fate(), Fate::NotSent, "{error}");
        assert!(error.to_string().contains("no room"), "{error}");
        assert_eq!(state(&ledger).await, tokens(0..1_000, 0));
        server.make_room();
        record(&ledger, 1, &many).await.unwrap();
        assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_corrupt_page_is_found_and_named() {
    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        record(&ledger, 0, &tokens(0..3_000, 0)).await.unwrap();
    });
    server.carry_out("checkpoint");
    let path = "select pg_relation_filepath('tokenfleet.token')";
    let file = server.data().join(server.carry_out(path).trim());
    server.stop();
    let size = std::fs::metadata(&file).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    for page in 0..size / 8192 {
        std::os::unix::fs::FileExt::write_all_at(&file, &[0xff; 512], page * 8192).unwrap();
    }
    server.start_again();
    block_on(async {
        let ledger = PostgresLedger::open(&server.url()).await.unwrap();
        let page = PageRequest::default();
        let error = ledger.state(&account(), at(5), &page).await.unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
        assert!(error.advice().unwrap().contains("backup"), "{error}");
        let error = ledger.check().await.unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
    });
}
