//! The life of a token from creation to revocation, through configured accounts.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::account::Account;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn losant_tokens_are_created_updated_and_deleted() {
    let account = Account::new("losant");
    let created = account
        .run(&[
            "create",
            "--name=ci",
            "--scope=all.User.read",
            "--expires-in=30d",
        ])
        .ends_with(0)
        .json();
    let (id, secret) = (text(&created["id"]), text(&created["secret"]));
    assert_eq!(created["expiry"]["kind"], "at");
    assert_eq!(account.liveness(secret, 0), "alive");

    let shown = account
        .run(&["show", id])
        .ends_with(0)
        .hiding(&[secret])
        .json();
    assert_eq!(shown["name"], "ci");
    assert!(shown.get("secret").is_none());
    let updated = account
        .run(&["update", id, "--name=cd", "--suspend"])
        .ends_with(0)
        .json();
    assert_eq!(
        (&updated["name"], &updated["state"]),
        (&"cd".into(), &"suspended".into())
    );
    let updated = account.run(&["update", id, "--resume"]).ends_with(0).json();
    assert_eq!(updated["state"], "active");
    let found = account.run(&["list", "--name=cd"]).ends_with(0).json();
    assert_eq!(found["tokens"][0]["id"], id);

    let revoked = account.run(&["revoke", id, "--yes"]).ends_with(0).json();
    let expected = serde_json::json!({"outcome": "revoked", "effect": "deleted", "id": id,
        "account": "mine", "provider": "losant"});
    assert_eq!(revoked, expected);
    assert_eq!(account.liveness(secret, 8), "dead");
    let again = account.run(&["revoke", id, "--yes"]).ends_with(4);
    let expected = serde_json::json!({"outcome": "not_found_here", "effect": null, "id": id,
        "account": "mine", "provider": "losant"});
    assert_eq!(again.json(), expected);
    account.run(&["show", id]).ends_with(4).error_line();
}

#[test]
fn foreman_tokens_are_created_and_marked_as_revoked() {
    let account = Account::new("foreman");
    let created = account.run(&["create", "--name=ci"]).ends_with(0).json();
    let (id, secret) = (text(&created["id"]), text(&created["secret"]));
    assert_eq!(account.liveness(secret, 0), "alive");
    let run = account.run(&["create", "--name=ci"]).ends_with(1);
    assert!(run.error_line().contains("create failed"), "{run:?}");

    // Several at once: one line each, and the failure of one does not affect the others.
    let run = account
        .run(&["revoke", "--yes", "999", id, "1"])
        .ends_with(4);
    assert_eq!(run.stdout.lines().count(), 3, "{run:?}");
    let line = run.error_line();
    assert!(line.contains("revoke failed: token 999: "), "{line}");
    account.run(&["revoke", "--yes", "998", "999"]).ends_with(4);
    let words = ["revoke", "--yes", "999", id, "1", "--output=csv"];
    let run = account.run(&words).ends_with(4);
    let mut reader = csv::Reader::from_reader(run.stdout.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["id", "outcome", "effect"]);
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows[0], vec!["999", "not_found_here", ""]);
    assert_eq!(rows[1], vec![id, "already_revoked", "marked"]);
    assert_eq!(rows[2], vec!["1", "already_revoked", "marked"]);
    let words = ["revoke", "--yes", id, "1", "--output=table"];
    let run = account.run(&words).ends_with(0);
    let headers = run.stdout.lines().filter(|line| line.contains("outcome"));
    assert_eq!(headers.count(), 1, "{run:?}");
    assert_eq!(account.liveness(secret, 8), "dead");
    let shown = account.run(&["show", id]).ends_with(0).json();
    assert_eq!(shown["state"], "revoked");
}

#[test]
fn the_one_cloudsmith_key_is_rotated_and_replaced() {
    let account = Account::new("cloudsmith");
    let rotated = account.run(&["rotate", "--yes"]).ends_with(0).json();
    let (id, first) = (text(&rotated["id"]), text(&rotated["secret"]));
    assert_eq!(account.liveness(first, 0), "alive");
    let run = account.run(&["revoke", id, "--yes"]).ends_with(2);
    assert!(run.error_line().contains("--accept-replacement"), "{run:?}");
    assert_eq!(account.liveness(first, 0), "alive");
    let words = ["revoke", id, "--yes", "--accept-replacement"];
    let revoked = account.run(&words).ends_with(0).hiding(&[first]).json();
    assert_eq!(revoked["effect"], "replaced");
    assert_eq!(account.liveness(first, 8), "dead");
    let second = text(&revoked["replacement"]["secret"]);
    assert_eq!(account.liveness(second, 0), "alive");

    let words = [&words[..], &["--output=csv"]].concat();
    let run = account.run(&words).ends_with(0);
    let mut reader = csv::Reader::from_reader(run.stdout.as_bytes());
    assert_eq!(reader.headers().unwrap().len(), 5);
    let row = reader.records().next().unwrap().unwrap();
    assert_eq!(account.liveness(&row[4], 0), "alive");
    assert_eq!(account.liveness(second, 8), "dead");
}

#[test]
fn mindbody_tokens_are_issued_renewed_and_revoked_by_their_secret() {
    let account = Account::new("mindbody");
    let issued = account.run(&["create"]).ends_with(0).json();
    let secret = text(&issued["secret"]);
    let renewed = account
        .run_with_secret(secret, &["renew", "--secret-env=SECRET"])
        .ends_with(0)
        .hiding(&[secret])
        .json();
    assert!(text(&renewed["expiry"]["at"]) > text(&issued["expiry"]["at"]));
    let revoke = ["revoke", "--secret-env=SECRET", "--yes"];
    let revoked = account
        .run_with_secret(secret, &revoke)
        .ends_with(0)
        .hiding(&[secret]);
    assert_eq!(revoked.json()["outcome"], "revoked");
    // A dead token cannot be told from one that never was.
    let again = account.run_with_secret(secret, &revoke).ends_with(7);
    assert_eq!(again.json()["outcome"], "unknown");
    for (malformed, words) in [
        (format!("\"{secret}\""), "begins with a quotation mark"),
        (format!("Bearer {secret}"), "begins with \"Bearer\""),
    ] {
        let run = account.run_with_secret(&malformed, &revoke).ends_with(2);
        assert!(run.error_line().contains(words), "{run:?}");
    }
    account.run(&["renew"]).ends_with(2).error_line();
    drop(account.simulate);
}

#[test]
fn a_table_shows_a_new_secret_on_a_line_of_its_own() {
    let account = Account::new("losant");
    let run = account
        .run(&["create", "--name=ci", "--output=table"])
        .ends_with(0);
    let secret = run.stdout.lines().last().unwrap();
    assert!(run.stdout.contains("shown only once"), "{run:?}");
    assert_eq!(account.liveness(secret, 0), "alive");
}

#[test]
fn a_scope_that_the_platform_refuses_names_the_command_that_lists_scopes() {
    let account = Account::new("losant");
    for (scope, suggestion) in [
        (
            "all.Usr.read",
            "did you mean `all.User.read`? `tokenfleet capabilities --scopes`",
        ),
        (
            "zzz",
            "; `tokenfleet capabilities --scopes` lists those that it publishes",
        ),
    ] {
        let run = account.run(&["create", "--name=ci", &format!("--scope={scope}")]);
        let line = run.ends_with(1).advice_line();
        assert!(line.contains(suggestion), "{line}");
    }
    // What is not about a scope names none.
    let run = account.run(&[
        "create",
        "--name=ci",
        "--scope=all.User.read",
        "--expires-in=0s",
    ]);
    assert!(!run.stderr.contains("capabilities"), "{run:?}");
}
