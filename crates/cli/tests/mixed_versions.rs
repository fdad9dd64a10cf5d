//! An older version of the program beside a newer one, which has written into the same ledger.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use support::Run;
use support::rotating::{POLICY, Rotating, worker};
use tokenfleet::journal::OperationId;
use tokenfleet_ledger::{NewTask, Tasks};

/// Writes a rotation of a newer version into the ledger, and returns its id.
fn of_newer_version(
    rotating: &Rotating,
    queue: &str,
    subject: &Value,
    record: &Value,
    is_over: bool,
) -> OperationId {
    let id = OperationId::random();
    let (subject, record) = (subject.to_string(), record.to_string());
    rotating.with_ledger(async |ledger| {
        let task = NewTask::new(id, "rotation", queue, subject, &record);
        ledger.open_task(&task).await.unwrap();
        if is_over {
            let claimed = ledger.claim_task(id, Duration::from_secs(60)).await;
            let epoch = claimed.unwrap().unwrap().epoch;
            assert!(ledger.record_task(id, epoch, &record, true).await.unwrap());
            ledger.release_claim(id, epoch, None).await.unwrap();
        }
    });
    id
}

#[test]
fn a_token_that_a_rotation_of_a_newer_version_may_hold_is_not_rotated_by_this_one() {
    let rotating = Rotating::with("losant", &["--tokens=0"], POLICY);
    let (held, free) = (rotating.insert("ci-0"), rotating.insert("ci-1"));
    rotating.run(&["snapshot"]).ends_with(0);
    let subject = json!(["losant", "mine", "", "token", "gone"]);
    let record = json!({"version": 2, "old": "gone", "delivered": [{"token": held}]});
    let rotation = of_newer_version(&rotating, "mine", &subject, &record, true).to_string();
    let (rotated, run) = worker(&rotating, 8);
    assert_eq!(rotated.len(), 1, "{run:?}");
    assert_eq!(rotated[0]["token"], free);
    let is_said = |run: &Run, token: &str| {
        let mut lines = run.stderr.lines();
        lines.any(|line| {
            [token, &rotation, "newer version"]
                .iter()
                .all(|it| line.contains(it))
        })
    };
    assert!(is_said(&run, &held), "{run:?}");
    let to = rotating.to("ci-0");
    let words = [
        "rotate",
        &held,
        &to,
        "--overlap=0s",
        "--expires-in=90d",
        "--yes",
    ];
    let run = rotating.run(&words).ends_with(1);
    assert!(is_said(&run, ""), "{run:?}");
    assert!(rotating.accepts(&rotating.secret_of(&held)));
    let anew = [&words[..], &["--only-these-places"]].concat();
    rotating.run(&anew).ends_with(0);
    let (_, run) = worker(&rotating, 0);
    assert_eq!(run.stderr, "");

    let another = rotating.insert("ci-2");
    let record = json!({"version": 3});
    let rotation =
        of_newer_version(&rotating, "mine", &json!("of a kind"), &record, true).to_string();
    let (rotated, run) = worker(&rotating, 1);
    assert_eq!(rotated, Vec::<Value>::new());
    let said = format!("{rotation}, which this version of the program cannot read, may hold any");
    assert!(run.stderr.contains(&said), "{run:?}");
    assert!(rotating.accepts(&rotating.secret_of(&another)));
}

#[test]
fn a_place_that_a_rotation_of_a_newer_version_names_is_not_taken_from_its_token() {
    let rotating = Rotating::with("losant", &["--tokens=0"], POLICY);
    let token = rotating.insert("ci-0");
    rotating.run(&["snapshot"]).ends_with(0);
    let rotate = |token: &str, to: &str, more: &str| {
        let words = ["rotate", token, to, "--overlap=0s", "--expires-in=90d"];
        rotating.run(&[&words[..], &["--yes", more]].concat())
    };
    let to = rotating.to("ci-0");
    let place = to.strip_prefix("--to=").unwrap();
    let subject = json!(["losant", "other", "", "token", "gone"]);
    let record = json!({"version": 2, "old": "gone", "writes": [{"to": place}]});
    let mut rotations = Vec::new();
    for is_over in [false, true] {
        let rotation = of_newer_version(&rotating, "other", &subject, &record, is_over);
        rotations.push(rotation.to_string());
        let before = rotating.requests();
        let (rotated, of_worker) = worker(&rotating, 8);
        assert_eq!(rotated, Vec::<Value>::new());
        for run in [
            of_worker,
            rotate(&token, &to, "--only-these-places").ends_with(1),
        ] {
            let mut lines = run.stderr.lines();
            let is_said = lines.any(|line| {
                line.contains("ci-0 may hold the secret")
                    && rotations.iter().any(|rotation| line.contains(rotation))
            });
            assert!(is_said, "{run:?}");
        }
        assert_eq!(rotating.changes_after(before), Vec::<String>::new());
        if !is_over {
            // What it has delivered stays where it is.
            let abandon = ["operations", "abandon", &rotations[0], "--yes"];
            rotating.run(&abandon).ends_with(0);
        }
    }
    rotate(&token, &to, "--adopt").ends_with(0);
    // By now one that can be read has delivered to it.
    let (_, run) = worker(&rotating, 0);
    assert_eq!(run.stderr, "");

    // Its own token has it again.
    let own = rotating.insert("own");
    let to = rotating.to("own");
    let subject = json!(["losant", "mine", "", "token", own]);
    let record = json!({"version": 2, "old": own, "writes": [{"to": &to[5..]}]});
    of_newer_version(&rotating, "mine", &subject, &record, true);
    rotate(&own, &to, "--only-these-places").ends_with(0);
}

#[test]
fn a_ledger_of_a_newer_schema_is_refused_before_anything_is_changed() {
    let rotating = Rotating::with("losant", &["--tokens=0"], POLICY);
    let token = rotating.insert("ci-0");
    rotating.run(&["snapshot"]).ends_with(0);
    let newer = "update meta set value = '99' where key = 'schema'";
    let ledger = Connection::open(rotating.ledger()).unwrap();
    ledger.execute_batch(newer).unwrap();
    drop(ledger);
    let (before, to) = (rotating.requests(), rotating.to("ci-0"));
    for words in [
        &["worker", "--once"][..],
        &["snapshot"],
        &["operations"],
        &["rotate", &token, &to, "--expires-in=90d", "--yes"],
        &["create", "--name=ci"],
        &["revoke", &token, "--yes"],
    ] {
        let run = rotating.run(words).ends_with(2);
        assert!(run.stderr.contains("schema 99"), "{run:?}");
        assert!(run.stderr.contains("use a newer version"), "{run:?}");
    }
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
}
