//! Writes whose response is lost: the advice in the error, and how the token is found again.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::account::Account;
use support::{Run, without_config};

/// Returns the markers that were printed before they were used.
fn markers(run: &Run) -> Vec<&str> {
    let notes = run.stderr.lines().filter(|line| line.starts_with("note: "));
    notes
        .map(|note| note.split("with the marker ").nth(1).unwrap())
        .map(|rest| rest.split(';').next().unwrap())
        .collect()
}

/// Returns the number of tokens that are not revoked.
fn alive(account: &Account) -> usize {
    let list = account.run(&["list"]).ends_with(0).json();
    let tokens = list["tokens"].as_array().unwrap();
    tokens
        .iter()
        .filter(|token| token["state"] != "revoked")
        .count()
}

#[test]
fn a_token_is_created_exactly_once_even_if_the_response_is_lost() {
    for provider in ["losant", "foreman"] {
        let account = Account::new(provider);
        let before = alive(&account);
        for (number, fault) in [(1, "close_after"), (2, "close_before")] {
            account.inject_fault("POST", &json!(fault));
            let name = format!("--name=ci {number}");
            let words = ["create", "--exactly-once", &name, "--look-again-after=1s"];
            let run = account.run(&words).ends_with(0);
            let token = run.json();
            let secret = token["secret"].as_str().unwrap();
            let markers = markers(&run);
            assert_eq!(markers.len(), 2, "{run:?}");
            let note = format!(
                "note: mine ({provider}): creating a token with the marker {0}; if this is \
                 interrupted, find it with `tokenfleet reconcile --account mine --marker {0}` and \
                 revoke it, because nobody has its secret",
                markers[0]
            );
            let stderr = without_config(&run.stderr);
            assert_eq!(stderr.lines().next(), Some(&*note), "{run:?}");
            let marked = format!("{} {}", token["name"], token["description"]);
            assert!(marked.contains(markers[1]), "{marked}");
            assert_eq!(account.liveness(secret, 0), "alive");
            assert_eq!(alive(&account), before + number, "{provider}: {fault}");
        }
    }
}

#[test]
fn exactly_once_is_rejected_before_anything_is_sent_if_tokens_bear_no_marker() {
    for provider in ["cloudsmith", "mindbody"] {
        let account = Account::new(provider);
        let run = account.run(&["create", "--exactly-once"]).ends_with(5);
        let line = run.error_line();
        let expected = format!("error: mine ({provider}): create failed: ");
        assert!(line.starts_with(&expected), "{line}");
        assert_eq!(account.control("GET", "/log", "")["total"], 0);
    }
    let account = Account::new("losant");
    let words = ["create", "--name=ci", "--look-again-after=1s"];
    account.run(&words).ends_with(2);
}

#[test]
fn a_lost_response_is_followed_by_reconciliation_and_advice() {
    for (provider, command, method, fault, expected, end) in [
        (
            "cloudsmith",
            "rotate --yes",
            "PUT",
            "close_after",
            "error: mine (cloudsmith): rotate failed: token ",
            "; the key was rotated: the old key is dead and nobody has the new one; create another \
             key on the platform's website",
        ),
        (
            "cloudsmith",
            "rotate --yes",
            "PUT",
            "close_before",
            "; the change may still have been applied; ",
            "the key in use is alive: if it is the one to rotate, nothing has changed so far; \
             before retrying, check the old secret with `tokenfleet verify`: if it is dead, nobody \
             has the new one",
        ),
        (
            "mindbody",
            "create",
            "POST",
            "close_after",
            "; a token may exist whose secret nobody has; this platform cannot list it, but it \
             expires by itself; a token that was created expires by 20",
            ", unless it is renewed",
        ),
        (
            "losant",
            "create --name=ci",
            "POST",
            "close_after",
            "; the change may still have been applied; ",
            "before retrying, look for it with `tokenfleet list --name ci`: if it exists, nobody \
             has its secret, so revoke it",
        ),
        (
            "mindbody",
            "renew --secret-env=SECRET",
            "POST",
            "close_after",
            "; the change may still have been applied; ",
            "before retrying, note that a renewal may count towards the platform's maximum",
        ),
        ("mindbody", "create", "POST", "garbage", "login page", ""),
    ] {
        let own: &[&str] = match provider {
            "cloudsmith" => &["--option=credential=own"],
            _ => &[],
        };
        let account = Account::with_options(provider, own);
        let tokens = account.control("GET", "/tokens", "");
        let secret = tokens["tokens"][0]["secret"].as_str().unwrap();
        let fault = match fault {
            "garbage" => json!({"answer": {"status": 200, "body": "<html>"}}),
            fault => json!(fault),
        };
        account.inject_fault(method, &fault);
        let words: Vec<_> = command.split(' ').collect();
        let run = account.run_with_secret(secret, &words).ends_with(7);
        let run = run.hiding(&[secret]);
        let line = run.advice_line();
        assert!(
            line.contains(expected) && line.ends_with(end),
            "{provider}: {command}: {line}"
        );
    }
}

#[test]
fn a_rotation_that_was_found_out_is_not_in_doubt() {
    let account = Account::with_options("cloudsmith", &["--option=credential=own"]);
    account.inject_fault("PUT", &json!("close_after"));
    let run = account
        .run(&["rotate", "--yes", "--output=json"])
        .ends_with(7);
    let object: Value = serde_json::from_str(run.error_line()).unwrap();
    assert_eq!(object["error"]["fate"], "applied");
    let message = object["error"]["message"].as_str().unwrap();
    assert!(message.contains("; the key was rotated: "), "{message}");
    assert!(!message.contains("may have been applied"), "{message}");
}

#[test]
fn the_token_of_a_killed_program_is_found_by_its_marker_and_revoked() {
    const MARKER: &str = "tf-0123456789abcdef";
    for (provider, words) in [
        (
            "losant",
            &["--name=ci", "--description=x tf-0123456789abcdef"][..],
        ),
        ("foreman", &["--name=ci tf-0123456789abcdef"]),
    ] {
        let account = Account::new(provider);
        let reconcile =
            |words: &[&str]| account.run(&[&["reconcile", "--marker", MARKER], words].concat());
        let nothing = reconcile(&["--name=ci"]).ends_with(4).json();
        assert_eq!(
            nothing,
            json!({"outcome": "not_applied", "reason": null, "tokens": []})
        );
        reconcile(&["--revoke", "--yes"]).ends_with(4);

        let created = account
            .run(&[&["create"], words].concat())
            .ends_with(0)
            .json();
        let secret = created["secret"].as_str().unwrap();
        // A wrong name hides nothing.
        for name in [&["--name=ci"][..], &["--name=elsewhere"], &[]] {
            let found = reconcile(name).ends_with(0).hiding(&[secret]).json();
            assert_eq!(found["outcome"], "applied");
            assert_eq!(found["tokens"][0]["id"], created["id"], "{found}");
        }
        let rows = reconcile(&["--output=csv"]).ends_with(0).stdout;
        assert!(
            rows.lines().nth(1).unwrap().starts_with("applied,"),
            "{rows}"
        );
        let other = account.run(&["reconcile", "--marker=tf-ffffffffffffffff"]);
        other.ends_with(4);

        let run = reconcile(&["--revoke"]).ends_with(2);
        let expected = format!(
            "error: mine ({provider}): revoke failed: cannot ask for confirmation without a \
             terminal; confirm with --yes"
        );
        assert_eq!(run.error_line(), expected);
        assert_eq!(account.liveness(secret, 0), "alive");
        let verdict = reconcile(&["--revoke", "--yes", "--name=ci"])
            .ends_with(0)
            .json();
        assert_eq!(verdict["outcome"], "revoked");
        assert_eq!(account.liveness(secret, 8), "dead");
    }
}

#[test]
fn a_platform_without_markers_is_unsupported_and_not_called_not_found() {
    for provider in ["cloudsmith", "mindbody"] {
        let account = Account::new(provider);
        let words = ["reconcile", "--marker=tf-0123456789abcdef"];
        account.run(&words).ends_with(5).error_line();
        let run = account.run(&[&words[..], &["--revoke", "--yes"]].concat());
        let run = run.ends_with(5);
        // The check for revocation concerns no token in particular.
        assert!(!run.error_line().contains("token any"), "{run:?}");
        if provider == "mindbody" {
            let expected = "error: mine (mindbody): cannot revoke: the platform revokes tokens by \
                            secret, not by id; use `tokenfleet revoke --secret-file FILE`";
            assert_eq!(run.advice_line(), expected);
        }
    }
}
