//! What is left of rotations, and what a person or a worker may do with it.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::rotating::{POLICY, Rotating};
use tokenfleet::journal::{Journal, OperationId, Resolution};
use tokenfleet::{Operation, Timestamp};
use tokenfleet_ledger::{Ledger, SqliteLedger, Tasks, Write};

const LEASE: std::time::Duration = std::time::Duration::from_secs(600);

fn operation_of(rotation: &Value) -> OperationId {
    rotation["operation"].as_str().unwrap().parse().unwrap()
}

/// Rotates a token into a file, and returns the object of the rotation.
fn rotate(rotating: &Rotating, name: &str, overlap: &str) -> Value {
    let id = rotating.insert(name);
    let to = rotating.to(name);
    let words = [
        "rotate",
        "--id",
        &id,
        &to,
        overlap,
        "--expires-in=90d",
        "--yes",
    ];
    rotating.run(&words).ends_with(0).json()
}

/// Records the creation of a rotation again as one that never got an outcome.
async fn reopen_creation(ledger: &SqliteLedger, id: OperationId, is_answered: bool) {
    let writes = ledger.writes(id).await.unwrap();
    let is_creation = |write: &&Write| write.intent.operation == Operation::Create;
    let creation = writes.iter().find(is_creation).unwrap();
    let mut intent = creation.intent.clone();
    intent.id = OperationId::random().to_string();
    ledger.record_intent(&intent).await.unwrap();
    if is_answered {
        let issued = creation.issued().unwrap().clone();
        let resolution = Resolution::Applied(vec![issued]);
        ledger.record_resolution(&intent.id, &resolution).await;
    }
}

#[test]
fn a_token_that_a_rotation_has_delivered_is_not_revoked_with_the_writes_of_the_rotation() {
    for provider in ["losant", "foreman"] {
        for is_answered in [false, true] {
            for is_named in [true, false] {
                let rotating = Rotating::new(provider);
                let rotated = rotate(&rotating, "ci", "--overlap=0s");
                assert_eq!(rotated["state"], "done");
                let id = operation_of(&rotated);
                rotating
                    .with_ledger(async |ledger| reopen_creation(&ledger, id, is_answered).await);
                assert_eq!(rotating.operations().len(), 1);
                let before = rotating.requests();
                let id = id.to_string();
                let which = if is_named { &*id } else { "--all" };
                let words = [
                    "operations",
                    "resume",
                    which,
                    "--yes",
                    "--look-again-after=0s",
                ];
                let run = rotating.run(&words).ends_with(0);
                let resumed = run.json();
                assert_eq!(resumed["outcome"], "applied", "{resumed}");
                assert_eq!(
                    rotating.changes_after(before),
                    Vec::<String>::new(),
                    "{provider}"
                );
                assert!(rotating.accepts(&rotating.held("ci")), "{provider}");
                assert_eq!(rotating.operations(), Vec::<Value>::new(), "{provider}");
            }
        }
    }
}

#[test]
fn a_rotation_adopts_only_after_everything_else_was_found_right() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    rotating.put("ci", "somebody else's");
    let to = rotating.to("ci");
    let words = [
        "rotate",
        &id,
        &to,
        "--overlap=0s",
        "--expires-in=90d",
        "--yes",
    ];
    let parked = rotating.run(&words).ends_with(8).json();
    let operation = parked["operation"].as_str().unwrap();
    let before = rotating.requests();
    let adopt = ["operations", "resume", operation, "--yes", "--adopt"];
    let stays_parked = || {
        assert_eq!(rotating.changes_after(before), Vec::<String>::new());
        assert_eq!(rotating.held("ci"), "somebody else's");
        // Had it been adopted, or resumed, a worker would go on.
        rotating.run(&["worker", "--once"]).ends_with(8);
        assert_eq!(rotating.operations()[0]["state"], "parked");
        let resume = ["operations", "resume", operation, "--yes"];
        rotating.run(&resume).ends_with(8);
        assert_eq!(rotating.held("ci"), "somebody else's");
    };
    rotating
        .run(&[&adopt[..], &["--read-only"]].concat())
        .ends_with(2);
    stays_parked();

    let task = operation_of(&parked);
    let epoch = rotating
        .with_ledger(async |ledger| ledger.claim_task(task, LEASE).await.unwrap().unwrap().epoch);
    let run = rotating.run(&adopt).ends_with(1);
    assert!(run.stderr.contains("a worker holds the queue"), "{run:?}");
    rotating.with_ledger(async |ledger| ledger.release_claim(task, epoch, None).await.unwrap());
    stays_parked();

    rotating.run(&adopt).ends_with(0);
    assert!(rotating.accepts(&rotating.held("ci")));
}

#[test]
fn a_rotation_that_was_given_up_is_not_taken_up_again_and_the_next_command_is_told() {
    for overlap in ["1h", "0s"] {
        let rotating = Rotating::with("losant", &["--tokens=0"], "");
        let is_delivered = overlap == "1h";
        if !is_delivered {
            rotating.put("ci", "somebody else's");
        }
        let id = rotating.insert("ci");
        let to = rotating.to("ci");
        let overlap = format!("--overlap={overlap}");
        let words = ["rotate", &*id, &to, &overlap, "--expires-in=90d", "--yes"];
        let code = if is_delivered { 0 } else { 8 };
        let begun = rotating.run(&words).ends_with(code).json();
        let operation = begun["operation"].as_str().unwrap();
        let abandon = ["operations", "abandon", operation, "--yes"];
        rotating.run(&abandon).ends_with(0);
        let before = rotating.requests();
        let resume = ["operations", "resume", operation, "--yes"];
        let run = rotating.run(&resume).ends_with(2);
        assert_eq!(rotating.changes_after(before), Vec::<String>::new());
        let told = run.stderr.replace("\n", " ");
        if is_delivered {
            let successor = begun["successor"].as_str().unwrap();
            assert!(told.contains(&format!("token {successor}")), "{run:?}");
            // A place may hold the old one by now, so no command revokes it unlooked.
            assert!(told.contains(&format!("token {id}")), "{run:?}");
            assert!(told.contains("`tokenfleet snapshot"), "{run:?}");
            rotating
                .run(&["revoke", &id, "--account=mine", "--yes"])
                .ends_with(0);
            assert!(rotating.accepts(&rotating.held("ci")));
        } else {
            assert!(
                told.contains(&format!("rotate {id} --account mine --to")),
                "{run:?}"
            );
            std::fs::remove_file(rotating.file("ci")).unwrap();
            rotating.run(&words).ends_with(0);
            // The old token is gone, and what it was replaced by is told.
            let last = rotating.tokens().pop().unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned();
            let run = rotating.run(&resume).ends_with(2);
            assert!(
                run.stderr.contains(&format!("replaced by token {last}")),
                "{run:?}"
            );
        }
    }
}

#[test]
fn a_record_about_another_token_is_a_finding_and_nothing_is_done_with_it() {
    let rotating = Rotating::new("losant");
    let rotated = rotate(&rotating, "ci", "--overlap=1s");
    let victim = rotating.insert("victim");
    let (task, subject) = (operation_of(&rotated), rotated["token"].as_str().unwrap());
    rotating.with_ledger(async |ledger| {
        let claim = ledger.claim_task(task, LEASE).await.unwrap().unwrap();
        let state = claim.task.state.replace(subject, &victim);
        assert!(
            ledger
                .record_task(task, claim.epoch, &state, false)
                .await
                .unwrap()
        );
        let now = Some(Timestamp::now());
        ledger.release_claim(task, claim.epoch, now).await.unwrap();
    });
    std::thread::sleep(std::time::Duration::from_secs(2));
    let before = rotating.requests();
    let run = rotating.run(&["worker", "--once"]).ends_with(8);
    assert!(
        run.stderr.contains("about another token than its task"),
        "{run:?}"
    );
    let operation = task.to_string();
    let resume = ["operations", "resume", &operation, "--yes"];
    assert_ne!(rotating.run(&resume).code, 0);
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    assert!(rotating.accepts(&rotating.secret_of(&victim)));
}

#[test]
fn a_token_of_a_rotation_that_no_sink_holds_is_not_rotated_by_a_policy() {
    for is_abandoned in [false, true] {
        let rotating = Rotating::with("losant", &["--tokens=0"], POLICY);
        let rotated = rotate(&rotating, "manual", "--overlap=0s");
        let mut marker = rotated["attempts"][0]["marker"]
            .as_str()
            .unwrap()
            .to_owned();
        if is_abandoned {
            let rotated = rotate(&rotating, "given-up", "--overlap=1h");
            marker = rotated["attempts"][0]["marker"]
                .as_str()
                .unwrap()
                .to_owned();
            let operation = rotated["operation"].as_str().unwrap();
            rotating
                .run(&["operations", "abandon", operation, "--yes"])
                .ends_with(0);
        }
        let token = json!({
            "name": "ci-late",
            "description": format!("for {marker}"),
            "created": "2020-01-01T00:00:00Z",
        });
        rotating.control("POST", "/tokens", &token.to_string());
        rotating.insert("ci-0");
        let before = rotating.alive();
        let run = rotating.run(&["worker", "--once"]).ends_with(8);
        assert!(run.stderr.contains("left over"), "{run:?}");
        assert_eq!(rotating.alive(), before);
        assert!(!rotating.file("ci-late").exists());
        assert!(rotating.accepts(&rotating.held("ci-0")));
    }
}
