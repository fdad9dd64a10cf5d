//! The revocation of a found secret: on every platform that accepts it, and never called a success
//! while it lives on.

use std::fs;

use serde_json::json;

use crate::accounts::{Accounts, insert_twins, twins};
use crate::support::temporary_file;

#[test]
fn a_revocation_that_leaves_the_secret_alive_or_undecided_is_no_success() {
    let accounts = Accounts::start(&[("iot", "losant", &[])]);
    for (status, code, liveness) in [(200, 1, "alive"), (503, 7, "failed")] {
        let (_, secret) = accounts.insert("iot", "leaked");
        // The platform says that it deleted the token, and did not.
        let believed = json!({"answer": {"status": 200,
            "headers": {"content-type": "application/json"}, "body": "{\"success\":true}"}});
        accounts.account("iot").inject_fault("DELETE", &believed);
        if status != 200 {
            let path = "/me/tokens";
            let fault = json!({"method": "GET", "path": path, "after": 4, "times": null,
                "actions": [{"answer": {"status": status, "headers": {}, "body": ""}}]});
            (accounts.account("iot")).control("POST", "/faults", &fault.to_string());
        }
        let whole = accounts
            .locate(&secret, &["--revoke", "--yes"], code)
            .json();
        assert_eq!(whole["revocation"]["liveness"], liveness, "{whole}");
        accounts.account("iot").control("DELETE", "/faults", "");
    }
}

#[test]
fn a_secret_that_two_platforms_accept_is_revoked_on_both() {
    let accounts = twins("losant");
    let secret = insert_twins(&accounts);
    let words = ["--try-all", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &words, 0).json();
    for name in ["first", "second"] {
        assert!(!accounts.accepts(name, &secret), "{name}: {whole}");
    }
    let others = whole["other_revocations"].as_array().unwrap();
    assert_eq!(others.len(), 1, "{whole}");
    for (revocation, name) in [(&whole["revocation"], "first"), (&others[0], "second")] {
        assert_eq!(revocation["account"], name);
        assert_eq!(revocation["liveness"], "dead");
    }
    assert_eq!(whole["remains"], json!([]));
    // Both stand in the other formats too.
    for format in ["csv", "table"] {
        let secret = insert_twins(&accounts);
        let words = [&words[..], &["--output", format]].concat();
        let run = accounts.locate(&secret, &words, 0);
        let outcomes = run.stdout.lines().filter(|line| {
            line.contains(",revoked,deleted") || line.contains(": revoked (deleted); ")
        });
        assert_eq!(outcomes.count(), 2, "{run:?}");
    }
}

#[test]
fn a_secret_that_lives_on_elsewhere_is_no_success() {
    let accounts = twins("losant");
    let words = ["--try-all", "--revoke", "--yes"];
    // The second account accepts it and shows no token that has it.
    let secret = insert_twins(&accounts);
    let hidden = json!({"method": "GET", "path": "/me/tokens/", "times": null,
        "actions": [{"answer": {"status": 404, "headers": {}, "body": "{}"}}]});
    (accounts.account("second")).control("POST", "/faults", &hidden.to_string());
    let whole = accounts.locate(&secret, &words, 1).json();
    assert!(!accounts.accepts("first", &secret));
    assert!(accounts.accepts("second", &secret));
    assert_eq!(whole["revocation"]["account"], "first");
    let remains = whole["remains"].to_string();
    assert!(
        remains.contains("second (losant) still accepts it"),
        "{whole}"
    );
    accounts.account("second").control("DELETE", "/faults", "");

    // The second platform refuses to revoke it.
    let secret = insert_twins(&accounts);
    let refused = json!({"answer": {"status": 403, "body": "{}"}});
    accounts.account("second").inject_fault("DELETE", &refused);
    let whole = accounts.locate(&secret, &words, 3).json();
    assert_eq!(whole["revocation"]["outcome"], "revoked");
    assert_eq!(whole["other_revocations"][0]["outcome"], "failed");
    let remains = whole["remains"].to_string();
    assert!(
        remains.contains("second (losant) still accepts it"),
        "{whole}"
    );
}

#[test]
fn a_token_that_two_accounts_share_is_revoked_once() {
    let mut accounts = Accounts::start(&[("iot", "losant", &[])]);
    let again = accounts.text.replace("[accounts.iot]", "[accounts.again]");
    accounts.text += &again;
    let (_, secret) = accounts.insert("iot", "leaked");
    let words = ["--try-all", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &words, 0).json();
    assert_eq!(whole["revocation"]["account"], "iot");
    assert_eq!(whole["other_revocations"], json!([]));
    assert_eq!(whole["remains"], json!([]));
}

#[test]
fn a_new_secret_goes_to_its_place_and_has_one_before_anything_is_sent() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    let path = format!("{}-new", temporary_file(""));
    let to = format!("--to=file:{path}");
    let words = [
        "--account=packages",
        "--revoke",
        "--yes",
        "--accept-replacement",
        &to,
    ];
    for format in ["json", "csv", "table", "ndjson"] {
        let (_, secret) = accounts.tokens("packages").remove(0);
        let words = [&words[..], &["--output", format]].concat();
        let run = accounts.locate(&secret, &words, 0);
        let replacement = fs::read_to_string(&path).unwrap();
        let run = run.hiding(&[&replacement]);
        assert!(run.stdout.contains(&path), "{run:?}");
        assert!(accounts.accepts("packages", &replacement));
        if format == "json" {
            let object = &run.json()["revocation"]["replacement"];
            assert_eq!(object["secret_to"], format!("file:{path}"), "{object}");
            let run = accounts.locate(&replacement, &words, 2);
            assert!(run.stderr.contains("it exists already"), "{run:?}");
            assert!(accounts.accepts("packages", &replacement));
        }
        fs::remove_file(&path).unwrap();
    }
    let requests = accounts.statuses("packages").len();
    let (_, current) = accounts.tokens("packages").remove(0);
    for (words, problem) in [
        (&[&*to][..], "--revoke"),
        (&["--show-secret"], "--revoke"),
        (
            &[
                "--revoke",
                "--yes",
                "--accept-replacement",
                "--to=file:/no/such/place",
            ],
            "cannot write",
        ),
    ] {
        let run = accounts.locate(&current, words, 2);
        assert!(run.stderr.contains(problem), "{run:?}");
    }
    assert_eq!(accounts.statuses("packages").len(), requests);
    assert!(!accounts.accepts("packages", &secret));
    let others = Accounts::start(&[("iot", "losant", &[])]);
    let (_, secret) = others.insert("iot", "leaked");
    let run = others.locate(&secret, &["--revoke", "--yes", &to], 2);
    assert!(run.stderr.contains("issues no new secret"), "{run:?}");
    assert_eq!(others.statuses("iot"), [] as [u64; 0]);
}

#[cfg(unix)]
#[test]
fn a_new_secret_is_not_shown_on_a_terminal_unasked() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    let words = [
        "--secret-env=SECRET",
        "--account=packages",
        "--revoke",
        "--yes",
        "--accept-replacement",
    ];
    let run = accounts.locate_on_terminal(&secret, &words, &[]);
    assert_eq!(run.code, Some(2), "{}", run.text());
    assert!(run.raw.contains("--show-secret"), "{}", run.text());
    assert_eq!(accounts.statuses("packages"), [] as [u64; 0]);
    let words = [&words[..], &["--show-secret"]].concat();
    let run = accounts.locate_on_terminal(&secret, &words, &[]);
    assert_eq!(run.code, Some(0), "{}", run.text());
    let (_, replacement) = accounts.tokens("packages").remove(0);
    assert!(run.raw.contains(&replacement), "{}", run.text());
}

#[test]
fn every_account_with_suspects_has_its_section_of_the_plan() {
    let accounts = twins("foreman");
    let secret = insert_twins(&accounts);
    let words = ["--try-all", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &words, 7).json();
    let plan = whole["plan"].as_str().unwrap();
    let reviewed = temporary_file(plan);
    let words = ["revoke", "--plan", &reviewed, "--yes"];
    accounts.run("", &words).ends_with(0);
    for name in ["first", "second"] {
        assert!(!accounts.accepts(name, &secret), "{name}: {plan}");
    }
}
