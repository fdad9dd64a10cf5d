//! Creations of unknown outcome, and new secrets that may be lost.

use serde_json::json;

use crate::recorded::{Recorded, create_undelivered, lines, run_into_full};
use crate::support::rotating::Rotating;

#[test]
fn a_marked_creation_of_unknown_outcome_is_found_and_its_token_revoked() {
    for provider in ["losant", "foreman"] {
        let recorded = Recorded::new(provider);
        let before = recorded.alive().len();
        recorded.kill_in_flight(&["create", "--exactly-once", "--name=ci"]);
        let open = recorded.open();
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(open[0]["state"], "no_outcome");
        assert_eq!(open[0]["action"], "create");
        assert!(open[0]["marker"].is_string(), "{open:?}");
        recorded.run(&["operations", "--exit-code"]).ends_with(8);
        let run = recorded.run(&["doctor", "--output=ndjson"]).ends_with(0);
        let waits = "1 operation waits, 1 of them for a person";
        assert!(run.stdout.contains(waits), "{run:?}");
        assert_eq!(recorded.alive().len(), before + 1);

        let run = recorded.resume(&["--all"]).ends_with(2);
        assert!(run.stderr.contains("confirm with --yes"), "{run:?}");
        assert!(!run.stderr.contains(" failed: "), "{run:?}");
        let run = recorded.resume(&["--all", "--yes", "--read-only"]);
        run.ends_with(2);
        let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
        assert_eq!(run.json()["outcome"], "taken_back", "{run:?}");
        let run = recorded.run(&["doctor", "--output=ndjson"]).ends_with(0);
        assert!(!run.stdout.contains(" waits"), "{run:?}");
        assert_eq!(recorded.alive().len(), before);
        assert!(recorded.open().is_empty());
        let id = open[0]["operation"].as_str().unwrap();
        let shown = lines(&recorded.run(&["operations", "show", id]).ends_with(0));
        assert_eq!(shown.len(), 2, "the creation and the revocation: {shown:?}");
        assert_eq!(shown[0]["state"], "taken_back");
    }
}

#[test]
fn an_unmarked_token_is_revoked_only_if_its_operation_is_named() {
    for provider in ["losant", "foreman"] {
        let recorded = Recorded::new(provider);
        let before = recorded.alive().len();
        recorded.kill_in_flight(&["create", "--name=ci"]);
        let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
        let resumed = run.json();
        assert_eq!(resumed["outcome"], "unknown");
        let detail = resumed["detail"].as_str().unwrap();
        assert!(detail.contains("looks like it"), "{detail}");
        assert_eq!(recorded.alive().len(), before + 1);
        let id = resumed["operation"].as_str().unwrap();
        recorded.resume(&[id, "--yes"]).ends_with(0);
        assert_eq!(recorded.alive().len(), before);
        assert!(recorded.open().is_empty());
    }
}

#[test]
fn a_masked_name_settles_nothing() {
    let recorded = Recorded::new("losant");
    let known = recorded.run(&["create", "--name=known"]).ends_with(0);
    let before = recorded.alive().len();
    recorded.kill_in_flight(&["create", "--name=ci-4f81c9a2b7d3e6"]);
    let id = recorded.open()[0]["operation"].as_str().unwrap().to_owned();
    let run = recorded.resume(&[&id, "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("its name is not in the ledger"), "{detail}");
    assert_eq!(recorded.alive().len(), before + 1);
    assert_eq!(recorded.open().len(), 1);

    recorded.inject_fault("PATCH", &json!("close_after"));
    let known = known.json()["id"].as_str().unwrap().to_owned();
    let update = ["update", &known, "--name=ci-4f81c9a2b7d3e6"];
    recorded.run(&update).ends_with(7);
    recorded.clear_faults();
    recorded.resume(&["--all", "--yes"]).ends_with(7);
    assert_eq!(recorded.open().len(), 2);
}

#[test]
fn a_token_of_that_name_and_another_time_leaves_it_unknown() {
    let recorded = Recorded::new("losant");
    recorded.run(&["create", "--name=known"]).ends_with(0);
    let old = json!({"name": "ci", "created": "2020-01-01T00:00:00Z"});
    recorded.control("POST", "/tokens", &old.to_string());
    recorded.inject_fault("POST", &json!("close_before"));
    recorded.run(&["create", "--name=ci"]).ends_with(7);
    recorded.clear_faults();
    let id = recorded.open()[0]["operation"].as_str().unwrap().to_owned();
    let before = recorded.alive().len();
    let run = recorded.resume(&[&id, "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("at another time"), "{detail}");
    assert_eq!(recorded.alive().len(), before);
    assert_eq!(recorded.open().len(), 1);
}

#[test]
#[ignore = "waits twice for the minute in which the platform may not show a token"]
fn a_new_token_with_the_id_of_a_deleted_one_is_not_revoked() {
    let services = [
        "--option=collection=services",
        "--option=organization=example",
    ];
    let recorded = Recorded::with(
        "cloudsmith",
        &services,
        "resource = { organization = 'example' }\n",
    );
    create_undelivered(&recorded);
    recorded.control("DELETE", "/tokens/ci", "");
    let created = recorded.run(&["create", "--name=ci"]).ends_with(0).json();
    assert_eq!(created["id"], "ci");
    let before = recorded.alive().len();
    let id = recorded.open()[0]["operation"].as_str().unwrap().to_owned();
    for words in [&["--all", "--yes"][..], &[&id, "--yes"]] {
        recorded.resume(words).ends_with(7);
        assert_eq!(recorded.alive().len(), before);
        assert_eq!(recorded.open().len(), 1);
    }

    // The earlier token of that id does not hide one that nobody has.
    recorded.control("DELETE", "/tokens/ci", "");
    recorded.kill_in_flight(&["create", "--name=ci"]);
    let open = recorded.open();
    assert_eq!(open.len(), 2);
    let id = open[1]["operation"].as_str().unwrap();
    for words in [&["--all", "--yes"][..], &[id, "--yes"]] {
        recorded.resume(words).ends_with(7);
        assert_eq!(recorded.open().len(), 2, "an orphan is forgotten");
    }
}

#[test]
fn a_secret_that_did_not_get_to_its_place_is_an_open_operation() {
    let recorded = Recorded::new("losant");
    let before = recorded.alive().len();
    create_undelivered(&recorded);
    let open = recorded.open();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0]["state"], "active_without_owner");
    assert_eq!(recorded.alive().len(), before + 1);
    // Its secret may be in use.
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("may be in use"), "{detail}");
    assert_eq!(recorded.alive().len(), before + 1);
    let id = open[0]["operation"].as_str().unwrap();
    recorded.resume(&[id, "--yes"]).ends_with(0);
    assert_eq!(recorded.alive().len(), before);
    assert!(recorded.open().is_empty());
}

#[test]
fn a_new_key_that_may_be_lost_is_open_until_its_operation_is_named() {
    let recorded = Recorded::new("cloudsmith");
    run_into_full(&recorded, &["rotate", "--yes"]);
    let open = recorded.open();
    assert_eq!(open.len(), 1);
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("if the new one was not kept"), "{detail}");
    assert!(detail.contains("operations resume "), "{detail}");
    assert_eq!(recorded.open().len(), 1, "a lost key is forgotten");
    let id = open[0]["operation"].as_str().unwrap();
    let run = recorded.resume(&[id, "--yes"]).ends_with(0);
    assert_eq!(run.json()["outcome"], "applied");
    assert!(recorded.open().is_empty());
}

#[test]
fn a_token_that_cannot_be_listed_is_counted_until_it_is_dead() {
    let recorded = Recorded::new("mindbody");
    recorded.inject_fault("POST", &json!("close_after"));
    recorded.run(&["create"]).ends_with(7);
    recorded.clear_faults();
    let open = recorded.open();
    assert_eq!(open.len(), 1);
    assert!(open[0]["dead_by"].is_string(), "{open:?}");
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("counted until it is dead, by "), "{detail}");
    assert_eq!(recorded.open().len(), 1);
}

#[test]
fn of_several_tokens_that_look_alike_none_is_revoked() {
    let recorded = Recorded::new("losant");
    let before = recorded.alive().len();
    for _ in 0..2 {
        recorded.kill_in_flight(&["create", "--name=ci"]);
    }
    let open = recorded.open();
    assert_eq!(open.len(), 2);
    let id = open[0]["operation"].as_str().unwrap();
    let run = recorded.resume(&[id, "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(" look like it"), "{detail}");
    assert_eq!(recorded.alive().len(), before + 2);
}

#[test]
fn a_token_that_is_expired_at_once_is_said_to_be_a_matter_of_clocks() {
    let rotating = Rotating::with("losant", &["--tokens=0"], "");
    let ahead = json!({"advance": "25h"}).to_string();
    rotating.control("PUT", "/clock", &ahead);
    let to = rotating.to("new");
    let create = [
        "create",
        "--name=ci",
        "--expires-in=1h",
        "--scope=all.User",
        &to,
    ];
    let run = rotating.run(&create).ends_with(0);
    assert!(run.stderr.contains("is expired already"), "{run:?}");
    assert!(run.stderr.contains("the clock of this machine"), "{run:?}");
    assert!(!run.stderr.contains("another state"), "{run:?}");
}
