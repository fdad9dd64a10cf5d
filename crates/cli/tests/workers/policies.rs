//! Policies, and the workers that carry them out.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::rotating::{POLICY, Rotating, ended, lines, send};

fn assert_all_rotated(rotating: &Rotating, count: usize) {
    assert_eq!(rotating.alive(), count + 1);
    for number in 0..count {
        assert!(rotating.accepts(&rotating.held(&format!("ci-{number}"))));
    }
    assert_eq!(rotating.operations(), Vec::<Value>::new());
}

#[test]
fn what_is_due_by_a_policy_is_rotated_once() {
    for provider in ["losant", "foreman"] {
        for words in [&["rotate", "--policy=ci"][..], &["worker", "--once"]] {
            let rotating = Rotating::covered(provider, 2);
            let run = rotating
                .run(&[words, &["--output=ndjson"]].concat())
                .ends_with(0);
            let rotated = lines(&run.stdout);
            assert_eq!(rotated.len(), 2, "{rotated:?}");
            for rotation in &rotated {
                assert_eq!(rotation["state"], "done", "{rotation}");
                assert_eq!(rotation["policy"], "ci");
            }
            assert_all_rotated(&rotating, 2);
            let before = rotating.requests();
            let run = rotating.run(words).ends_with(0);
            assert_eq!(run.stdout, "");
            assert_eq!(rotating.changes_after(before), Vec::<String>::new());
        }
    }
}

#[test]
fn a_dry_run_tells_what_would_be_sent_where_and_sends_nothing_that_changes_anything() {
    let rotating = Rotating::covered("losant", 2);
    rotating.put("ci-1", "somebody else's");
    let dry_run = ["rotate", "--policy=ci", "--dry-run"];
    let run = rotating.run(&[&dry_run[..], &["--output=ndjson"]].concat());
    let planned = lines(&run.ends_with(8).stdout);
    assert_eq!(planned.len(), 2, "{planned:?}");
    for plan in &planned {
        assert_eq!(plan["is_due"], true, "{plan}");
        assert!(plan["revoked_at"].is_string(), "{plan}");
        let requests: Vec<_> = plan["requests"].as_array().unwrap().iter().collect();
        let words: Vec<_> = (requests.iter())
            .map(|request| request.as_str().unwrap().split(' ').next().unwrap())
            .collect();
        let expected = ["read", "create", "write", "read", "revoke"];
        let words: Vec<_> = words.into_iter().filter(|word| *word != "verify").collect();
        assert_eq!(words, expected, "{plan}");
        let place = &plan["places"][0];
        assert_eq!(place["needs_adoption"], plan["name"] == "ci-1", "{plan}");
    }
    assert_eq!(rotating.changes_after(0), Vec::<String>::new());
    assert!(!rotating.file("ci-0").exists());
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    let run = rotating
        .run(&[&dry_run[..], &["--output=table"]].concat())
        .ends_with(8);
    assert!(run.stdout.contains("ci-0"), "{run:?}");
}

#[test]
fn workers_that_run_at_once_rotate_each_token_once() {
    let rotating = Rotating::covered("losant", 4);
    let before = rotating.requests();
    let words = ["worker", "--once", "--output=ndjson"];
    let children: Vec<_> = (0..3).map(|_| rotating.spawn(&words)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        // Whoever came second may have left the rest to the one that was at it.
        assert!(matches!(output.status.code(), Some(0 | 7)), "{output:?}");
    }
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_all_rotated(&rotating, 4);
    let changes = rotating.changes_after(before);
    let created = changes.iter().filter(|method| *method == "POST").count();
    assert_eq!(created, 4, "{changes:?}");
}

#[test]
fn a_token_whose_rotation_ends_during_a_listing_is_not_rotated_again() {
    let rotating = Rotating::covered("losant", 1);
    rotating.delay_answers_by("GET", 3_000);
    let listing = rotating.spawn(&["worker", "--once"]);
    rotating.wait_until_processed("GET");
    // It gets its answer when the other worker is done.
    send(&listing, "STOP");
    rotating.clear_faults();
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_all_rotated(&rotating, 1);
    send(&listing, "CONT");
    // It has read the old token as one that is active, which is revoked by now.
    let before = rotating.requests();
    let run = ended(listing).ends_with(0);
    assert_eq!(
        rotating.changes_after(before),
        Vec::<String>::new(),
        "{run:?}"
    );
    assert_all_rotated(&rotating, 1);
}

#[test]
fn a_worker_works_until_it_is_asked_to_stop_and_ends_well() {
    let rotating = Rotating::covered("losant", 2);
    let child = rotating.spawn(&["worker"]);
    let started = Instant::now();
    while rotating.alive() != 3
        || !rotating.file("ci-1").exists()
        || !rotating.file("ci-0").exists()
    {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "nothing rotated"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let id = child.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let logged = lines(&String::from_utf8(output.stderr).unwrap());
    assert_eq!(logged.len(), 2, "{logged:?}");
    assert!(logged.iter().all(|line| line["operation"].is_string()));
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_all_rotated(&rotating, 2);
}

#[test]
fn a_step_that_is_under_way_is_finished_when_a_worker_is_asked_to_stop() {
    let rotating = Rotating::covered("losant", 1);
    let fault = json!({"method": "POST", "actions": [{"delay_answer": 1_500}], "times": null});
    rotating.control("POST", "/faults", &fault.to_string());
    let child = rotating.spawn(&["worker"]);
    let started = Instant::now();
    while rotating.alive() < 3 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "nothing created"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // The new secret was in its memory alone.
    assert!(rotating.accepts(&rotating.held("ci-0")));
    rotating.clear_faults();
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_all_rotated(&rotating, 1);
}

#[test]
fn no_other_rotation_of_a_queue_begins_after_a_request_to_stop() {
    let rotating = Rotating::covered("losant", 3);
    let fault = json!({"method": "POST", "actions": [{"delay_answer": 1_500}], "times": null});
    rotating.control("POST", "/faults", &fault.to_string());
    let before = rotating.requests();
    let all_open = || rotating.operations().len() == 3 && rotating.alive() == 5;
    let child = rotating.signal_when(&["worker"], "TERM", all_open);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let changes = rotating.changes_after(before);
    let created = changes.iter().filter(|method| *method == "POST").count();
    assert_eq!(created, 1, "{changes:?}");
    let logged = lines(&String::from_utf8(output.stderr).unwrap());
    assert_eq!(logged.len(), 1, "{logged:?}");
    rotating.clear_faults();
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_all_rotated(&rotating, 3);
}

#[test]
fn a_worker_that_waits_for_a_list_ends_when_it_is_asked_to_stop() {
    let rotating = Rotating::covered("losant", 1);
    let fault = json!({"method": "GET", "actions": [{"delay": 30_000}], "times": null});
    rotating.control("POST", "/faults", &fault.to_string());
    let child = rotating.spawn(&["worker"]);
    let started = Instant::now();
    while rotating.requests() == 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "nothing sent");
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_token_without_a_place_of_its_own_is_a_finding() {
    let rotating = Rotating::with("losant", &["--tokens=0"], POLICY);
    rotating.insert("ci-a/b");
    rotating.insert("ci-0");
    let run = rotating
        .run(&["worker", "--once", "--output=ndjson"])
        .ends_with(8);
    assert_eq!(lines(&run.stdout).len(), 1, "{run:?}");
    assert!(run.stderr.contains("another place"), "{run:?}");
    assert!(rotating.accepts(&rotating.held("ci-0")));
}

#[test]
fn an_account_that_does_not_answer_holds_up_no_other() {
    let rotating = Rotating::covered("losant", 1);
    let fault = json!({"method": "GET", "actions": [{"answer": {"status": 401}}], "times": null});
    rotating.control("POST", "/faults", &fault.to_string());
    let run = rotating.run(&["worker", "--once"]);
    assert_ne!(run.code, 0, "{run:?}");
    assert_eq!(rotating.changes_after(0), Vec::<String>::new());
    rotating.clear_faults();
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_all_rotated(&rotating, 1);
}

#[test]
fn a_worker_that_may_change_nothing_changes_nothing_of_what_is_due() {
    let rotating = Rotating::covered("losant", 1);
    let id = rotating.insert("manual");
    let words = [
        "rotate",
        &id,
        &rotating.to("manual"),
        "--overlap=1s",
        "--expires-in=90d",
        "--yes",
    ];
    rotating.run(&words).ends_with(0);
    std::thread::sleep(Duration::from_secs(2));
    // A retirement is due, and a policy.
    let before = (
        rotating.requests(),
        rotating.operations(),
        rotating.tokens(),
    );
    for words in [
        &["worker", "--once", "--read-only"][..],
        &["rotate", "--policy=ci", "--read-only"],
    ] {
        let run = rotating.run(words).ends_with(2);
        assert!(run.stderr.contains("--read-only"), "{run:?}");
        assert_eq!(rotating.changes_after(before.0), Vec::<String>::new());
        assert_eq!(
            (rotating.operations(), rotating.tokens()),
            (before.1.clone(), before.2.clone())
        );
    }
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    assert!(rotating.accepts(&rotating.held("ci-0")));
}
