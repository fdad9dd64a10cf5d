//! Revocations of unknown outcome, and plans that were killed.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::recorded::{Recorded, create_undelivered, lines};
use crate::support::rotating::Rotating;
use crate::support::temporary_file;

#[test]
fn a_revocation_and_an_update_of_unknown_outcome_are_finished() {
    let recorded = Recorded::new("losant");
    let created = recorded.run(&["create", "--name=ci"]).ends_with(0).json();
    let id = created["id"].as_str().unwrap();
    for (fault, name, outcome) in [
        ("close_after", "--name=other", "applied"),
        ("close_before", "--name=third", "not_applied"),
    ] {
        recorded.inject_fault("PATCH", &json!(fault));
        recorded.run(&["update", id, name]).ends_with(7);
        recorded.clear_faults();
        let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
        assert_eq!(run.json()["outcome"], outcome);
    }
    for fault in ["close_before", "close_after"] {
        let created = recorded.run(&["create", "--name=ci"]).ends_with(0).json();
        let id = created["id"].as_str().unwrap();
        recorded.inject_fault("DELETE", &json!(fault));
        recorded.run(&["revoke", id, "--yes"]).ends_with(7);
        recorded.clear_faults();
        assert_eq!(recorded.open().len(), 1);
        let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
        assert_eq!(run.json()["outcome"], "applied");
        assert!(recorded.open().is_empty());
    }
    assert_eq!(recorded.alive().len(), 2);
}

#[test]
fn a_plan_that_was_killed_goes_on_and_asks_nothing_twice() {
    for provider in ["losant", "foreman"] {
        let recorded = Recorded::with(provider, &["--latency=100"], "");
        for number in 0..4 {
            let token = json!({"name": format!("old {number}")}).to_string();
            recorded.control("POST", "/tokens", &token);
        }
        let plan = recorded.run(&["plan", "--where=name ^= old"]).ends_with(0);
        let path = temporary_file(&plan.stdout);
        let words = ["revoke", "--plan", &path, "--yes", "--max-concurrency=1"];
        let mut child = recorded
            .home
            .program(&recorded.words(&words))
            .envs(recorded.environment())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Until the first verdict.
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let first: Value = serde_json::from_str(&line).unwrap();
        let first = first["id"].as_str().unwrap();

        let before = recorded.requests();
        let run = recorded.run(&words).ends_with(0);
        assert_eq!(lines(&run).len(), 4, "{run:?}");
        for request in recorded.requests_after(before) {
            let target = request["target"].as_str().unwrap();
            assert!(
                request["method"] == "GET" || !target.ends_with(&format!("/{first}")),
                "asked twice: {target}"
            );
        }
        let before = recorded.requests();
        let again = recorded.run(&words).ends_with(0);
        assert_eq!(again.stdout.matches("already_").count(), 4, "{again:?}");
        let looked = recorded.requests_after(before);
        assert!(looked.iter().all(|request| request["method"] == "GET"));
        assert!(looked.len() <= 4, "{looked:?}");
        recorded.resume(&["--all", "--yes"]).ends_with(0);
        assert!(recorded.open().is_empty());
    }
}

#[test]
fn a_plan_that_is_run_to_its_end_leaves_nothing_open_of_the_run_that_was_killed() {
    let rotating = Rotating::with("losant", &["--tokens=0"], "");
    // Four are in flight at a time. A token that is left proves that this is the place of the plan.
    for number in 0..5 {
        rotating.insert(&format!("old {number}"));
    }
    let plan = rotating.run(&["plan", "--where=name ^= old"]).ends_with(0);
    let path = temporary_file(&plan.stdout);
    let words = ["revoke", "--plan", &path, "--yes"];
    rotating.kill_in_flight("DELETE", &words);
    let open = rotating.operations();
    assert!(!open.is_empty(), "nothing was in flight");
    for write in open {
        let name = write["name"].as_str().unwrap_or_default();
        assert!(name.starts_with("old "), "the plan has the names: {write}");
    }
    rotating.run(&words).ends_with(0);
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    rotating.run(&["operations", "--exit-code"]).ends_with(0);
    let open = rotating.run(&["audit", "--open"]).ends_with(0);
    assert!(open.stderr.is_empty(), "{open:?}");
}

#[test]
fn a_token_that_the_platform_has_again_is_revoked_again_by_its_plan() {
    // Below and above the number that is fetched one by one.
    for count in [1, 9] {
        let recorded = Recorded::new("losant");
        let before = recorded.alive().len();
        for number in 0..count {
            let token = json!({"name": format!("old {number}")}).to_string();
            recorded.control("POST", "/tokens", &token);
        }
        let plan = recorded.run(&["plan", "--where=name ^= old"]).ends_with(0);
        let path = temporary_file(&plan.stdout);
        let words = ["revoke", "--plan", &path, "--yes"];
        // As if a backup was restored afterwards: the last one is confirmed and stays.
        let success = json!({"answer": {"status": 200, "body": "{\"success\":true}"}});
        let fault = json!({"method": "DELETE", "actions": [success]});
        recorded.control("POST", "/faults", &fault.to_string());
        recorded.run(&words).ends_with(0);
        assert_eq!(recorded.alive().len(), before + 1);
        let again = recorded.run(&words).ends_with(0);
        assert_eq!(again.stdout.matches("already_gone").count(), count - 1);
        assert!(again.stderr.contains("has it again"), "{again:?}");
        assert_eq!(recorded.alive().len(), before, "{count}: {again:?}");
    }
}

#[test]
fn a_dead_secret_is_said_to_be_one_that_was_revoked_when_and_why() {
    let rotating = Rotating::with("losant", &["--tokens=0"], "");
    let id = rotating.insert("ci");
    let secret = rotating.secret_of(&id);
    rotating
        .run(&["revoke", &id, "--yes", "--reason=INC-3"])
        .ends_with(0);
    let words = ["locate", "--secret-env=LEAK", "--output=json"];
    let run = rotating.run_with(&[("LEAK", &secret)], &words);
    let found = run.json();
    let reason = found["accounts"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("tokenfleet revoked at 20"), "{reason}");
    assert!(
        reason.contains(&id) && reason.ends_with("INC-3"),
        "{reason}"
    );
}

#[test]
fn a_token_that_a_later_change_has_revoked_is_not_called_active() {
    let recorded = Recorded::new("losant");
    create_undelivered(&recorded);
    let open = recorded.open();
    let (id, token) = (&open[0]["operation"], &open[0]["tokens"][0]);
    let (id, token) = (id.as_str().unwrap(), token.as_str().unwrap());
    let shown = || {
        let run = recorded.run(&["operations", "show", id, "--output=ndjson"]);
        let mut writes = lines(&run.ends_with(0)).into_iter();
        writes.find(|write| write["action"] == "create").unwrap()
    };
    assert_eq!(shown()["state"], "active_without_owner");
    recorded.run(&["revoke", token, "--yes"]).ends_with(0);
    let created = shown();
    assert_eq!(created["state"], "taken_back", "{created}");
    let why = created["why"].as_str().unwrap();
    assert!(
        why.contains("was revoked at ") && why.contains("by the operation "),
        "{why}"
    );
    for write in recorded.open() {
        assert_ne!(write["state"], "active_without_owner", "{write}");
    }
}
