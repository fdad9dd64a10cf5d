//! What it proves that a token is not there.

use serde_json::json;
use tokenfleet::model::Principal;
use tokenfleet::{Completeness, Identity, Timestamp};
use tokenfleet_ledger::{Ledger, Source, SqliteLedger, Verdict};

use crate::recorded::Recorded;

#[test]
fn what_was_not_applied_is_recorded_so() {
    let recorded = Recorded::new("losant");
    // It shows later that the account still lists the same user's tokens.
    recorded.run(&["create", "--name=known"]).ends_with(0);
    recorded.inject_fault("POST", &json!("close_before"));
    recorded.run(&["create", "--name=ci"]).ends_with(7);
    let words = [
        "create",
        "--exactly-once",
        "--name=ci",
        "--look-again-after=1s",
    ];
    recorded.run(&words);
    recorded.clear_faults();
    let open = recorded.open();
    assert_eq!(open.len(), 1, "exactly once has looked itself: {open:?}");
    assert_eq!(open[0]["state"], "outcome_unknown");
    let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
    assert_eq!(run.json()["outcome"], "not_applied");
    assert!(recorded.open().is_empty());
}

#[test]
fn absence_settles_nothing_where_the_account_may_be_another_users() {
    // No token is listed that the account is known to have had before.
    for words in [
        &["create", "--exactly-once", "--name=ci"][..],
        &["create", "--name=ci"],
    ] {
        let recorded = Recorded::new("losant");
        recorded.kill_in_flight(words);
        let tokens = recorded.control("GET", "/tokens", "");
        for token in tokens["tokens"].as_array().unwrap() {
            if token["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("ci"))
            {
                let path = format!("/tokens/{}", token["id"].as_str().unwrap());
                recorded.control("DELETE", &path, "");
            }
        }
        let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
        let detail = run.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("another user's"), "{detail}");
        let open = recorded.open();
        assert_eq!(open.len(), 1);

        // Whoever has looked gives it up.
        let id = open[0]["operation"].as_str().unwrap();
        recorded.run(&["operations", "abandon", id]).ends_with(2);
        let requests = recorded.requests();
        let run = recorded.run(&["operations", "abandon", id, "--yes"]);
        assert_eq!(run.ends_with(0).json()["state"], "abandoned");
        assert_eq!(recorded.requests(), requests);
        assert!(recorded.open().is_empty());
    }
}

#[test]
fn a_token_of_a_snapshot_shows_that_the_account_is_the_same() {
    let recorded = Recorded::new("losant");
    recorded.run(&["snapshot"]).ends_with(0);
    recorded.inject_fault("POST", &json!("close_before"));
    recorded.run(&["create", "--name=ci"]).ends_with(7);
    recorded.clear_faults();
    let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
    assert_eq!(run.json()["outcome"], "not_applied");
}

/// Records a snapshot of another owner, as if the credential had been exchanged.
fn snapshot_of_another_owner(recorded: &Recorded) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(async {
        let ledger = SqliteLedger::open(recorded.ledger()).await.unwrap();
        let mut source = ledger.accounts().await.unwrap().remove(0);
        let someone = Identity::new(Principal::new("someone-else"));
        source = Source::from(source.account).with_owner(&someone);
        let recorder = ledger.begin(&source, Timestamp::now()).await.unwrap();
        let complete = Verdict::Listed(Completeness::Complete);
        recorder.close(complete).await.unwrap();
    });
}

#[test]
fn an_account_that_was_another_owners_in_between_proves_nothing_and_is_told() {
    let recorded = Recorded::new("losant");
    recorded.run(&["snapshot"]).ends_with(0);
    recorded.inject_fault("POST", &json!("close_before"));
    recorded.run(&["create", "--name=ci"]).ends_with(7);
    recorded.clear_faults();
    snapshot_of_another_owner(&recorded);
    recorded.run(&["snapshot"]).ends_with(0);
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    assert_eq!(run.json()["outcome"], "unknown");
    assert_eq!(recorded.open().len(), 1);

    let told = recorded.run(&["diff"]).ends_with(0).json();
    let account = &told["accounts"][0];
    assert_eq!(account["other_owners"][0]["id"], "someone-else");
    let table = recorded.run(&["diff", "--output=table"]).ends_with(0);
    let words = table
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        words.contains("the tokens of owner someone-else"),
        "{words}"
    );
}

#[test]
fn an_id_that_is_not_found_and_was_never_seen_proves_nothing() {
    let recorded = Recorded::new("losant");
    recorded.run(&["create", "--name=known"]).ends_with(0);
    let token = recorded.control("POST", "/tokens", &json!({"name": "x"}).to_string());
    let id = token["id"].as_str().unwrap();
    recorded.inject_fault("DELETE", &json!("close_after"));
    recorded.run(&["revoke", id, "--yes"]).ends_with(7);
    recorded.clear_faults();
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    assert_eq!(run.json()["outcome"], "not_found_here", "{run:?}");
    assert_eq!(recorded.open().len(), 1);
}
