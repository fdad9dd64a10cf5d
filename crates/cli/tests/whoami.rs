//! `tokenfleet whoami`: whom each account acts as.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{temporary_file, tokenfleet};

#[test]
fn every_account_is_shown_with_its_identity_or_the_reason() {
    let run = tokenfleet(&["whoami", "--simulate"]).ends_with(0);
    let whole = run.json();
    let accounts = whole["accounts"].as_array().unwrap();
    let of = |name: &str| accounts.iter().find(|account| account["account"] == name);
    let foreman = of("foreman").unwrap();
    assert_eq!(foreman["identity"]["id"], "4");
    assert_eq!(foreman["identity"]["kind"], "user");
    assert_eq!(foreman["identity"]["not_reported"], serde_json::json!([]));
    assert!(foreman["reason"].is_null());
    let cloudsmith = of("cloudsmith").unwrap();
    assert_eq!(cloudsmith["identity"]["id"], "example-user");
    assert_eq!(cloudsmith["identity"]["email"], "me@example.com");
    for silent in ["losant", "mindbody"] {
        let account = of(silent).unwrap();
        assert!(account["identity"].is_null());
        let reason = account["reason"].as_str().unwrap();
        assert!(reason.contains("whom an account acts as"), "{reason}");
        assert!(
            !reason.contains(silent),
            "the account is named beside it: {reason}"
        );
    }
    assert_eq!(run.stderr, "");
}

#[test]
fn an_account_that_cannot_tell_is_unsupported_if_nobody_else_was_asked() {
    tokenfleet(&["whoami", "--simulate", "--account=losant"]).ends_with(5);
    let both = [
        "whoami",
        "--simulate",
        "--account=losant",
        "--account=foreman",
    ];
    let run = tokenfleet(&[&both[..], &["--output=csv"]].concat()).ends_with(0);
    let mut lines = run.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("account,provider,id,name,kind,email,reason")
    );
    assert_eq!(lines.count(), 2);
}

#[test]
fn an_account_that_cannot_be_opened_or_asked_is_shown_with_the_reason() {
    let path = temporary_file(
        "[accounts.unset]\n\
         provider = 'cloudsmith'\n\
         base_url = 'http://127.0.0.1:9'\n\
         api_key = { env = 'TOKENFLEET_TEST_UNSET' }\n\
         [accounts.misspelled]\n\
         provider = 'cloudsmith'\n\
         api_kye = { env = 'TOKENFLEET_TEST_UNSET' }\n\
         [accounts.unknown]\n\
         provider = 'cloudsmiht'\n",
    );
    let run = tokenfleet(&["whoami", "--config", &path]).ends_with(2);
    let whole = run.json();
    let accounts = whole["accounts"].as_array().unwrap();
    let names: Vec<_> = accounts.iter().map(|account| &account["account"]).collect();
    assert_eq!(names, ["unset", "misspelled", "unknown"]);
    for account in accounts {
        assert!(account["identity"].is_null());
        let name = account["account"].as_str().unwrap();
        let reason = account["reason"].as_str().unwrap();
        assert!(!reason.contains(&format!("{name} (")), "{reason}");
    }
    assert!(
        accounts[0]["reason"]
            .as_str()
            .unwrap()
            .contains("TOKENFLEET_TEST_UNSET")
    );
}
