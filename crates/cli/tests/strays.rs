//! The tokens with markers that a snapshot reports, and leaves alone.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::rotating::{Rotating, lines};

/// Rotates a token into a file, and returns the object of the rotation.
fn rotate(rotating: &Rotating) -> Value {
    let id = rotating.insert("ci");
    let to = rotating.to("ci");
    let words = [
        "rotate",
        "--id",
        &id,
        &to,
        "--overlap=0s",
        "--expires-in=90d",
        "--yes",
    ];
    rotating.run(&words).ends_with(0).json()
}

/// Lets a token with a marker arrive, as if its creation was carried out late.
fn insert(rotating: &Rotating, provider: &str, marker: &str) -> String {
    let token = match provider {
        "losant" => json!({"name": "late", "description": format!("for {marker}")}),
        _ => json!({ "name": format!("late {marker}") }),
    };
    let inserted = rotating.control("POST", "/tokens", &token.to_string());
    inserted["id"].as_str().unwrap().to_owned()
}

fn snapshot(rotating: &Rotating) -> Vec<Value> {
    let run = rotating.run(&["snapshot", "--output=json"]).ends_with(0);
    let strays = &run.json()["accounts"][0]["strays"];
    strays
        .as_array()
        .unwrap_or_else(|| panic!("{run:?}"))
        .clone()
}

/// Returns another marker of the same ledger.
fn sibling(marker: &str) -> String {
    format!("{}0000000000", &marker[..9])
}

#[test]
fn a_token_that_arrives_after_its_rotation_is_done_is_reported_and_left_alone() {
    for provider in ["losant", "foreman"] {
        let rotating = Rotating::new(provider);
        let rotated = rotate(&rotating);
        let marker = rotated["attempts"][0]["marker"].as_str().unwrap();
        assert_eq!(
            snapshot(&rotating),
            Vec::<Value>::new(),
            "the successor is in use"
        );

        let late = insert(&rotating, provider, marker);
        let (alive, before) = (rotating.alive(), rotating.requests());
        let strays = snapshot(&rotating);
        assert_eq!(strays.len(), 1, "{provider}: {strays:?}");
        assert_eq!(strays[0]["origin"], "late", "{strays:?}");
        assert_eq!(strays[0]["token"], late.as_str());
        assert_eq!(strays[0]["markers"], json!([marker]));
        assert_eq!(strays[0]["operation"], rotated["operation"]);
        let run = rotating
            .run(&["snapshot", "--output=table", "--quiet"])
            .ends_with(0);
        assert!(run.stdout.contains(&format!("token {late}")), "{run:?}");
        let run = rotating.run(&["snapshot", "--output=csv"]).ends_with(0);
        assert!(
            run.stdout.lines().nth(1).unwrap().ends_with(",1"),
            "{run:?}"
        );
        assert_eq!(rotating.changes_after(before), Vec::<String>::new());
        assert_eq!(rotating.alive(), alive);

        let command = strays[0]["revoke"].as_str().unwrap();
        let words: Vec<_> = command
            .split(' ')
            .skip(1)
            .take_while(|word| *word != "--config")
            .collect();
        rotating
            .run(&[&words[..], &["--yes"]].concat())
            .ends_with(0);
        assert_eq!(rotating.alive(), alive - 1);
        assert_eq!(snapshot(&rotating), Vec::<Value>::new());
        assert!(rotating.accepts(&rotating.held("ci")), "{provider}");
    }
}

#[test]
fn a_marker_that_the_ledger_does_not_know_is_told_from_one_of_another_ledger() {
    let rotating = Rotating::new("losant");
    let rotated = rotate(&rotating);
    let marker = rotated["attempts"][0]["marker"].as_str().unwrap();
    let ours = insert(&rotating, "losant", &sibling(marker));
    let digit = if marker.as_bytes()[3] == b'0' {
        '1'
    } else {
        '0'
    };
    let others = format!("tf-{digit}{}", &marker[4..]);
    let theirs = insert(&rotating, "losant", &others);
    let (alive, before) = (rotating.alive(), rotating.requests());
    let mut strays = snapshot(&rotating);
    strays.sort_by_key(|stray| stray["origin"].to_string());
    let found = |stray: &Value| {
        let texts = ["origin", "token"].map(|key| stray[key].as_str().unwrap().to_owned());
        (texts, stray["operation"].is_null())
    };
    let found: Vec<_> = strays.iter().map(found).collect();
    let expected = [("foreign", theirs), ("forgotten", ours.clone())]
        .map(|(origin, id)| ([origin.to_owned(), id], true));
    assert_eq!(found, expected);
    let run = rotating.run(&["snapshot", "--output=table"]).ends_with(0);
    assert!(run.stdout.contains(&format!("token {ours}")), "{run:?}");
    assert!(
        run.stdout
            .contains("1 token bears a marker of another ledger"),
        "{run:?}"
    );
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    assert_eq!(rotating.alive(), alive);
}

#[test]
fn what_a_creation_made_is_no_stray_unless_it_is_not_the_token_that_arrived() {
    let rotating = Rotating::new("losant");
    let words = [
        "create",
        "--name=ci",
        "--expires-in=30d",
        "--exactly-once",
        "--show-secret",
    ];
    let run = rotating.program(&words).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let tokens = rotating.control("GET", "/tokens", "");
    assert_eq!(snapshot(&rotating), Vec::<Value>::new(), "{tokens}");

    // A killed one is an open operation, and no stray.
    rotating.kill_in_flight("POST", &words);
    assert_eq!(snapshot(&rotating), Vec::<Value>::new());

    // Its marker tells the ledger, so one that arrives when nobody waits any longer is found.
    let open = rotating.operations();
    let marker = open[0]["marker"].as_str().unwrap().to_owned();
    let operation = open[0]["operation"].as_str().unwrap();
    rotating
        .run(&["operations", "abandon", operation, "--yes"])
        .ends_with(0);
    let strays = snapshot(&rotating);
    assert_eq!(strays.len(), 1, "{strays:?}");
    assert_eq!(strays[0]["origin"], "forgotten");
    assert_eq!(strays[0]["markers"], json!([marker]));
}

#[test]
fn the_old_token_of_a_rotation_that_was_given_up_is_reported() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    let to = rotating.to("ci");
    let words = ["rotate", &id, &to, "--expires-in=90d", "--yes"];
    let rotated = rotating.run(&words).ends_with(0).json();
    assert_eq!(snapshot(&rotating), Vec::<Value>::new());
    let operation = rotated["operation"].as_str().unwrap();
    rotating
        .run(&["operations", "abandon", operation, "--yes"])
        .ends_with(0);
    let alive = rotating.alive();
    let strays = snapshot(&rotating);
    assert_eq!(strays.len(), 1, "{strays:?}");
    assert_eq!(strays[0]["origin"], "replaced");
    assert_eq!(strays[0]["token"], id);
    assert_eq!(strays[0]["operation"], operation);
    assert_eq!(rotating.alive(), alive);
}

#[test]
fn an_old_token_that_lives_although_its_revocation_was_confirmed_is_reported() {
    let rotating = Rotating::covered("losant", 1);
    let subject = rotating.tokens()[0]["id"].clone();
    let confirmed = json!({"status": 200, "body": r#"{"success":true}"#});
    let fault = json!({"method": "DELETE", "path": "*", "actions": [{ "answer": confirmed }]});
    rotating.control("POST", "/faults", &fault.to_string());
    let words = ["worker", "--once", "--output=ndjson"];
    let rotated = lines(&rotating.run(&words).ends_with(0).stdout).remove(0);
    assert_eq!(rotated["state"], "done");

    let (alive, before) = (rotating.alive(), rotating.requests());
    let strays = snapshot(&rotating);
    assert_eq!(strays.len(), 1, "{strays:?}");
    assert_eq!(strays[0]["origin"], "survived", "{strays:?}");
    assert_eq!(strays[0]["token"], subject);
    assert_eq!(strays[0]["operation"], rotated["operation"]);
    // Its successor is not held up by it.
    let run = rotating.run(&words).ends_with(8);
    assert!(run.stderr.contains("left over"), "{run:?}");
    assert!(!run.stderr.contains("same place"), "{run:?}");
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    assert_eq!(rotating.alive(), alive);
}

#[test]
fn no_token_of_a_rotation_is_to_be_revoked_while_a_place_holds_what_no_stamp_names() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    let old = rotating.secret_of(&id);
    let to = rotating.to("ci");
    let words = ["rotate", &id, &to, "--expires-in=90d", "--yes"];
    let rotated = rotating.run(&words).ends_with(0).json();
    let operation = rotated["operation"].as_str().unwrap();
    // Somebody needs the old one again.
    rotating.put("ci", &old);
    let run = rotating.run(&["operations", "abandon", operation, "--yes", "--output=json"]);
    let run = run.ends_with(0);
    assert!(run.stderr.contains("locate --secret-file"), "{run:?}");
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains("revoke it, unless"), "{run:?}");
    }
    let strays = snapshot(&rotating);
    assert_eq!(strays[0]["token"], id, "{strays:?}");
    assert_eq!(strays[0]["revoke"], Value::Null, "{strays:?}");
    let why = strays[0]["why"].as_str().unwrap();
    assert!(why.contains("locate --secret-file"), "{why}");

    fs::remove_file(rotating.file("ci")).unwrap();
    let strays = snapshot(&rotating);
    assert!(strays[0]["revoke"].is_string(), "{strays:?}");
}

#[test]
fn where_nothing_can_be_listed_nobody_looked() {
    let rotating = Rotating::new("mindbody");
    let run = rotating.run(&["snapshot", "--output=json"]).ends_with(0);
    assert!(run.json()["accounts"][0]["strays"].is_null(), "{run:?}");
}
