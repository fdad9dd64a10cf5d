//! Dry runs of policies: what would go on, what would begin, and when the old secrets stop.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::rotating::{POLICY, Rotating, lines};
use tokenfleet::Timestamp;

const DRY_RUN: [&str; 4] = ["rotate", "--policy=ci", "--dry-run", "--output=ndjson"];

fn time(object: &Value, key: &str) -> Timestamp {
    let text = object[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key}: {object}"));
    text.parse().unwrap()
}

/// Asserts that a time is this long after another one, to a few seconds.
#[track_caller]
fn assert_after(from: Timestamp, to: Timestamp, seconds: u64) {
    let between = from.duration_until(to).as_secs();
    assert!(
        between.abs_diff(seconds) <= 20,
        "{between} s between {from} and {to}"
    );
}

#[test]
fn a_dry_run_shows_the_open_rotations_that_would_go_on() {
    let tables = POLICY.replace("overlap = '0s'", "overlap = '2s'");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    let run = rotating
        .run(&["rotate", "--policy=ci", "--output=ndjson"])
        .ends_with(0);
    let opened = lines(&run.stdout).remove(0);
    // Its overlap is not over yet.
    let run = rotating.run(&DRY_RUN).ends_with(0);
    let operations = lines(&run.stdout)
        .into_iter()
        .map(|plan| plan["operation"].clone());
    assert!(
        operations.into_iter().all(|operation| operation.is_null()),
        "{run:?}"
    );
    std::thread::sleep(Duration::from_secs(3));
    let before = (rotating.requests(), rotating.operations());
    let run = rotating.run(&DRY_RUN).ends_with(0);
    let plans = lines(&run.stdout);
    let open: Vec<_> = plans
        .iter()
        .filter(|plan| plan["operation"].is_string())
        .collect();
    assert_eq!(open.len(), 1, "{run:?}");
    for key in ["operation", "token", "name", "stops_at", "revoked_at"] {
        assert_eq!(open[0][key], opened[key], "{key}");
    }
    assert_eq!(open[0]["is_due"], true);
    let requests: Vec<_> = (open[0]["requests"].as_array().unwrap().iter())
        .map(|request| request.as_str().unwrap().split(' ').next().unwrap())
        .filter(|word| *word != "verify")
        .collect();
    assert_eq!(requests, ["read", "revoke"], "what is left of it");
    assert_eq!(rotating.changes_after(before.0), Vec::<String>::new());
    assert_eq!(rotating.operations(), before.1);
}

#[test]
fn a_dry_run_counts_the_look_at_the_last_use() {
    let rest = "overlap = '1h'\nrest = '1h'\nmax_overlap = '2d'";
    let rotating = Rotating::covered_by(&POLICY.replace("overlap = '0s'", rest), "foreman", 1);
    let plan = lines(&rotating.run(&DRY_RUN).ends_with(0).stdout).remove(0);
    let requests = plan["requests"].as_array().unwrap();
    let look = format!("look up {}", plan["token"].as_str().unwrap());
    let at = |request: &str| requests.iter().position(|it| it == request);
    let (looked_up, revoked) = (at(&look).unwrap(), requests.len() - 1);
    let last_read = requests
        .iter()
        .rposition(|it| it.to_string().contains("read "));
    assert!(
        looked_up < last_read.unwrap() && last_read.unwrap() < revoked,
        "{plan}"
    );
}

#[test]
fn a_dry_run_names_the_rotations_that_wait_for_a_person() {
    let rotating = Rotating::covered("losant", 1);
    rotating.put("ci-0", "somebody else's");
    let real = rotating.run(&["rotate", "--policy=ci", "--output=ndjson"]);
    let parked = lines(&real.ends_with(8).stdout).remove(0);
    assert_eq!(parked["state"], "parked");
    let run = rotating.run(&DRY_RUN).ends_with(8);
    assert_eq!(lines(&run.stdout), Vec::<Value>::new());
    let error = &lines(&run.stderr)[0]["error"];
    let operation = parked["operation"].as_str().unwrap();
    assert!(error["message"].to_string().contains(operation), "{run:?}");
    assert_eq!(error["advice"], parked["next"]);
}

#[test]
fn a_dry_run_creates_no_ledger() {
    let rotating = Rotating::covered("losant", 2);
    let run = rotating.run(&DRY_RUN).ends_with(0);
    assert_eq!(lines(&run.stdout).len(), 2, "{run:?}");
    let state = rotating.ledger().parent().unwrap().to_owned();
    assert!(
        !state.exists(),
        "{:?}",
        std::fs::read_dir(state).unwrap().collect::<Vec<_>>()
    );
}

#[test]
fn a_dry_run_may_be_told_to_change_nothing() {
    let rotating = Rotating::covered("losant", 1);
    let without_times = |run: support::Run| {
        let mut plans = lines(&run.ends_with(0).stdout);
        for plan in &mut plans {
            for key in ["stops_at", "revoked_at"] {
                plan[key] = Value::Null;
            }
        }
        plans
    };
    let plans = without_times(rotating.run(&DRY_RUN));
    assert_eq!(plans.len(), 1);
    let read_only = rotating.run(&[&DRY_RUN[..], &["--read-only"]].concat());
    assert_eq!(without_times(read_only), plans);
}

#[test]
fn an_old_secret_stops_when_it_is_suspended_and_is_revoked_after_the_soak() {
    let tables = POLICY.replace("overlap = '0s'", "overlap = '1h'\nsoak = '2h'");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    let plan = lines(&rotating.run(&DRY_RUN).ends_with(0).stdout).remove(0);
    assert_after(Timestamp::now(), time(&plan, "stops_at"), 3_600);
    assert_after(time(&plan, "stops_at"), time(&plan, "revoked_at"), 7_200);
    let words = plan["requests"].to_string();
    assert!(
        words.contains("suspend ") && words.contains("revoke "),
        "{words}"
    );
    let run = rotating
        .run(&["worker", "--once", "--output=ndjson"])
        .ends_with(0);
    let rotation = lines(&run.stdout).remove(0);
    assert_after(
        time(&rotation, "delivered_at"),
        time(&rotation, "stops_at"),
        3_600,
    );
    assert_after(
        time(&rotation, "stops_at"),
        time(&rotation, "revoked_at"),
        7_200,
    );
}

#[test]
fn an_old_secret_that_is_suspended_has_stopped_then() {
    let tables = POLICY.replace("overlap = '0s'", "overlap = '1s'\nsoak = '2h'");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    rotating.run(&["worker", "--once"]).ends_with(0);
    // Long after the overlap, so that it is told from the time of the suspension.
    std::thread::sleep(Duration::from_secs(3));
    let before = Timestamp::now();
    let run = rotating
        .run(&["worker", "--once", "--output=ndjson"])
        .ends_with(0);
    let rotation = lines(&run.stdout).remove(0);
    assert!(time(&rotation, "stops_at") >= before, "{rotation}");
    assert_after(
        time(&rotation, "stops_at"),
        time(&rotation, "revoked_at"),
        7_200,
    );
    let shown = rotating.operations().remove(0);
    assert_eq!(shown["stops_at"], rotation["stops_at"]);
}
