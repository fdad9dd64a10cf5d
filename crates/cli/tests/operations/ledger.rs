//! The operations that the ledger holds: which are open, and which are refused.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::recorded::Recorded;
use crate::support::rotating::Rotating;

#[test]
fn a_change_that_succeeds_leaves_nothing_open_and_a_reading_command_no_ledger() {
    for provider in ["losant", "foreman"] {
        let recorded = Recorded::new(provider);
        recorded.run(&["list"]).ends_with(0);
        assert!(recorded.open().is_empty());
        let run = recorded.run(&["create", "--name=ci", "--read-only"]);
        run.ends_with(2);
        assert!(!recorded.ledger().exists());

        let created = recorded.run(&["create", "--name=ci"]).ends_with(0).json();
        assert!(recorded.ledger().exists());
        let id = created["id"].as_str().unwrap();
        recorded.run(&["revoke", id, "--yes"]).ends_with(0);
        assert!(recorded.open().is_empty());
        recorded.run(&["operations", "--exit-code"]).ends_with(0);
    }
}

#[test]
fn a_ledger_that_is_missing_is_not_one_without_open_changes() {
    let recorded = Recorded::new("losant");
    let run = recorded.run(&["operations"]).ends_with(0);
    assert!(run.stderr.contains("there is no ledger"), "{run:?}");
    recorded.run(&["operations", "--exit-code"]).ends_with(7);
}

#[test]
fn an_operation_of_another_place_or_account_is_refused() {
    let recorded = Recorded::new("losant");
    recorded.kill_in_flight(&["create", "--exactly-once", "--name=ci"]);
    let open = recorded.open();
    let id = open[0]["operation"].as_str().unwrap().to_owned();
    let other = Recorded::new("losant");
    let words = [
        "operations",
        "resume",
        &id,
        "--yes",
        "--look-again-after=0s",
    ];
    let before = other.requests();
    let words = [&words[..], &["--config", &other.configuration]].concat();
    let run = recorded.home.run_with(&other.environment(), &words);
    assert!(run.stderr.contains("begun in another place"), "{run:?}");
    run.ends_with(2);
    assert_eq!(other.requests(), before);
    assert_eq!(recorded.open().len(), 1);
    let missing = "0".repeat(32);
    recorded.resume(&[&missing, "--yes"]).ends_with(4);
    recorded.run(&["operations", "show", &missing]).ends_with(4);
}

#[test]
fn a_ledger_that_cannot_be_written_refuses_a_change_before_anything_is_sent() {
    let recorded = Recorded::with("losant", &[], "[ledger]\npath = '/proc/ledger.db'\n");
    let run = recorded.run(&["create", "--name=ci"]).ends_with(2);
    assert!(run.stderr.contains("`enabled = false`"), "{run:?}");
    assert_eq!(recorded.requests(), 0);
    recorded.run(&["list"]).ends_with(0);

    let off = Recorded::with("losant", &[], "[ledger]\nenabled = false\n");
    off.run(&["create", "--name=ci"]).ends_with(0);
    assert!(!off.ledger().exists());
    off.run(&["operations"]).ends_with(2);

    // A ledger that is locked for longer than a write waits, or that has no room.
    let full = Recorded::new("losant");
    full.run(&["create", "--name=first"]).ends_with(0);
    let before = full.requests();
    let limited = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
        .arg(full.home.program(&[]).get_program())
        .args(full.words(&["create", "--name=second"]))
        .envs(full.environment())
        .env("HOME", full.home.path())
        .env_remove("XDG_STATE_HOME")
        .current_dir(full.home.work())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(limited.stderr).unwrap();
    assert!(stderr.contains("ledger"), "{stderr}");
    assert_eq!(full.requests(), before, "{stderr}");
}

#[test]
fn a_change_that_the_audit_log_refuses_is_not_open() {
    let recorded = Recorded::with("losant", &[], "[audit]\nfile = '/proc/audit.jsonl'\n");
    let requests = recorded.requests();
    recorded.run(&["create", "--name=ci"]).ends_with(2);
    assert_eq!(recorded.requests(), requests);
    assert!(recorded.ledger().exists());
    assert!(recorded.open().is_empty());
}

#[test]
fn what_another_process_is_still_doing_is_left_alone() {
    let recorded = Recorded::new("losant");
    let before = recorded.alive().len();
    let requests = recorded.requests();
    recorded.inject_fault("POST", &json!({"delay_answer": 60_000}));
    let mut child = recorded
        .home
        .program(&recorded.words(&["create", "--exactly-once", "--name=ci"]))
        .envs(recorded.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    recorded.wait_for_post(requests);
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("still running"), "{detail}");
    assert_eq!(recorded.alive().len(), before + 1);
    child.kill().unwrap();
    child.wait().unwrap();
    recorded.clear_faults();
    recorded.resume(&["--all", "--yes"]).ends_with(0);
    assert_eq!(recorded.alive().len(), before);
}

#[test]
fn doctor_names_what_a_killed_write_left_beside_a_file() {
    let rotating = Rotating::covered("losant", 1);
    let doctor = || {
        rotating
            .run(&["doctor", "--output=table"])
            .ends_with(0)
            .stdout
    };
    let left = rotating.file(".ci-0.a1B2c3.partial");
    std::fs::write(&left, "a secret").unwrap();
    let name = left.to_str().unwrap();
    assert!(!doctor().contains(name), "it may be under way");
    let file = std::fs::File::options().write(true).open(&left).unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(long_ago).unwrap();
    // Sentences are broken between words.
    assert!(doctor().contains(name), "{}", doctor());
    std::fs::rename(&left, rotating.file(".other.a1B2c3.partial")).unwrap();
    assert!(!doctor().contains(".partial"));
    // That of an operation is nobody's after the next delivery, and no other one is touched.
    let operation = "0123456789abcdef0123456789abcdef";
    let delivery = rotating.file(&format!(".ci-0.a1B2c3.{operation}.partial"));
    let kept = rotating.file(".ci-0.a1B2c4.partial");
    std::fs::rename(rotating.file(".other.a1B2c3.partial"), &delivery).unwrap();
    std::fs::write(&kept, "a secret of somebody").unwrap();
    assert!(doctor().contains(operation), "{}", doctor());
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert!(!delivery.exists() && kept.exists());
}
