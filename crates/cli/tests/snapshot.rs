//! `snapshot` and the ledger that it writes.

#![cfg(all(unix, feature = "simulate"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use serde_json::json;
use support::fleet::Fleet;
use support::home::{give_away, mode};
use support::remembered::{Remembered, changes};
use support::{program, temporary_file, tokenfleet};

#[test]
fn a_snapshot_counts_what_appeared_vanished_and_changed() {
    let fleet = Fleet::new()
        .with("losant", &["--tokens=3"], &[("iot", "")])
        .with("foreman", &["--tokens=4"], &[("infra", "")])
        .with("cloudsmith", &["--tokens=1"], &[("packages", "")]);
    let remembered = Remembered::new(fleet);
    let first = remembered.snapshot(0);
    let counted: Vec<_> = first.iter().map(changes).collect();
    assert_eq!(counted, ["+3 -0 ~0", "+4 -0 ~0", "+1 -0 ~0"]);
    assert_eq!(first[2]["owner"], "example-user");

    let [erased, renamed] = [0, 1].map(|index| remembered.id(0, index));
    remembered.erase(0, &erased);
    remembered.fleet.create(0, &["one", "two"]);
    let words = ["update", &renamed, "--account=iot", "--name=renamed"];
    remembered.run(&words).ends_with(0);
    let second = remembered.snapshot(0);
    let counted: Vec<_> = second.iter().map(changes).collect();
    assert_eq!(counted, ["+2 -1 ~1", "+0 -0 ~0", "+0 -0 ~0"]);

    let run = remembered.run(&["snapshot", "--output=table"]).ends_with(0);
    let expected = "iot (losant): complete, 4 tokens; +0 -0 ~0\n\
                    infra (foreman): complete, 4 tokens; +0 -0 ~0\n\
                    packages (cloudsmith): complete, 1 token; +0 -0 ~0\n\
                    3 accounts, 9 tokens: 3 complete\n";
    assert_eq!(run.stdout, expected);
}

#[test]
fn an_account_that_cannot_be_listed_is_never_said_to_have_no_tokens() {
    let remembered = Remembered::one("mindbody", 2);
    for format in ["json", "ndjson", "csv", "table"] {
        let output = format!("--output={format}");
        let run = remembered.run(&["snapshot", &output]).ends_with(0);
        let said = run.stdout + &run.stderr;
        assert!(
            !said.contains("0 tokens") && !said.contains("\":0"),
            "{said}"
        );
        assert!(!said.contains(",0"), "{said}");
    }
    let accounts = remembered.snapshot(0);
    assert_eq!(accounts[0]["completeness"], "not_listable");
    assert!(accounts[0]["at"].is_string() && accounts[0]["count"].is_null());
    remembered.run(&["diff"]).ends_with(5);
    let run = remembered.run(&["ledger", "snapshots", "--output=csv"]);
    assert!(!run.ends_with(0).stdout.contains(",0"));
}

#[test]
fn a_partial_snapshot_ends_nothing() {
    let remembered = Remembered::one("losant", 5);
    let erased = remembered.id(0, 0);
    assert_eq!(changes(&remembered.snapshot(0)[0]), "+5 -0 ~0");
    remembered.erase(0, &erased);

    let lie = json!({"method": "GET", "times": 9, "actions": [{"lie_about_totals": -1}]});
    remembered
        .fleet
        .control(0, "POST", "/faults", &lie.to_string());
    let partial = remembered.snapshot(6);
    assert_eq!(partial[0]["completeness"], "partial");
    assert_eq!(changes(&partial[0]), "+0 -0 ~0");
    remembered.fleet.control(0, "DELETE", "/faults", "");
    // Of a list that failed in the middle, what was seen is kept.
    remembered.fleet.create(0, &["late"]);
    let fail = json!({"method": "GET", "after": 1, "times": null,
        "actions": [{"answer": {"status": 403, "headers": {}, "body": "{}"}}]});
    remembered
        .fleet
        .control(0, "POST", "/faults", &fail.to_string());
    let words = [
        "snapshot",
        "--page-size=2",
        "--max-concurrency=1",
        "--output=json",
    ];
    let run = remembered.run(&words);
    remembered.fleet.control(0, "DELETE", "/faults", "");
    assert_eq!(run.json()["accounts"][0]["completeness"], "failed");
    assert_eq!(run.json()["accounts"][0]["vanished"], 0, "{run:?}");
    assert_eq!(run.code, 3);

    let run = remembered.run(&["diff", "--output=json"]).ends_with(6);
    assert_eq!(run.json()["accounts"][0]["completeness"], "partial");
    let complete = remembered.snapshot(0);
    assert_eq!(complete[0]["vanished"], 1);
    let history = remembered.run(&["history", &erased]).ends_with(0).stdout;
    assert_eq!(history.matches("\"change\":\"vanished\"").count(), 1);
}

#[test]
fn an_account_of_which_nothing_was_seen_fails_alone_and_is_not_recorded() {
    let fleet = Fleet::new()
        .with("losant", &["--tokens=2"], &[("iot", "")])
        .with_broken("broken");
    let remembered = Remembered::new(fleet);
    let accounts = remembered.snapshot(6);
    assert_eq!(changes(&accounts[0]), "+2 -0 ~0");
    assert_eq!(accounts[1]["completeness"], "failed");
    assert!(accounts[1]["at"].is_null() && accounts[1]["count"].is_null());
    let show = remembered.run(&["ledger", "show"]).ends_with(0).json();
    assert_eq!(show["accounts"].as_array().unwrap().len(), 1);
}

#[test]
fn annotations_are_not_part_of_a_record() {
    let remembered = Remembered::one("losant", 1);
    remembered.snapshot(0);
    let file = remembered.directory.path().join("annotations.toml");
    let text = fs::read_to_string(&remembered.path).unwrap();
    let table = format!("[annotations]\nfile = '{}'\n", file.display());
    fs::write(&remembered.path, text + &table).unwrap();
    fs::write(&file, "").unwrap();
    let id = remembered.id(0, 0);
    remembered
        .run(&["annotate", &id, "--team=platform"])
        .ends_with(0);
    assert_eq!(changes(&remembered.snapshot(0)[0]), "+0 -0 ~0");
    // They can be asked for nevertheless.
    remembered.fleet.create(0, &["other"]);
    remembered.run(&["update", &id, "--name=new"]).ends_with(0);
    remembered.snapshot(0);
    let words = [
        "diff",
        "--where=annotation.team = platform",
        "--output=json",
    ];
    let run = remembered.run(&words).ends_with(0);
    assert_eq!(run.json()["changes"].as_array().unwrap().len(), 1);
}

#[test]
fn snapshots_of_one_account_at_once_wait_or_fail_and_none_is_lost() {
    let remembered = Remembered::one("losant", 30);
    let delay = json!({"method": "GET", "times": null, "actions": [{"delay": 50}]});
    remembered
        .fleet
        .control(0, "POST", "/faults", &delay.to_string());
    let words = ["snapshot", "--output=json", "--page-size=10", "--config"];
    let start = || {
        program(&words)
            .arg(&remembered.path)
            .envs(remembered.fleet.environment())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let running: Vec<_> = (0..5).map(|_| start()).collect();
    let mut succeeded = 0;
    for process in running {
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        match output.status.code() {
            Some(0) => succeeded += 1,
            code => {
                assert_eq!(code, Some(1), "{said}");
                assert!(said.contains("snapshot"), "{said}");
            }
        }
    }
    assert!(succeeded > 0);
    let listed = remembered.run(&["ledger", "snapshots", "--output=ndjson"]);
    assert_eq!(listed.ends_with(0).stdout.lines().count(), succeeded);
    remembered.run(&["ledger", "check"]).ends_with(0);
}

#[test]
fn a_snapshot_changes_nothing_on_a_platform_even_where_changes_are_allowed() {
    let remembered = Remembered::one("losant", 3);
    remembered.run(&["snapshot", "--read-only"]).ends_with(0);
    let log = remembered.fleet.control(0, "GET", "/log", "");
    let methods = log["requests"]
        .as_array()
        .or(log["entries"].as_array())
        .unwrap();
    assert!(
        methods.iter().all(|entry| entry["method"] == "GET"),
        "{log}"
    );
}

#[test]
fn the_ledger_is_readable_by_its_owner_only_and_stays_in_his_hands() {
    let remembered = Remembered::one("losant", 1);
    remembered.run(&["diff"]).ends_with(4);
    assert!(
        !remembered.file().exists(),
        "a command that reads creates nothing"
    );
    remembered.snapshot(0);
    assert_eq!(mode(&remembered.file()), 0o600);
    assert_eq!(mode(remembered.file().parent().unwrap()), 0o700);

    let requests = remembered.fleet.requests();
    fs::set_permissions(remembered.file(), Permissions::from_mode(0o644)).unwrap();
    let run = remembered.run(&["snapshot"]).ends_with(2);
    assert!(
        run.stderr.contains("can be read or written by other users"),
        "{run:?}"
    );
    assert!(run.stderr.contains("enabled = false"), "{run:?}");
    fs::set_permissions(remembered.file(), Permissions::from_mode(0o600)).unwrap();
    remembered.snapshot(0);

    // A link of somebody else leads nowhere, also where nothing is yet.
    let target = remembered.directory.path().join("victim");
    fs::remove_file(remembered.file()).unwrap();
    symlink(&target, remembered.file()).unwrap();
    if give_away(&remembered.file()) {
        let run = remembered.run(&["snapshot"]).ends_with(2);
        assert!(
            run.stderr.contains("a link that belongs to another user"),
            "{run:?}"
        );
        assert!(!target.exists());
    }
    assert!(remembered.fleet.requests() > requests);
}

#[test]
fn the_table_of_the_ledger_is_checked_before_anything_is_sent() {
    let account = "[accounts.a]\nprovider = 'losant'\ntoken = { env = 'TOKEN' }\n";
    for (table, expected) in [
        (
            "pth = '/x'",
            "unknown key `pth` in ledger; did you mean `path`?",
        ),
        ("path = 1", "ledger.path must be a quoted string"),
        ("enabled = 'no'", "ledger.enabled must be true or false"),
        (
            "url = 'postgres://user:hunter22@localhost'",
            "ledger.url is a credential in plain text",
        ),
        (
            "path = 'a'\nurl = { env = 'URL' }",
            "ledger has both `path` and `url`",
        ),
        ("enabled = false", "the ledger is turned off"),
        ("url = { env = 'NEVER_SET_ANYWHERE' }", "NEVER_SET_ANYWHERE"),
    ] {
        let path = temporary_file(&format!("{account}[ledger]\n{table}\n"));
        for command in ["snapshot", "diff"] {
            let run = tokenfleet(&[command, "--config", &path]).ends_with(2);
            assert!(run.stderr.contains(expected), "{command}: {run:?}");
            assert!(!run.stderr.contains("hunter22"));
        }
    }
    let run = tokenfleet(&["snapshot", "--simulate"]).ends_with(2);
    assert!(
        run.stderr
            .contains("--simulate cannot be used with the command snapshot")
    );
}
