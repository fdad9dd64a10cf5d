//! The audit log: what is written to it and when, and `audit`, which shows it.

#![cfg(all(unix, feature = "simulate"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::account::Account;
use support::{Run, program, temporary_file, tokenfleet_with_env};
use tempfile::TempDir;
use tokenfleet_tests::CanarySecrets;

/// An account whose writes are recorded in a file of its own.
struct Audited {
    account: Account,
    directory: TempDir,
}

impl Audited {
    fn new(provider: &str) -> Self {
        Self::with_settings(provider, &[], "")
    }

    fn with_settings(provider: &str, options: &[&str], settings: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut account = Account::with_options(provider, options);
        let configuration = fs::read_to_string(&account.path).unwrap();
        let file = directory.path().join("audit.jsonl");
        account.path = temporary_file(&format!(
            "{configuration}[audit]\nfile = '{}'\n{settings}\n[ledger]\nenabled = false\n",
            file.display()
        ));
        Self { account, directory }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("audit.jsonl")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap_or_default()
    }

    fn events(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }

    fn run(&self, words: &[&str]) -> Run {
        self.account.run(words)
    }

    /// Returns what `audit` shows as JSON.
    fn shown(&self, words: &[&str]) -> Vec<Value> {
        let words = [&["audit", "--output=json"], words].concat();
        let run = self.run(&words).ends_with(0);
        let lines = run.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn first_id(&self) -> String {
        let tokens = self.account.control("GET", "/tokens", "");
        tokens["tokens"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Returns the number of requests that the platform got.
    fn requests(&self) -> u64 {
        requests(&self.account)
    }

    /// Starts a command that waits for a slow platform, without waiting for it.
    fn start(&self, words: &[&str]) -> std::process::Child {
        program(&[])
            .args(words)
            .args(["--config", &self.account.path])
            .envs(self.account.variables.iter().cloned())
            .stdin(Stdio::null())
            // A secret is never issued into nothing.
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

fn requests(account: &Account) -> u64 {
    account.control("GET", "/log", "")["total"]
        .as_u64()
        .unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key}: {value}"))
}

#[test]
fn every_write_is_recorded_before_it_is_sent_and_when_its_outcome_is_known() {
    let audited = Audited::new("losant");
    let created = audited.run(&["create", "--name=ci", "--reason=INC-42: a \"test\""]);
    let created = created.ends_with(0).json();
    let id = text(&created, "id");
    audited.run(&["update", id, "--suspend"]).ends_with(0);
    audited.run(&["show", id]).ends_with(0);
    audited.run(&["revoke", id, "--yes"]).ends_with(0);
    audited.run(&["revoke", id, "--yes"]).ends_with(4);

    let metadata = fs::metadata(audited.file()).unwrap();
    assert_eq!(metadata.mode() & 0o777, 0o600);
    let events = audited.events();
    let kinds: Vec<_> = events.iter().map(|event| text(event, "event")).collect();
    assert_eq!(kinds, ["intent", "outcome"].repeat(4));
    let operations: Vec<_> = (events.iter().step_by(2))
        .map(|event| text(event, "operation"))
        .collect();
    assert_eq!(operations, ["create", "update", "revoke", "revoke"]);
    for pair in events.chunks(2) {
        assert_eq!(pair[0]["id"], pair[1]["id"]);
        assert_eq!(
            (text(&pair[0], "account"), text(&pair[0], "provider")),
            ("mine", "losant")
        );
        let url = text(&audited.account.simulate.servers[0], "url");
        assert!(text(&pair[0], "place").starts_with(url), "{pair:?}");
        assert!(text(&pair[0], "program").starts_with("tokenfleet "));
        let uid = Command::new("id").arg("-u").output().unwrap().stdout;
        let uid: u64 = String::from_utf8(uid).unwrap().trim().parse().unwrap();
        assert_eq!(pair[0]["uid"], uid);
        assert!(pair[0]["user"].is_string() && pair[0]["host"].is_string());
    }
    assert_eq!(events[0]["reason"], "INC-42: a \"test\"");
    assert_eq!(events[0]["name"], "ci");
    assert_eq!(events[1]["token"], id);
    assert_eq!(
        (&events[2]["token"], &events[2]["suspension"]),
        (&id.into(), &"suspend".into())
    );
    assert_eq!(
        (&events[5]["outcome"], &events[5]["effect"]),
        (&"revoked".into(), &"deleted".into())
    );
    assert_eq!(events[5]["fate"], "applied");
    assert_eq!(
        (&events[7]["result"], &events[7]["fate"]),
        (&"failed".into(), &"rejected".into())
    );
    assert_eq!(events[7]["error_kind"], "not_found");
}

#[test]
fn no_secret_is_recorded_on_any_platform() {
    let canaries = CanarySecrets::default();
    let plant = |audited: &Audited| {
        for (name, value) in &audited.account.variables {
            canaries.plant(name, value);
        }
    };
    let issued = |run: Run| {
        let secret = text(&run.ends_with(0).json(), "secret").to_owned();
        canaries.plant("issued", &secret);
        secret
    };
    let mut logs = Vec::new();
    for provider in ["losant", "foreman"] {
        let audited = Audited::new(provider);
        plant(&audited);
        let secret = issued(audited.run(&["create", "--name=ci"]));
        // A secret in the place of an id.
        audited.run(&["revoke", &secret, "--yes"]);
        logs.push(audited.text());
    }
    let audited = Audited::new("cloudsmith");
    plant(&audited);
    issued(audited.run(&["rotate", "--yes"]));
    logs.push(audited.text());
    let audited = Audited::new("mindbody");
    plant(&audited);
    let secret = issued(audited.run(&["create"]));
    for words in [
        &["renew", "--secret-env=SECRET"][..],
        &["revoke", "--secret-env=SECRET", "--yes"],
        &["revoke", "--secret-env=SECRET", "--yes"],
    ] {
        audited.account.run_with_secret(&secret, words);
    }
    let events = audited.events();
    assert_eq!(events.len(), 8);
    assert!(events[2]["token"].is_null() && events[2]["by_secret"] == true);
    logs.push(audited.text());
    for log in logs {
        assert!(log.lines().count() >= 2, "{log}");
        assert_eq!(canaries.found_in(&log), Vec::<String>::new());
    }
}

#[test]
fn a_killed_process_leaves_the_intent_and_audit_shows_it_as_open() {
    let audited = Audited::with_settings("losant", &["--latency=60000"], "");
    let mut child = audited.start(&["create", "--name=ci", "--reason=a try"]);
    let started = Instant::now();
    while audited.text().is_empty() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "nothing was recorded"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let open = audited.shown(&["--open"]);
    assert_eq!(open.len(), 1);
    assert_eq!(
        (&open[0]["name"], &open[0]["outcome"]),
        (&"ci".into(), &Value::Null)
    );
    let table = audited.run(&["audit", "--output=table"]).ends_with(0);
    assert!(
        table.stdout.contains("open") && table.stdout.contains("a try"),
        "{table:?}"
    );
    assert!(
        table
            .error_line()
            .starts_with("note: 1 change has no recorded outcome")
    );
}

#[test]
fn audit_shows_writes_with_their_outcomes_by_account_and_time() {
    let audited = Audited::new("losant");
    assert_eq!(audited.shown(&[]), Vec::<Value>::new());
    let created = audited.run(&["create", "--name=ci", "--reason=why"]).json();
    audited.run(&["revoke", text(&created, "id"), "--yes"]);
    let shown = audited.shown(&[]);
    let row = |write: &Value| {
        let outcome = &write["outcome"];
        (
            text(write, "operation").to_owned(),
            text(outcome, "result").to_owned(),
        )
    };
    let expected = ["create", "revoke"].map(|word| (word.to_owned(), "succeeded".to_owned()));
    assert_eq!(shown.iter().map(row).collect::<Vec<_>>(), expected);
    assert_eq!(audited.shown(&["--account=m*", "--since=1h"]), shown);
    for nothing in ["--since=2999-01-01", "--open"] {
        assert_eq!(audited.shown(&[nothing]), Vec::<Value>::new(), "{nothing}");
    }
    let run = audited.run(&["audit", "--account=other"]).ends_with(2);
    let unknown = "unknown account `other`; expected one of mine\n";
    assert!(run.stderr.contains(unknown), "{run:?}");
    let csv = audited.run(&["audit", "--output=csv"]).ends_with(0).stdout;
    assert!(
        csv.starts_with("at,account,operation,token,name,result,user,reason,operation_id\n"),
        "{csv}"
    );
    assert!(
        csv.contains(",mine,create,") && csv.contains(",ci,succeeded,"),
        "{csv}"
    );
    audited.run(&["audit", "--since=someday"]).ends_with(2);
}

#[test]
fn the_log_is_in_the_state_directory_unless_it_is_turned_off() {
    for (settings, is_on) in [("", true), ("[audit]\nenabled = false\n", false)] {
        let state = TempDir::new().unwrap();
        let mut account = Account::new("losant");
        let configuration = fs::read_to_string(&account.path).unwrap();
        account.path = temporary_file(&format!("{configuration}{settings}"));
        let state_text = state.path().to_str().unwrap().to_owned();
        account
            .variables
            .push(("XDG_STATE_HOME".to_owned(), state_text));
        account.run(&["create", "--name=ci"]).ends_with(0);
        let directory = state.path().join("tokenfleet");
        let file = directory.join("audit.jsonl");
        assert_eq!(file.exists(), is_on);
        if is_on {
            assert_eq!(fs::metadata(directory).unwrap().mode() & 0o777, 0o700);
            let run = account.run(&["audit", "--output=json"]).ends_with(0);
            assert_eq!(run.stdout.lines().count(), 1);
        } else {
            let run = account.run(&["audit"]).ends_with(2);
            assert!(run.error_line().contains("turned off"), "{run:?}");
        }
    }
}

#[test]
fn what_happens_on_simulated_platforms_is_not_recorded() {
    let state = TempDir::new().unwrap();
    let variables = [("XDG_STATE_HOME", state.path().to_str().unwrap())];
    let words = [
        "--simulate",
        "create",
        "--account=losant",
        "--name=ci",
        "--reason=a try",
    ];
    tokenfleet_with_env(&variables, &words).ends_with(0);
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
}

#[test]
fn nothing_is_sent_if_the_intent_cannot_be_recorded() {
    let account = |file: &Path| {
        let mut account = Account::new("losant");
        let configuration = fs::read_to_string(&account.path).unwrap();
        let settings = format!("[audit]\nfile = '{}'\n", file.display());
        account.path = temporary_file(&(configuration + &settings));
        account
    };
    let directory = TempDir::new().unwrap();
    let place = |name: &str| directory.path().join(name);
    fs::write(place("open"), "").unwrap();
    fs::set_permissions(place("open"), Permissions::from_mode(0o666)).unwrap();
    fs::write(place("plain"), "").unwrap();
    fs::create_dir(place("locked")).unwrap();
    fs::set_permissions(place("locked"), Permissions::from_mode(0o555)).unwrap();
    let mut cases = vec![
        (PathBuf::from("/dev/full"), "not a regular file"),
        (place("open"), "other users may write it"),
        (directory.path().to_owned(), "Is a directory"),
        (place("plain").join("audit.jsonl"), ""),
    ];
    if fs::write(place("locked").join("try"), "").is_err() {
        cases.push((place("locked").join("audit.jsonl"), "Permission denied"));
    } else {
        // The administrator may write everywhere, and may give links to others.
        symlink(place("plain"), place("link")).unwrap();
        std::os::unix::fs::lchown(place("link"), Some(12_345), None).unwrap();
        cases.push((place("link"), "a link that belongs to another user"));
        fs::write(place("foreign"), "").unwrap();
        std::os::unix::fs::chown(place("foreign"), Some(12_345), None).unwrap();
        cases.push((place("foreign"), "it belongs to another user"));
    }
    for (file, reason) in cases {
        let account = account(&file);
        let tokens = account.control("GET", "/tokens", "");
        let id = text(&tokens["tokens"][0], "id").to_owned();
        for words in [&["create", "--name=ci"][..], &["update", &id, "--name=cd"]] {
            let run = account.run(words).ends_with(2);
            let line = run.error_line();
            assert!(
                line.contains("cannot write the audit log") && line.contains(reason),
                "{line}"
            );
            assert!(line.contains("`enabled = false`"), "{line}");
        }
        assert_eq!(requests(&account), 0, "{}", file.display());
        assert_eq!(fs::read_to_string(place("plain")).unwrap(), "");
    }
    // The administrator's own link is followed.
    symlink(place("plain"), place("own")).unwrap();
    account(&place("own"))
        .run(&["create", "--name=ci"])
        .ends_with(0);
    assert_eq!(
        fs::read_to_string(place("plain")).unwrap().lines().count(),
        2
    );
}

/// Runs a creation with a limit on the size of files, in blocks of 512 bytes.
fn create_with_limit(audited: &Audited, blocks: usize) -> Run {
    let output = support::command("sh")
        .args([
            "-c",
            // The signal would end the program where a full disk does not.
            "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"",
            "sh",
            &blocks.to_string(),
            env!("CARGO_BIN_EXE_tokenfleet"),
            "create",
            "--name=ci",
            // Else it warns that the token never expires, and has every right.
            "--expires-in=30d",
            "--scope=all.User",
            "--config",
            &audited.account.path,
        ])
        .envs(audited.account.variables.iter().cloned())
        .output()
        .unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_full_disk_fails_the_write_before_it_is_sent_and_loses_no_secret_after_it() {
    let audited = Audited::new("losant");
    audited
        .run(&[
            "create",
            "--name=ci",
            "--expires-in=30d",
            "--scope=all.User",
        ])
        .ends_with(0);
    let length = audited.text().lines().next().unwrap().len();

    let blocks = 16;
    fs::write(
        audited.file(),
        format!("{{}}{}\n", " ".repeat(blocks * 512 - 3)),
    )
    .unwrap();
    let requests = audited.requests();
    let run = create_with_limit(&audited, blocks).ends_with(2);
    assert!(
        run.error_line().contains("cannot write the audit log"),
        "{run:?}"
    );
    assert_eq!(audited.requests(), requests);

    // There is room for the intent, and for the beginning of the outcome.
    let room = length + 50;
    fs::write(
        audited.file(),
        format!("{{}}{}\n", " ".repeat(blocks * 512 - 3 - room)),
    )
    .unwrap();
    let run = create_with_limit(&audited, blocks).ends_with(1);
    assert!(audited.requests() > requests);
    let secret = text(&run.json(), "secret").to_owned();
    let warning = run.error_line();
    assert!(
        warning.starts_with("warning: cannot write the audit log"),
        "{warning}"
    );
    assert!(
        warning.contains("the create of mine (losant) succeeded"),
        "{warning}"
    );
    assert_eq!(audited.account.liveness(&secret, 0), "alive");

    // The next line does not continue the torn one.
    audited.run(&["create", "--name=cd"]).ends_with(0);
    let run = audited.run(&["audit", "--output=json"]).ends_with(6);
    let writes: Vec<Value> = (run.stdout.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(writes.len(), 2);
    assert!(writes[0]["outcome"].is_null() && writes[1]["outcome"].is_object());
    // The filler and the torn line.
    assert!(run.stderr.contains("2 lines can not be read"), "{run:?}");
}

#[test]
fn processes_that_write_at_once_do_not_mix_their_lines() {
    let audited = Audited::new("losant");
    let reason = format!("--reason={}", "x".repeat(20_000));
    let children: Vec<_> = (0..8)
        .map(|number| audited.start(&["create", &format!("--name=ci-{number}"), &reason]))
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(audited.events().len(), 16);
    let shown = audited.shown(&[]);
    assert_eq!(shown.len(), 8);
    assert!(
        shown
            .iter()
            .all(|write| write["outcome"]["result"] == "succeeded")
    );
}

#[test]
fn a_reason_is_required_where_the_configuration_says_so() {
    let audited = Audited::with_settings("losant", &[], "require_reason = true\n");
    let id = audited.first_id();
    let requests = audited.requests();
    for words in [
        &["create", "--name=ci"][..],
        &["update", &id, "--name=cd"],
        &["revoke", &id, "--yes"],
        &["rotate", &id, "--yes"],
        &[
            "reconcile",
            "--marker=tf-0123456789abcdef",
            "--revoke",
            "--yes",
        ],
        &["create", "--name=ci", "--reason= "],
    ] {
        let run = audited.run(words).ends_with(2);
        assert!(run.error_line().contains("pass --reason"), "{run:?}");
    }
    assert_eq!(
        (audited.requests(), audited.text()),
        (requests, String::new())
    );
    audited.run(&["list"]).ends_with(0);
    audited
        .run(&["create", "--name=ci", "--reason=because"])
        .ends_with(0);
    assert_eq!(audited.events()[0]["reason"], "because");
}

#[test]
fn a_mistake_in_the_table_names_its_line() {
    for (settings, reason) in [
        ("flie = 'x'\n", "unknown key `flie`"),
        ("enabled = 'no'\n", "audit.enabled must be"),
        (
            "enabled = false\nrequire_reason = true\n",
            "turns the log off",
        ),
    ] {
        let audited = Audited::with_settings("losant", &[], settings);
        for words in [&["list"][..], &["audit"]] {
            let run = audited.run(words).ends_with(2);
            let line = run.error_line();
            assert!(line.contains(reason) && line.contains(": line "), "{line}");
        }
    }
}

#[test]
fn a_revocation_is_recorded_with_the_name_in_its_plan_and_found_by_its_operation() {
    let audited = Audited::new("losant");
    let create = audited.run(&["create", "--name=leaked"]).ends_with(0);
    let id = create.json()["id"].as_str().unwrap().to_owned();
    let plan = audited.run(&["plan", "--name=leaked"]).ends_with(0);
    let plan = temporary_file(&plan.stdout);
    audited
        .run(&["revoke", "--plan", &plan, "--yes"])
        .ends_with(0);
    let shown = |operation: &str| {
        let run = audited.run(&["audit", "--output=ndjson", operation]);
        let run = run.ends_with(0);
        let lines = run.stdout.lines();
        let objects = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        objects.collect::<Vec<_>>()
    };
    let revocations = shown("--operation=revoke");
    assert_eq!(revocations.len(), 1);
    assert_eq!(revocations[0]["operation"], "revoke");
    assert_eq!(revocations[0]["token"], id);
    assert_eq!(revocations[0]["name"], "leaked");
    assert_eq!(shown("--operation=create").len(), 1);
    assert_eq!(shown("--operation=rotate").len(), 0);
    audited.run(&["audit", "--operation=delete"]).ends_with(2);
    // The search has read the name.
    let create = audited.run(&["create", "--name=found"]).ends_with(0);
    let secret = create.json()["secret"].as_str().unwrap().to_owned();
    let words = ["locate", "--secret-env=SECRET", "--revoke", "--yes"];
    audited
        .account
        .run_with_secret(&secret, &words)
        .ends_with(0);
    let revocations = shown("--operation=revoke");
    assert_eq!(revocations[1]["name"], "found");
}

#[test]
fn a_suspension_is_found_by_its_own_word() {
    let audited = Audited::new("losant");
    let create = audited.run(&["create", "--name=paused"]).ends_with(0);
    let id = create.json()["id"].as_str().unwrap().to_owned();
    audited.run(&["update", &id, "--suspend"]).ends_with(0);
    for (operation, count) in [("suspend", 1), ("update", 0), ("resume", 0)] {
        let words = ["audit", "--output=ndjson", "--operation", operation];
        let run = audited.run(&words).ends_with(0);
        assert_eq!(run.stdout.lines().count(), count, "{operation}: {run:?}");
    }
}

#[test]
fn every_fact_of_a_change_is_read_at_every_width_and_its_columns_are_chosen_as_in_a_list() {
    let audited = Audited::new("losant");
    let reason = "INC-42: leaked in the log of a build, again";
    let created = audited.run(&["create", "--name=deploy-key", "--reason", reason]);
    let id = text(&created.ends_with(0).json(), "id").to_owned();
    let shown = |columns: &str, words: &[&str]| {
        let words = [&["audit", "--output=table"], words].concat();
        let run = audited
            .account
            .run_with(&[("COLUMNS", columns), ("USER", "ann")], &words);
        run.ends_with(0).stdout
    };
    let operation = text(&audited.shown(&[])[0], "operation_id").to_owned();
    let user = audited.shown(&[])[0]["user"].as_str().map(str::to_owned);
    for columns in ["60", "80", "120", "200", "300"] {
        let table = shown(columns, &[]);
        let words = table.split_whitespace().collect::<Vec<_>>().join(" ");
        let facts = [
            &*id,
            "mine",
            "create",
            "succeeded",
            "deploy-key",
            reason,
            &operation,
        ];
        for fact in facts.into_iter().chain(user.as_deref()) {
            assert!(words.contains(fact), "{columns} {fact}\n{table}");
        }
        let widest = table.lines().map(|line| line.chars().count()).max();
        assert!(widest <= columns.parse().ok(), "{columns}\n{table}");
    }
    let wide = shown("60", &["--wide"]);
    let row = wide.lines().find(|line| line.contains(&id)).unwrap();
    assert!(row.contains(reason) && row.contains(&operation), "{wide}");
    let chosen = shown("80", &["--columns=at,operation-id", "--columns", "reason"]);
    let headings: Vec<_> = chosen.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(headings, ["at", "operation_id", "reason"]);
    let csv = audited.run(&["audit", "--output=csv", "--columns=name,operation"]);
    assert_eq!(
        csv.ends_with(0).stdout.replace('\r', ""),
        "name,operation\ndeploy-key,create\n"
    );
    let unknown = audited.run(&["audit", "--columns=at,resaon"]).ends_with(2);
    assert!(
        unknown
            .stderr
            .contains("unknown column; did you mean `reason`?"),
        "{unknown:?}"
    );
    let json = audited
        .run(&["audit", "--columns=at", "--output=json"])
        .ends_with(2);
    assert!(
        json.stderr
            .contains("choose --output table or --output csv"),
        "{json:?}"
    );
}
