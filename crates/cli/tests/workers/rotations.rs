//! Rotations of one token into places: what is sent, what a crash leaves, and who goes on.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scaled_waits::{DIVIDED_BY, divisor};
use crate::support::rotating::{Rotating, lines};

/// The words of a rotation of a token into a file that does not exist, without an overlap.
fn rotate<'a>(id: &'a str, to: &'a str) -> Vec<&'a str> {
    vec![
        "rotate",
        "--id",
        id,
        to,
        "--overlap=0s",
        "--expires-in=90d",
        "--yes",
    ]
}

#[test]
fn a_token_is_rotated_into_a_file_and_the_old_one_is_revoked() {
    for provider in ["losant", "foreman"] {
        let rotating = Rotating::new(provider);
        let id = rotating.insert("ci");
        let old = rotating.secret_of(&id);
        let before = rotating.alive();
        let to = rotating.to("ci");
        let rotated = rotating.run(&rotate(&id, &to)).ends_with(0).json();
        assert_eq!(rotated["state"], "done", "{rotated}");
        assert_eq!(rotated["token"], id.as_str());
        assert_eq!(rotated["name"], "ci");
        assert_eq!(to.strip_prefix("--to="), rotated["sinks"][0].as_str());
        assert!(rotating.accepts(&rotating.held("ci")), "{provider}");
        assert!(!rotating.accepts(&old), "{provider}");
        assert_eq!(rotating.alive(), before);
        assert_eq!(rotating.operations(), Vec::<Value>::new());

        let operation = rotated["operation"].as_str().unwrap();
        let show = ["operations", "show", operation, "--output=ndjson"];
        let shown = lines(&rotating.run(&show).ends_with(0).stdout);
        let actions: Vec<_> = shown
            .iter()
            .map(|object| object["action"].clone())
            .collect();
        assert_eq!(actions, ["rotate", "create", "revoke"], "{shown:?}");
        let states: Vec<_> = shown.iter().map(|object| object["state"].clone()).collect();
        assert_eq!(states, ["done", "applied", "applied"], "{shown:?}");
        let revoked = rotating.run(&["audit", "--operation=revoke", "--output=ndjson"]);
        let revoked = lines(&revoked.ends_with(0).stdout);
        assert_eq!(revoked[0]["name"], "ci", "{revoked:?}");
        assert_eq!(revoked[0]["operation_id"], operation, "{revoked:?}");
        let show = ["operations", "show", operation, "--output=table"];
        let run = rotating.run(&show).ends_with(0);
        assert!(
            run.stdout.contains("every sink holds the new secret"),
            "{run:?}"
        );

        // What it delivered it may replace.
        let successor = rotated["successor"].as_str().unwrap();
        rotating.run(&rotate(successor, &to)).ends_with(0);
        assert!(rotating.accepts(&rotating.held("ci")), "{provider}");
    }
}

#[test]
fn a_token_that_cannot_have_a_second_one_gets_a_new_secret_in_place() {
    for (provider, action) in [("cloudsmith", "rotate"), ("mindbody", "create")] {
        let rotating = Rotating::with(provider, &["--tokens=1"], "");
        let to = rotating.to("key");
        let rotated = rotating.run(&["rotate", &to, "--yes"]).ends_with(0).json();
        assert_eq!(rotated["state"], "done", "{rotated}");
        assert!(rotating.accepts(&rotating.held("key")), "{provider}");
        assert_eq!(rotating.operations(), Vec::<Value>::new(), "{provider}");
        let operation = rotated["operation"].as_str().unwrap();
        let show = ["operations", "show", operation, "--output=ndjson"];
        let shown = lines(&rotating.run(&show).ends_with(0).stdout);
        assert_eq!(shown.len(), 2, "the rotation and its change: {shown:?}");
        assert_eq!(shown[1]["action"], action, "{shown:?}");

        let old = rotating.held("key");
        rotating.run(&["rotate", &to, "--yes"]).ends_with(0);
        assert!(rotating.accepts(&rotating.held("key")), "{provider}");
        assert!(!rotating.accepts(&old), "{provider}");
        let csv = rotating.run(&["operations", "--output=csv"]).ends_with(0);
        assert_eq!(csv.stdout.lines().count(), 1, "a header alone: {csv:?}");
    }
}

#[test]
fn an_old_token_works_until_the_overlap_is_over_and_a_worker_revokes_it() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    let old = rotating.secret_of(&id);
    let to = rotating.to("ci");
    let words = [
        "rotate",
        &id,
        &to,
        "--overlap=3s",
        "--expires-in=90d",
        "--yes",
    ];
    let rotated = rotating.run(&words).ends_with(0).json();
    assert_eq!(rotated["state"], "retiring", "{rotated}");
    assert!(rotated["revoked_at"].is_string(), "{rotated}");
    let next = rotated["next"].as_str().unwrap();
    assert!(next.contains("worker --once"), "{next}");
    assert!(rotating.accepts(&old) && rotating.accepts(&rotating.held("ci")));

    let before = rotating.requests();
    let run = rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!((run.stdout.as_str(), rotating.requests()), ("", before));
    let operations = rotating.operations();
    assert_eq!(operations[0]["state"], "retiring");
    // Nothing is left for a person to do.
    rotating.run(&["operations", "--exit-code"]).ends_with(0);

    std::thread::sleep(Duration::from_secs(3));
    let run = rotating
        .run(&["worker", "--once", "--output=ndjson"])
        .ends_with(0);
    assert_eq!(lines(&run.stdout)[0]["state"], "done");
    assert!(!rotating.accepts(&old) && rotating.accepts(&rotating.held("ci")));
    assert_eq!(rotating.operations(), Vec::<Value>::new());
}

#[test]
fn a_wait_that_is_long_enough_ends_with_the_old_token_revoked() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    let old = rotating.secret_of(&id);
    let words = [
        "rotate",
        &id,
        &rotating.to("ci"),
        "--overlap=1s",
        "--expires-in=90d",
        "--yes",
    ];
    let rotated = rotating.run(&[&words[..], &["--wait=1m"]].concat());
    assert_eq!(rotated.ends_with(0).json()["state"], "done");
    assert!(!rotating.accepts(&old));
}

#[test]
fn a_secret_of_somebody_else_is_replaced_only_after_a_person_adopts_it() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    let old = rotating.secret_of(&id);
    rotating.put("ci", &old);
    let before = rotating.requests();
    let run = rotating.run(&rotate(&id, &rotating.to("ci"))).ends_with(8);
    let parked = run.json();
    assert_eq!(parked["state"], "parked");
    let file = rotating.file("ci");
    assert!(
        parked["why"]
            .as_str()
            .unwrap()
            .contains(file.to_str().unwrap()),
        "{parked}"
    );
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    assert_eq!(rotating.operations()[0]["state"], "parked");
    rotating.run(&["operations", "--exit-code"]).ends_with(8);
    rotating.run(&["worker", "--once"]).ends_with(8);

    let operation = parked["operation"].as_str().unwrap();
    let resume = ["operations", "resume", operation];
    let run = rotating.run(&resume).ends_with(2);
    assert!(run.stderr.contains("--yes"), "{run:?}");
    let again = rotating
        .run(&[&resume[..], &["--yes"]].concat())
        .ends_with(8);
    assert_eq!(again.json()["outcome"], "parked");
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    let adopted = rotating.run(&[&resume[..], &["--yes", "--adopt"]].concat());
    assert_eq!(adopted.ends_with(0).json()["outcome"], "done");
    assert!(!rotating.accepts(&old) && rotating.accepts(&rotating.held("ci")));
}

#[test]
fn a_rotation_that_is_given_up_leaves_everything_as_it_is() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    let old = rotating.secret_of(&id);
    let words = [
        "rotate",
        &id,
        &rotating.to("ci"),
        "--expires-in=90d",
        "--yes",
    ];
    let rotated = rotating.run(&words).ends_with(0).json();
    let operation = rotated["operation"].as_str().unwrap();
    let before = rotating.requests();
    let abandon = ["operations", "abandon", operation, "--yes"];
    let abandoned = rotating.run(&abandon).ends_with(0).json();
    assert_eq!(abandoned["state"], "abandoned");
    let next = abandoned["next"].as_str().unwrap();
    assert!(next.contains(&id), "{next}");
    assert_eq!(rotating.requests(), before);
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert!(rotating.accepts(&old) && rotating.accepts(&rotating.held("ci")));
}

#[test]
fn a_worker_revokes_what_a_killed_one_was_revoking() {
    for provider in ["losant", "foreman"] {
        let rotating = Rotating::new(provider);
        let id = rotating.insert("ci");
        let before = rotating.alive();
        rotating.kill_in_flight("DELETE", &rotate(&id, &rotating.to("ci")));
        let operations = rotating.operations();
        assert_eq!(
            operations.len(),
            1,
            "its writes are the rotation's: {operations:?}"
        );
        assert_eq!(operations[0]["state"], "retiring");
        let changes = rotating.requests();
        // Somebody may be at work for all that is known.
        rotating.run(&["worker", "--once"]).ends_with(7);
        assert_eq!(rotating.changes_after(changes), Vec::<String>::new());

        rotating.expire_claims();
        let run = rotating
            .run(&["worker", "--once", "--output=ndjson"])
            .ends_with(0);
        assert_eq!(lines(&run.stdout)[0]["state"], "done", "{run:?}");
        assert!(rotating.accepts(&rotating.held("ci")), "{provider}");
        assert_eq!(rotating.alive(), before, "{provider}");
        assert_eq!(rotating.operations(), Vec::<Value>::new(), "{provider}");
    }
}

/// No second token is created for half a minute, which takes as long without the feature.
#[test]
fn a_token_whose_secret_died_with_its_worker_is_revoked_by_the_next_one() {
    let divisor = divisor(10);
    let started: Vec<_> = ["losant", "foreman"]
        .into_iter()
        .map(|provider| {
            let mut rotating = Rotating::new(provider);
            rotating.set_option(DIVIDED_BY, &divisor.to_string());
            let id = rotating.insert("ci");
            let before = rotating.alive();
            rotating.kill_in_flight("POST", &rotate(&id, &rotating.to("ci")));
            assert_eq!(rotating.alive(), before + 1, "{provider}");
            let operations = rotating.operations();
            assert_eq!(operations.len(), 1, "{operations:?}");
            assert_eq!(operations[0]["state"], "issuing");
            assert_eq!(operations[0]["attempts"][0]["outcome"], "unknown");
            rotating.expire_claims();
            // Not yet.
            let run = rotating.run(&["worker", "--once"]).ends_with(7);
            assert_eq!(run.json()["state"], "issuing");
            (rotating, before)
        })
        .collect();
    // What is under way may still arrive within half a minute.
    std::thread::sleep(Duration::from_secs(31) / divisor);
    for (rotating, before) in started {
        let run = rotating
            .run(&["worker", "--once", "--output=ndjson"])
            .ends_with(0);
        assert_eq!(lines(&run.stdout)[0]["state"], "done", "{run:?}");
        assert!(rotating.accepts(&rotating.held("ci")));
        assert_eq!(rotating.alive(), before);
        assert_eq!(rotating.operations(), Vec::<Value>::new());
        rotating.run(&["operations", "--exit-code"]).ends_with(0);
    }
}

#[test]
fn a_change_of_a_rotation_is_ours() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    rotating.run(&["snapshot"]).ends_with(0);
    let words = rotate(&id, "TO");
    let to = rotating.to("ci");
    let words: Vec<_> = words
        .into_iter()
        .map(|word| if word == "TO" { &to } else { word })
        .collect();
    let rotated = rotating.run(&[&words[..], &["--reason", "it leaked"]].concat());
    rotated.ends_with(0);
    rotating.run(&["snapshot"]).ends_with(0);
    let run = rotating.run(&["diff", "--output=json"]).ends_with(0);
    let diff = run.json().to_string();
    assert!(diff.contains("it leaked"), "{diff}");
    assert!(!diff.contains("\"others\""), "{diff}");
}

#[test]
fn what_cannot_be_kept_is_refused_before_anything_is_sent() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    let to = rotating.to("ci");
    for (words, problem) in [
        (&["rotate", &id, "--overlap=1h", "--yes"][..], "--to"),
        (&["rotate", &id, "--to=ci", "--yes"], "unknown sink"),
        (
            &["rotate", &id, "--to=vault:x", "--yes"],
            "expected file:PATH",
        ),
        (&["rotate", &id, &to], "confirm with --yes"),
        (&["rotate", &id, &to, "--yes", "--read-only"], "--read-only"),
        (
            &["rotate", &id, &to, "--to=stdout", "--yes"],
            "cannot be used together",
        ),
        (
            &["rotate", &id, &to, "--secret-only", "--yes"],
            "cannot be used together",
        ),
        (&["rotate", "--policy=ci"], "unknown policy"),
    ] {
        let run = rotating.run(words).ends_with(2);
        assert!(run.stderr.contains(problem), "{words:?}: {run:?}");
        assert_eq!(rotating.requests(), 0, "{words:?}");
    }
    let run = rotating.run(&["rotate", &id, &to, "--yes"]).ends_with(2);
    assert!(run.stderr.contains("--expires-in"), "{run:?}");
    let before = rotating.requests();
    assert_eq!(rotating.changes_after(0), Vec::<String>::new());
    let off = Rotating::with("losant", &[], "");
    let text = fs::read_to_string(&off.path).unwrap();
    fs::write(
        &off.path,
        text.replace("[ledger]\n", "[ledger]\nenabled = false\n"),
    )
    .unwrap();
    for words in [&["rotate", &id, &to, "--yes"][..], &["worker", "--once"]] {
        let run = off.run(words).ends_with(2);
        assert!(run.stderr.contains("ledger"), "{run:?}");
        assert_eq!(off.requests(), 0);
    }
    assert_eq!(rotating.requests(), before);
}

#[test]
fn one_token_is_rotated_by_one_rotation_at_a_time() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    let words = [
        "rotate",
        &id,
        &rotating.to("ci"),
        "--expires-in=90d",
        "--yes",
    ];
    let first = rotating.run(&words).ends_with(0).json();
    let before = rotating.requests();
    let run = rotating.run(&words).ends_with(1);
    assert!(
        run.stderr.contains(first["operation"].as_str().unwrap()),
        "{run:?}"
    );
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
}

#[test]
fn a_refusal_of_the_platform_parks_a_rotation_without_a_token_left() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    let before = rotating.alive();
    let fault = json!({
        "method": "POST",
        "actions": [{"answer": {
            "status": 403,
            "headers": {"content-type": "application/json"},
            "body": "{\"type\":\"Forbidden\",\"message\":\"no\"}",
        }}],
        "times": null,
    });
    rotating.control("POST", "/faults", &fault.to_string());
    let parked = rotating
        .run(&rotate(&id, &rotating.to("ci")))
        .ends_with(8)
        .json();
    assert_eq!(parked["state"], "parked", "{parked}");
    rotating.clear_faults();
    let operation = parked["operation"].as_str().unwrap();
    let resume = ["operations", "resume", operation, "--yes"];
    // A person has mended it, so the next attempt does not wait.
    let resumed = rotating.run(&resume).ends_with(0).json();
    assert_eq!(resumed["outcome"], "done", "{resumed}");
    assert_eq!(resumed["attempts"][0]["outcome"], "not_applied");
    assert_eq!(rotating.alive(), before);
    assert!(rotating.accepts(&rotating.held("ci")));
}

#[test]
fn a_question_names_the_token_the_places_and_the_end_of_the_old_one() {
    use tokenfleet_tests::Terminal;

    let rotating = Rotating::with("losant", &["--tokens=0"], "");
    let id = rotating.insert("ci");
    let to = rotating.to("ci");
    let words = [
        "rotate",
        &id,
        &to,
        "--expires-in=90d",
        "--config",
        &rotating.path,
    ];
    let program = env!("CARGO_BIN_EXE_tokenfleet");
    let run = |answer| {
        let terminal = Terminal::new(500).with_answer("[y/N]", answer);
        terminal.run(program, words, rotating.environment())
    };
    let refused = run("n");
    assert_eq!(refused.code, Some(2), "{}", refused.text());
    let file = rotating.file("ci");
    for part in [&id, "\"ci\"", file.to_str().unwrap(), "not before"] {
        assert!(refused.text().contains(part), "{part}: {}", refused.text());
    }
    assert_eq!(rotating.changes_after(0), Vec::<String>::new());
    let confirmed = run("y");
    assert_eq!(confirmed.code, Some(0), "{}", confirmed.text());
    assert!(
        confirmed.text().contains("worker --once"),
        "{}",
        confirmed.text()
    );
    assert!(rotating.accepts(&rotating.held("ci")));
}
