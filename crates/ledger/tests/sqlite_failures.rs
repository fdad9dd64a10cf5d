//! What becomes of a ledger in a file when something fails: clear errors, and nothing lost.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "these are the functions of tests, and a process speaks to the test that started it"
)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use support::{COMPLETE, account, at, block_on, record, stage, tokens};
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Error, ErrorKind};
use tokenfleet_ledger::{Ledger, NewTask, PageRequest, SqliteLedger, Tasks};

/// The variable that names the ledger for the process that another test kills or limits.
const CHILD_LEDGER: &str = "TOKENFLEET_TEST_LEDGER";

const TOKENS: u32 = 3_000;

/// Records snapshot after snapshot and says so after each, if another test runs this process.
#[test]
fn a_process_records_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_LEDGER) else {
        return;
    };
    block_on(async {
        let ledger = match SqliteLedger::open(path).await {
            Ok(ledger) => ledger,
            Err(error) => {
                println!("\nrefused {error}");
                return;
            }
        };
        loop {
            let round = ledger.snapshots(&account()).await.unwrap().len() as u32;
            let tokens = tokens(0..TOKENS, round);
            let staged = stage(&ledger, i64::from(round), &tokens).await;
            println!("\nclosing");
            let closed = match staged {
                Ok(recorder) => recorder.close(COMPLETE).await,
                Err(error) => Err(error),
            };
            match closed {
                Ok(_) => println!("\nacknowledged {round}"),
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

/// Starts a process that records into a ledger, below a limit of the size of its files.
fn start_recording(ledger: &Path, limit: &str) -> Child {
    start_recording_by(Command::new("sh"), ledger, limit)
}

/// Starts such a process with a command that runs `sh`.
fn start_recording_by(mut shell: Command, ledger: &Path, limit: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    shell
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f $1; shift; exec \"$@\"",
            "sh",
            limit,
        ])
        .arg(program)
        .args([
            "--exact",
            "--nocapture",
            "a_process_records_until_it_is_killed",
        ])
        .env(CHILD_LEDGER, ledger)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn newest_round(ledger: &SqliteLedger) -> u32 {
    let snapshots = ledger.snapshots(&account()).await.unwrap();
    let newest = snapshots.len() as u32 - 1;
    let page = PageRequest::default();
    let state = ledger
        .state(&account(), at(1_000_000), &page)
        .await
        .unwrap();
    assert_eq!(state.items, tokens(0..TOKENS, newest));
    assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
    newest
}

#[test]
fn a_killed_writer_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut acknowledged = None;
    for killing in 0..20_u64 {
        let mut child = start_recording(&path, "unlimited");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok).peekable();
        while lines.next_if(|line| line != "closing").is_some() {}
        // Anywhere within the transaction, or after it.
        std::thread::sleep(Duration::from_millis(killing * 2));
        child.kill().unwrap();
        let rounds = lines.filter_map(|line| Some(line.strip_prefix("acknowledged ")?.to_owned()));
        acknowledged = acknowledged.max(rounds.last().map(|round| round.parse::<u32>().unwrap()));
        child.wait().unwrap();
        block_on(async {
            let ledger = SqliteLedger::open(&path).await.unwrap();
            if acknowledged.is_some() || !ledger.accounts().await.unwrap().is_empty() {
                assert!(Some(newest_round(&ledger).await) >= acknowledged);
            } else {
                assert_eq!(ledger.check().await.unwrap(), Vec::<String>::new());
            }
        });
    }
}

#[test]
fn killed_processes_on_one_ledger_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut acknowledged = None;
    for killing in 0..6_u64 {
        let children = [(); 3].map(|()| start_recording(&path, "unlimited"));
        let mut outputs = children.map(|mut child| {
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let mut lines = lines.map_while(Result::ok).peekable();
            while lines.next_if(|line| line != "closing").is_some() {}
            (child, lines)
        });
        std::thread::sleep(Duration::from_millis(killing * 5));
        for (child, _) in &mut outputs {
            child.kill().unwrap();
        }
        for (mut child, lines) in outputs {
            let rounds =
                lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u32>().ok());
            acknowledged = acknowledged.max(rounds.max());
            child.wait().unwrap();
        }
        block_on(async {
            let ledger = SqliteLedger::open(&path).await.unwrap();
            if acknowledged.is_some() || !ledger.accounts().await.unwrap().is_empty() {
                assert!(Some(newest_round(&ledger).await) >= acknowledged);
            }
        });
    }
}

#[test]
fn a_full_disk_is_an_error_and_the_ledger_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    // In blocks of 512 or 1,024 bytes.
    let limited = start_recording(&path, "8000").wait_with_output().unwrap();
    let output = String::from_utf8(limited.stdout).unwrap();
    let refused = output.lines().find(|line| line.starts_with("refused "));
    let refused = refused.unwrap_or_else(|| panic!("{output}"));
    assert!(refused.contains("the disk is full"), "{refused}");
    assert!(!refused.contains("token 1"), "{refused}");
    let acknowledged = output
        .lines()
        .filter(|line| line.starts_with("acknowledged "))
        .count();
    assert!(acknowledged > 0, "{output}");
    block_on(async {
        let ledger = SqliteLedger::open(&path).await.unwrap();
        assert!(newest_round(&ledger).await as usize >= acknowledged - 1);
        let next = ledger.snapshots(&account()).await.unwrap().len() as i64;
        record(&ledger, next, &tokens(0..TOKENS, next as u32))
            .await
            .unwrap();
    });
}

/// Creates a ledger with a snapshot.
async fn with_snapshot(path: &Path) -> SqliteLedger {
    let ledger = SqliteLedger::open(path).await.unwrap();
    record(&ledger, 0, &tokens(0..TOKENS, 0)).await.unwrap();
    ledger
}

#[test]
fn a_locked_ledger_is_read_and_its_next_writer_waits_or_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let ledger = with_snapshot(&path)
            .await
            .with_patience(Duration::from_millis(50));
        let other = Connection::open(&path).unwrap();
        other.execute_batch("begin immediate").unwrap();
        assert_eq!(newest_round(&ledger).await, 0);
        let error = record(&ledger, 1, &tokens(0..TOKENS, 1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error.to_string().contains("in use by another process"),
            "{error}"
        );

        let patient = ledger.clone().with_patience(Duration::from_secs(60));
        let waiting =
            tokio::spawn(async move { record(&patient, 1, &tokens(0..TOKENS, 1)).await.map(drop) });
        tokio::time::sleep(Duration::from_millis(100)).await;
        other.execute_batch("rollback").unwrap();
        waiting.await.unwrap().unwrap();
        assert_eq!(newest_round(&ledger).await, 1);
    });
}

/// Opens tasks, all at once, and returns the failures.
async fn open_tasks(ledger: &SqliteLedger, count: u32) -> Vec<Error> {
    let opening = (0..count).map(|number| {
        let ledger = ledger.clone();
        let subject = number.to_string();
        let task = NewTask::new(OperationId::random(), "rotation", &subject, &subject, "{}");
        tokio::spawn(async move { ledger.open_task(&task).await.map(drop) })
    });
    let mut failures = Vec::new();
    for opening in opening.collect::<Vec<_>>() {
        failures.extend(opening.await.unwrap().err());
    }
    failures
}

#[test]
fn many_writers_of_a_process_all_get_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let ledger = SqliteLedger::open(path).await.unwrap();
        let ledger = ledger.with_patience(Duration::from_millis(200));
        let failures = open_tasks(&ledger, 600).await;
        assert!(failures.is_empty(), "{} of 600", failures.len());
    });
}

#[test]
fn many_writers_of_a_process_wait_for_another_process_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let ledger = SqliteLedger::open(&path).await.unwrap();
        let ledger = ledger.with_patience(Duration::from_millis(500));
        let other = Connection::open(&path).unwrap();
        other.execute_batch("begin immediate").unwrap();
        let asked = Instant::now();
        assert_eq!(open_tasks(&ledger, 50).await.len(), 50);
        let took = asked.elapsed();
        assert!(
            took < Duration::from_secs(20),
            "{took:?}: one after another, it takes 25 s"
        );
    });
}

#[test]
fn processes_that_open_a_new_ledger_at_once_all_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // They meet in each of its steps only now and then.
    for round in 0..50 {
        let path = folder.path().join(format!("{round}/ledger.db"));
        block_on(async {
            let openings = (0..8).map(|_| tokio::spawn(SqliteLedger::open(path.clone())));
            for opening in openings.collect::<Vec<_>>() {
                opening.await.unwrap().unwrap();
            }
        });
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
}

#[test]
fn a_file_that_others_may_read_or_write_is_refused_and_those_beside_it_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = block_on(with_snapshot(&path));
    for mode in [0o640, 0o620, 0o604, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = open_error(&path);
        assert_eq!(error.kind(), ErrorKind::Configuration, "{mode:o}: {error}");
        assert!(error.to_string().contains("by other users"), "{error}");
        assert!(error.advice().unwrap().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    block_on(async {
        let _open = stage(&ledger, 1, &tokens(0..1, 1)).await.unwrap();
        let beside = ["db-wal", "db-shm"].map(|end| path.with_extension(end));
        for path in &beside {
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        // It also waits for ever, if it must.
        let ledger = ledger.clone().with_patience(Duration::MAX);
        ledger.accounts().await.unwrap();
        for path in &beside {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    });
}

fn open_error(path: &Path) -> Error {
    block_on(SqliteLedger::open(path)).unwrap_err()
}

#[test]
fn a_newer_schema_and_a_file_of_another_program_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(with_snapshot(&path));
    let recorder = block_on(async {
        let ledger = SqliteLedger::open(&path).await.unwrap();
        stage(&ledger, 1, &tokens(0..1, 1)).await.unwrap()
    });
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("update meta set value = '99' where key = 'schema'")
        .unwrap();
    let error = block_on(recorder.close(COMPLETE)).unwrap_err();
    assert!(error.to_string().contains("schema 99"), "{error}");
    // The other version may keep its file in another way.
    let is_closed = || other.execute_batch("pragma journal_mode = delete").is_ok();
    while !is_closed() {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(other);
    let before = fs::read(&path).unwrap();
    let error = open_error(&path);
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("schema 99"), "{error}");
    assert!(error.advice().unwrap().contains("newer version"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    let foreign = folder.path().join("foreign.db");
    let other = Connection::open(&foreign).unwrap();
    other.execute_batch("create table mine (x)").unwrap();
    drop(other);
    let text = folder.path().join("notes.txt");
    fs::write(&text, "not a database at all\n".repeat(100)).unwrap();
    for path in [foreign, text] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let before = fs::read(&path).unwrap();
        let error = open_error(&path);
        assert!(error.to_string().contains("is not a ledger"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_file_that_cannot_be_written_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = open_error(folder.path());
    assert!(error.to_string().contains("cannot be opened"), "{error}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = open_error(&file.join("ledger.db"));
    assert!(error.to_string().contains("cannot be created"), "{error}");
    assert!(error.advice().is_some(), "{error}");

    let path = folder.path().join("ledger.db");
    let ledger = block_on(with_snapshot(&path));
    wait_until_closed(&path);
    let is_root = rustix::process::geteuid().is_root();
    let give_to = |user: u32| {
        for path in [path.as_path(), folder.path()]
            .into_iter()
            .filter(|_| is_root)
        {
            std::os::unix::fs::chown(path, Some(user), None).unwrap();
        }
    };
    give_to(65_534);
    for (path, mode) in [(path.as_path(), 0o400), (folder.path(), 0o500)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut shell = Command::new("sh");
    if is_root {
        // Permissions do not stop root.
        shell = Command::new("setpriv");
        shell.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh"]);
    }
    let refused = start_recording_by(shell, &path, "unlimited");
    let output = String::from_utf8(refused.wait_with_output().unwrap().stdout).unwrap();
    assert!(output.contains("cannot be written"), "{output}");
    if is_root {
        let error = open_error(&path);
        assert!(error.to_string().contains("another user"), "{error}");
    }
    give_to(0);
    for (path, mode) in [(path.as_path(), 0o600), (folder.path(), 0o700)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    assert_eq!(block_on(newest_round(&ledger)), 0);
}

#[test]
fn a_file_that_is_put_in_the_place_of_an_open_one_is_the_ledger_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let (path, restored) = (
        folder.path().join("ledger.db"),
        folder.path().join("restored.db"),
    );
    block_on(async {
        let ledger = with_snapshot(&path).await;
        let backup = with_snapshot(&restored).await;
        record(&backup, 1, &tokens(0..TOKENS, 1)).await.unwrap();
        let id = backup.ledger_id().await.unwrap();
        assert_ne!(ledger.ledger_id().await.unwrap(), id);
        drop(backup);
        assert!(
            !restored.with_extension("db-wal").exists(),
            "closed at once"
        );
        for beside in ["db-wal", "db-shm"] {
            fs::remove_file(path.with_extension(beside)).unwrap();
        }
        fs::rename(&restored, &path).unwrap();
        assert_eq!(ledger.ledger_id().await.unwrap(), id);
        assert_eq!(newest_round(&ledger).await, 1);
        record(&ledger, 2, &tokens(0..TOKENS, 2)).await.unwrap();
        drop(ledger);
        let again = SqliteLedger::open(&path).await.unwrap();
        assert_eq!(newest_round(&again).await, 2);
    });
}

/// Waits until all connections are closed, and everything is in the file itself.
fn wait_until_closed(ledger: &Path) {
    let log = ledger.with_extension("db-wal");
    while log.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_corrupt_page_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    block_on(async {
        let ledger = with_snapshot(&path).await;
        wait_until_closed(&path);
        let size = fs::metadata(&path).unwrap().len();
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        for page in 8..size / 4096 {
            file.seek(SeekFrom::Start(page * 4096)).unwrap();
            file.write_all(&[0xff; 512]).unwrap();
        }
        drop(file);
        let findings = ledger.check().await;
        let page = PageRequest::default();
        let error = ledger.state(&account(), at(5), &page).await.unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
        assert!(error.advice().unwrap().contains("backup"), "{error}");
        assert!(findings.map_or(true, |findings| !findings.is_empty()));
    });
}
