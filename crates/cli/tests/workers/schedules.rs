//! Schedules: the commands that workers run again and again.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokenfleet_ledger::{Task, Tasks};

use crate::support::rotating::{Rotating, lines, send};

const NIGHTLY: &str = "[schedules.nightly]\nrun = 'snapshot'\nevery = '1d'\n";

fn scheduled(tables: &str) -> Rotating {
    let rotating = Rotating::with("losant", &["--tokens=0"], tables);
    rotating.insert("ci-0");
    rotating
}

fn snapshots(rotating: &Rotating) -> Vec<Value> {
    let run = rotating.run(&["ledger", "snapshots", "--output=ndjson"]);
    lines(&run.ends_with(0).stdout)
}

fn open_tasks(rotating: &Rotating) -> Vec<Task> {
    rotating.with_ledger(async |ledger| ledger.open_tasks().await.unwrap())
}

#[test]
fn workers_that_run_at_once_take_each_snapshot_once() {
    let tables: String = (0..3)
        .map(|number| NIGHTLY.replace("nightly", &format!("number-{number}")))
        .collect();
    let rotating = scheduled(&tables);
    let words = ["worker", "--once", "--output=ndjson"];
    let children: Vec<_> = (0..3).map(|_| rotating.spawn(&words)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    rotating.run(&words).ends_with(0);
    assert_eq!(snapshots(&rotating).len(), 3);
    let before = rotating.requests();
    rotating.run(&words).ends_with(0);
    assert_eq!(rotating.requests(), before, "nothing is due");
}

/// Takes half a minute: the claim of the killed worker runs out.
#[test]
fn the_snapshot_of_a_killed_worker_is_taken_by_another_one_within_half_a_minute() {
    let rotating = scheduled(NIGHTLY);
    rotating.kill_in_flight("GET", &["worker"]);
    let killed = Instant::now();
    assert!(open_tasks(&rotating)[0].claimed_until.is_some());
    let worker = rotating.spawn(&["worker"]);
    while snapshots(&rotating).is_empty() {
        assert!(killed.elapsed() < Duration::from_secs(60), "not taken");
        std::thread::sleep(Duration::from_millis(200));
    }
    let taken = killed.elapsed();
    send(&worker, "TERM");
    let output = worker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(taken < Duration::from_secs(30), "{taken:?}");
    // Nobody has to guess meanwhile why nothing happens.
    let said = String::from_utf8(output.stderr).unwrap();
    let waits = said.matches("mine: another worker has claimed the queue");
    assert_eq!(waits.count(), 1, "{said}");
    assert_eq!(snapshots(&rotating).len(), 1);
}

#[test]
fn a_schedule_that_was_removed_from_the_configuration_runs_no_more() {
    let rotating = scheduled(NIGHTLY);
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(open_tasks(&rotating).len(), 1);
    let configuration = fs::read_to_string(&rotating.path).unwrap();
    fs::write(&rotating.path, configuration.replace(NIGHTLY, "")).unwrap();
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(open_tasks(&rotating), Vec::new());
    fs::write(&rotating.path, configuration.replace("'1d'", "'12h'")).unwrap();
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(snapshots(&rotating).len(), 2);
}

#[test]
fn what_was_scheduled_for_an_account_that_left_the_configuration_is_named_and_can_be_given_up() {
    let gone = "[accounts.gone]\nprovider = 'losant'\nbase_url = 'http://127.0.0.1:1'\n\
                token = { env = 'TOKEN_OF_GONE' }\n";
    let rotating = scheduled(&format!("{NIGHTLY}{gone}"));
    let run = rotating.run(&["worker", "--once"]);
    assert_ne!(run.code, 0, "{run:?}");
    let id = rotating.operations()[0]["operation"].to_string();
    let id = id.trim_matches('"');
    let abandon = ["operations", "abandon", id, "--yes"];
    // A worker would open it again.
    rotating.run(&abandon).ends_with(2);
    let configuration = fs::read_to_string(&rotating.path).unwrap();
    fs::write(&rotating.path, configuration.replace(gone, "")).unwrap();
    rotating.run(&["worker", "--once"]).ends_with(0);
    let run = rotating.run(&["operations", "--exit-code", "--output=ndjson"]);
    assert!(run.ends_with(8).stderr.contains("\"gone\""));
    assert_eq!(rotating.operations()[0]["state"], "account_lost");
    rotating.run(&abandon).ends_with(0);
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    assert_eq!(open_tasks(&rotating).len(), 1);
}

#[test]
fn what_is_open_of_an_account_that_left_the_configuration_fails_no_scheduled_resumption_of_others()
{
    let resumes = "[schedules.unfinished]\nrun = 'operations resume'\nevery = '1h'\n";
    let rotating = scheduled(resumes);
    rotating.kill_in_flight("POST", &["create", "--name=ci-1"]);
    let configuration = fs::read_to_string(&rotating.path).unwrap();
    let renamed = configuration.replace("[accounts.mine]", "[accounts.another]");
    fs::write(&rotating.path, renamed).unwrap();
    rotating.run(&["worker", "--once"]).ends_with(0);
    let open = rotating.operations();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0]["account"], "mine");
    assert!(open[0]["why"].to_string().contains("does not have"));
    // Whoever asks about all accounts is told of the one that fails.
    let run = rotating.run(&["operations", "resume", "--all", "--yes"]);
    assert_ne!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("mine"), "{run:?}");
}

#[test]
fn a_run_that_fails_waits_is_shown_and_comes_again() {
    let rotating = scheduled(NIGHTLY);
    let fault = json!({"method": "GET", "actions": [{"answer": {"status": 401}}], "times": null});
    rotating.control("POST", "/faults", &fault.to_string());
    let run = rotating.run(&["worker", "--once"]).ends_with(3);
    assert!(run.stderr.contains("mine"), "{run:?}");
    let shown = rotating.operations();
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!(shown[0]["state"], "failing");
    assert_eq!(shown[0]["action"], "schedules.nightly");
    let id = shown[0]["operation"].as_str().unwrap();
    let show = rotating.run(&["operations", "show", id, "--output=ndjson"]);
    assert_eq!(lines(&show.ends_with(0).stdout), shown);
    let before = rotating.requests();
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(rotating.requests(), before, "it waits");

    rotating.clear_faults();
    rotating.with_ledger(async |ledger| {
        let open = ledger.open_tasks().await.unwrap();
        let id = open[0].id;
        let claim = ledger.claim_task(id, Duration::from_secs(5)).await.unwrap();
        let due = open[0].opened_at;
        let epoch = claim.unwrap().epoch;
        ledger.release_claim(id, epoch, Some(due)).await.unwrap();
    });
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    assert_eq!(snapshots(&rotating).len(), 1);
}

#[test]
fn the_findings_of_a_scheduled_check_are_those_of_the_worker() {
    let tables =
        "[checks.old]\nolder_than = '90d'\n[schedules.hourly]\nrun = 'check'\nevery = '1h'\n";
    let rotating = scheduled(tables);
    let run = rotating
        .run(&["worker", "--once", "--output=ndjson"])
        .ends_with(8);
    assert!(run.stdout.contains("\"old\""), "{run:?}");
    assert!(run.stdout.contains("ci-0"), "{run:?}");
    // It has ended well.
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    rotating.run(&["worker", "--once"]).ends_with(0);
}
