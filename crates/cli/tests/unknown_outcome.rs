//! Writes whose answer is lost: what is said of them, and how they are found again.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::json;
use support::Run;
use support::account::Account;

/// The markers that were told before they were used.
fn markers(run: &Run) -> Vec<&str> {
    let notes = run.stderr.lines().filter(|line| line.starts_with("note: "));
    notes
        .map(|note| note.split("bears the marker ").nth(1).unwrap())
        .map(|rest| rest.split(';').next().unwrap())
        .collect()
}

/// How many tokens there really are that are not revoked.
fn alive(account: &Account) -> usize {
    let list = account.run(&["list"]).ends_with(0).json();
    let tokens = list["tokens"].as_array().unwrap();
    tokens
        .iter()
        .filter(|token| token["state"] != "revoked")
        .count()
}

#[test]
fn a_token_is_made_exactly_once_whatever_becomes_of_the_answer() {
    for provider in ["losant", "foreman"] {
        let account = Account::at(provider);
        let before = alive(&account);
        for (made, fault) in [(1, "close_after"), (2, "close_before")] {
            account.meet("POST", &json!(fault));
            let name = format!("--name=ci {made}");
            let words = ["create", "--exactly-once", &name, "--look-again-after=1s"];
            let run = account.run(&words).ends_with(0);
            let token = run.json();
            let secret = token["secret"].as_str().unwrap();
            let markers = markers(&run);
            assert_eq!(markers.len(), 2, "{run:?}");
            let told = format!("reconcile --account mine --marker {}", markers[0]);
            assert!(run.stderr.contains(&told), "{run:?}");
            let bearing = format!("{} {}", token["name"], token["description"]);
            assert!(bearing.contains(markers[1]), "{bearing}");
            assert_eq!(account.liveness(secret, 0), "alive");
            assert_eq!(alive(&account), before + made, "{provider}: {fault}");
        }
    }
}

#[test]
fn what_could_not_be_repaired_is_refused_before_anything_is_sent() {
    for provider in ["cloudsmith", "mindbody"] {
        let account = Account::at(provider);
        let run = account.run(&["create", "--exactly-once"]).ends_with(5);
        let line = run.complaint();
        assert!(line.contains("create failed: "), "{line}");
        assert_eq!(account.control("GET", "/log", "")["total"], 0);
    }
    let account = Account::at("losant");
    let words = ["create", "--name=ci", "--look-again-after=1s"];
    account.run(&words).ends_with(2);
}

#[test]
fn a_lost_answer_is_followed_by_what_could_be_found_out() {
    for (provider, command, method, fault, expected) in [
        (
            "cloudsmith",
            "rotate",
            "PUT",
            "close_after",
            "the key that acts is dead, so it was",
        ),
        (
            "cloudsmith",
            "rotate",
            "PUT",
            "close_before",
            "the key that acts is alive: if it is the one",
        ),
        (
            "mindbody",
            "create",
            "POST",
            "close_after",
            "a token that was made is dead by 20",
        ),
        (
            "losant",
            "create --name=ci",
            "POST",
            "close_after",
            "look for it with \"list --name ci\"",
        ),
        (
            "mindbody",
            "renew --secret-env=SECRET",
            "POST",
            "close_after",
            "a renewal may count",
        ),
        (
            "mindbody",
            "create",
            "POST",
            "garbage",
            "the login page of a network answered instead; the platform does not list",
        ),
    ] {
        let own: &[&str] = match provider {
            "cloudsmith" => &["--option=credential=own"],
            _ => &[],
        };
        let account = Account::with(provider, own);
        let tokens = account.control("GET", "/tokens", "");
        let secret = tokens["tokens"][0]["secret"].as_str().unwrap();
        let fault = match fault {
            "garbage" => json!({"answer": {"status": 200, "body": "<html>"}}),
            fault => json!(fault),
        };
        account.meet(method, &fault);
        let words: Vec<_> = command.split(' ').collect();
        let run = account.run_knowing(secret, &words).ends_with(7);
        let run = run.hiding(&[secret]);
        let line = run.complaint();
        assert!(line.contains(expected), "{provider}: {command}: {line}");
    }
}

#[test]
fn a_token_of_a_killed_program_is_found_by_its_marker_and_revoked() {
    const MARKER: &str = "tf-0123456789abcdef";
    for (provider, words) in [
        (
            "losant",
            &["--name=ci", "--description=x tf-0123456789abcdef"][..],
        ),
        ("foreman", &["--name=ci tf-0123456789abcdef"]),
    ] {
        let account = Account::at(provider);
        let reconcile =
            |words: &[&str]| account.run(&[&["reconcile", "--marker", MARKER], words].concat());
        let nothing = reconcile(&["--name=ci"]).ends_with(4).json();
        assert_eq!(
            nothing,
            json!({"outcome": "not_applied", "reason": null, "tokens": []})
        );
        reconcile(&["--revoke", "--yes"]).ends_with(4);

        let made = account
            .run(&[&["create"], words].concat())
            .ends_with(0)
            .json();
        let secret = made["secret"].as_str().unwrap();
        // A name that is not right hides nothing.
        for name in [&["--name=ci"][..], &["--name=elsewhere"], &[]] {
            let found = reconcile(name).ends_with(0).hiding(&[secret]).json();
            assert_eq!(found["outcome"], "applied");
            assert_eq!(found["tokens"][0]["id"], made["id"], "{found}");
        }
        let rows = reconcile(&["--output=csv"]).ends_with(0).stdout;
        assert!(
            rows.lines().nth(1).unwrap().starts_with("applied,"),
            "{rows}"
        );
        let other = account.run(&["reconcile", "--marker=tf-ffffffffffffffff"]);
        other.ends_with(4);

        let run = reconcile(&["--revoke"]).ends_with(2);
        assert!(run.complaint().contains("agree with --yes"), "{run:?}");
        assert_eq!(account.liveness(secret, 0), "alive");
        let verdict = reconcile(&["--revoke", "--yes", "--name=ci"])
            .ends_with(0)
            .json();
        assert_eq!(verdict["outcome"], "revoked");
        assert_eq!(account.liveness(secret, 3), "dead");
    }
}

#[test]
fn where_no_token_bears_a_marker_nothing_is_called_not_found() {
    for provider in ["cloudsmith", "mindbody"] {
        let account = Account::at(provider);
        let words = ["reconcile", "--marker=tf-0123456789abcdef"];
        account.run(&words).ends_with(5).complaint();
        let run = account.run(&[&words[..], &["--revoke", "--yes"]].concat());
        let run = run.ends_with(5);
        // Whether it can be revoked is asked of no token in particular.
        assert!(!run.complaint().contains("token any"), "{run:?}");
    }
}
