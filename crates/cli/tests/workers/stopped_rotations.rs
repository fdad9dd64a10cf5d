//! Rotations whose program is asked to stop: what is unfinished is told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Run;
use crate::support::rotating::{POLICY, Rotating, ended, lines, send};

/// Delays the answers to creations, whose tokens are there before that.
fn delay_creations(rotating: &Rotating, milliseconds: u64) {
    let action = json!({ "delay_answer": milliseconds });
    let fault = json!({"method": "POST", "actions": [action], "times": null});
    rotating.control("POST", "/faults", &fault.to_string());
}

fn assert_tells_how_to_go_on(run: &Run) {
    assert!(run.stderr.contains("asked to stop"), "{run:?}");
    assert!(run.stderr.contains("worker --once"), "{run:?}");
}

fn assert_goes_on(rotating: &Rotating, count: usize) {
    rotating.clear_faults();
    rotating.run(&["worker", "--once"]).ends_with(0);
    for number in 0..count {
        assert!(rotating.accepts(&rotating.held(&format!("ci-{number}"))));
    }
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    assert_eq!(rotating.alive(), count + 1);
}

#[test]
fn a_signal_ends_what_is_due_with_seven_and_the_unfinished_rotations() {
    let (worker, policy) = (["worker", "--once"], ["rotate", "--policy=ci"]);
    std::thread::scope(|scope| {
        for (signal, words) in [
            ("TERM", worker),
            ("INT", policy),
            ("HUP", worker),
            ("TERM", policy),
        ] {
            scope.spawn(move || assert_ends_with_the_unfinished_rotations(signal, &words));
        }
    });
}

fn assert_ends_with_the_unfinished_rotations(signal: &str, words: &[&str]) {
    let rotating = Rotating::covered("losant", 2);
    delay_creations(&rotating, 1_500);
    let words = [words, &["--output=ndjson"]].concat();
    let child = rotating.signal_when(&words, signal, || rotating.alive() > 3);
    let run = ended(child).ends_with(7);
    assert_tells_how_to_go_on(&run);
    // One attempt was under way, and was delivered. The other one was not begun.
    let rotations = lines(&run.stdout);
    assert_eq!(rotations.len(), 2, "{signal} {words:?}: {run:?}");
    let attempts: Vec<_> = (rotations.iter())
        .map(|rotation| rotation["attempts"].as_array().unwrap().len())
        .collect();
    assert_eq!(attempts, [1, 0], "{rotations:?}");
    for rotation in &rotations {
        let next = rotation["next"].as_str().unwrap();
        assert!(next.contains("operations resume"), "{rotation}");
    }
    assert_eq!(rotating.operations().len(), 2);
    assert_goes_on(&rotating, 2);
}

#[test]
fn a_signal_during_a_listing_ends_with_seven_and_the_policies_that_were_not_looked_through() {
    for words in [&["worker", "--once"][..], &["rotate", "--policy=ci"]] {
        let rotating = Rotating::covered("losant", 1);
        let fault = json!({"method": "GET", "actions": [{"delay": 60_000}], "times": null});
        rotating.control("POST", "/faults", &fault.to_string());
        let child = rotating.signal_when(words, "TERM", || rotating.requests() > 0);
        let run = ended(child).ends_with(7);
        assert_tells_how_to_go_on(&run);
        assert!(run.stderr.contains("policies.ci"), "{run:?}");
        assert_eq!(rotating.operations(), Vec::<Value>::new());
        assert_goes_on(&rotating, 1);
    }
}

#[test]
fn a_signal_during_a_look_at_the_old_token_ends_within_seconds() {
    let tables = POLICY.replace("overlap = '0s'", "overlap = '1s'\nrest = '1s'");
    let rotating = Rotating::covered_by(&tables, "foreman", 1);
    rotating.run(&["worker", "--once"]).ends_with(0);
    let id = rotating.operations()[0]["operation"].clone();
    std::thread::sleep(Duration::from_secs(2));
    let (requests, alive) = (rotating.requests(), rotating.alive());
    let fault = json!({"method": "GET", "actions": [{"delay": 60_000}], "times": null});
    rotating.control("POST", "/faults", &fault.to_string());
    let words = ["operations", "resume", id.as_str().unwrap(), "--yes"];
    let is_looking = || rotating.requests() > requests;
    let child = rotating.signal_when(&words, "TERM", is_looking);
    let asked = std::time::Instant::now();
    let run = ended(child).ends_with(7);
    assert!(asked.elapsed() < Duration::from_secs(10), "{run:?}");
    assert_eq!(rotating.alive(), alive);
    assert_goes_on(&rotating, 1);
}

#[test]
fn a_second_signal_ends_a_worker_at_once_with_seven() {
    for words in [
        &["worker", "--once"][..],
        &["worker"],
        &["rotate", "--policy=ci"],
    ] {
        let rotating = Rotating::covered("losant", 1);
        delay_creations(&rotating, 60_000);
        let child = rotating.signal_when(words, "TERM", || rotating.alive() > 2);
        std::thread::sleep(Duration::from_millis(500));
        send(&child, "TERM");
        let run = ended(child).ends_with(7);
        assert_tells_how_to_go_on(&run);
        let operations = rotating.operations();
        assert_eq!(operations[0]["state"], "issuing", "{operations:?}");
    }
}

#[test]
fn a_wait_that_is_stopped_leaves_the_old_token_to_a_worker() {
    let rotating = Rotating::covered("losant", 0);
    let id = rotating.insert("manual");
    let old = rotating.secret_of(&id);
    let to = rotating.to("manual");
    let words = [
        "rotate",
        &id,
        &to,
        "--overlap=1h",
        "--wait=2h",
        "--expires-in=90d",
        "--yes",
    ];
    let is_waiting = || {
        let operations = rotating.operations();
        operations
            .iter()
            .any(|operation| operation["state"] == "retiring")
    };
    let child = rotating.signal_when(&words, "INT", is_waiting);
    let run = ended(child).ends_with(7);
    let next = run.json()["next"].as_str().unwrap().to_owned();
    assert!(next.contains("worker --once"), "{run:?}");
    assert!(rotating.accepts(&old) && rotating.accepts(&rotating.held("manual")));
    let before = rotating.requests();
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
}
