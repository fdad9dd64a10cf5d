//! Requests to stop the program in the middle of a command.

#![cfg(feature = "simulate")]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::account::control;
use support::{Run, Simulate, program, temporary_file, without_config};

/// The message of an error about a write that was in flight.
const STOPPED: &str = "the program was asked to stop before the response arrived; \
                       the change may still have been applied";

/// Returns the message of the error about a revocation that was in flight.
fn revocation_in_flight(id: &str) -> String {
    format!("revoke failed: token {id}: {STOPPED}; revoke it again to be sure, which does no harm")
}

/// The latency in milliseconds with which a response arrives within the grace period of the
/// program, and long after the signal.
const LATENCY: u32 = 2_500;

/// Runs a command against a platform that takes a minute to respond, and sends a signal twice.
fn interrupted(signal: &str, words: &[&str]) -> (Run, Simulate) {
    signalled(signal, 2, 60_000, words)
}

/// Runs a command against a platform with this latency in milliseconds, and sends a signal `times`
/// times once so many requests are in flight as the command sends at a time.
fn signalled(signal: &str, times: u32, latency: u32, words: &[&str]) -> (Run, Simulate) {
    let latency = format!("--latency={latency}");
    let simulate = Simulate::start(&["losant", "--tokens=1", &latency], 1);
    let server = simulate.server("losant");
    let path = temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = {}\ntoken = {{ env = 'IOT_TOKEN' }}\n",
        server["url"]
    ));
    let child = program(&[])
        .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(words)
        .args(["--config", &path])
        .env(
            "IOT_TOKEN",
            server["credentials"]["token"].as_str().unwrap(),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let in_flight = if words.contains(&"--max-concurrency=2") {
        2
    } else {
        1
    };
    let started = Instant::now();
    while control(server, "GET", "/log", "")["total"] != in_flight {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing sent");
        std::thread::sleep(Duration::from_millis(5));
    }
    let started = Instant::now();
    for time in 0..times {
        // Two signals at the same time count as one.
        std::thread::sleep(Duration::from_millis(200) * time);
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }
    let output = child.wait_with_output().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "it did not stop"
    );
    let run = Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    (run, simulate)
}

#[test]
fn an_interrupted_write_says_what_to_check_and_exits_with_seven() {
    for (signal, words, expected) in [
        (
            "INT",
            "create --name=ci",
            format!(
                "create failed: \"ci\": {STOPPED}; before retrying, look for it with \
                 `tokenfleet list --name ci`: if it exists, nobody has its secret, so revoke it"
            ),
        ),
        (
            "TERM",
            "update 000000000000000000000005 --name=x",
            format!(
                "update failed: token 000000000000000000000005: {STOPPED}; before retrying, check the token with \
                 `tokenfleet show`"
            ),
        ),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let (run, _simulate) = interrupted(signal, &words);
        let run = run.ends_with(7);
        assert_eq!(run.stdout, "");
        assert_eq!(
            run.advice_line(),
            format!("error: iot (losant): {expected}")
        );
    }
    let words = [
        "revoke",
        "000000000000000000000005",
        "000000000000000000000006",
        "--yes",
        "--output=json",
    ];
    let (run, _simulate) = interrupted("INT", &words);
    let run = run.ends_with(7);
    assert_eq!(run.stdout, "");
    let errors: Vec<Value> = (run.stderr.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let texts = errors
        .iter()
        .map(|object| (&object["error"]["message"], &object["error"]["fate"]));
    let in_flight = format!(
        "iot (losant): {}",
        revocation_in_flight("000000000000000000000005")
    );
    let expected = [
        (&json!(in_flight), &json!("maybe_applied")),
        (
            &json!("iot (losant): not attempted: 000000000000000000000006"),
            &json!("not_sent"),
        ),
    ];
    assert_eq!(texts.collect::<Vec<_>>(), expected);
}

#[test]
fn tokens_in_flight_are_told_apart_from_those_not_attempted() {
    let words = [
        "revoke",
        "000000000000000000000005",
        "000000000000000000000006",
        "000000000000000000000007",
        "000000000000000000000008",
        "--yes",
        "--max-concurrency=2",
    ];
    let (run, _simulate) = interrupted("TERM", &words);
    let run = run.ends_with(7);
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{run:?}");
    for (line, id) in [
        (lines[0], "000000000000000000000005"),
        (lines[1], "000000000000000000000006"),
    ] {
        let expected = format!("error: iot (losant): {}", revocation_in_flight(id));
        assert_eq!(line, expected);
    }
    assert_eq!(
        lines[2],
        "error: iot (losant): not attempted: 000000000000000000000007, 000000000000000000000008"
    );
}

#[test]
fn an_interrupted_creation_prints_the_marker_that_finds_it() {
    let words = ["create", "--name=ci", "--exactly-once"];
    let (run, _simulate) = interrupted("INT", &words);
    let run = run.ends_with(7);
    let stderr = without_config(&run.stderr);
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{run:?}");
    let marker = lines[0].split("with the marker ").nth(1).unwrap();
    let marker = marker.split(';').next().unwrap();
    let advice = format!(
        "find it with `tokenfleet reconcile --account iot --marker {marker}` and revoke it, \
         because nobody has its secret"
    );
    let note = format!(
        "note: iot (losant): creating a token with the marker {marker}; if this is interrupted, \
         {advice}"
    );
    assert_eq!(lines[0], note);
    let error = format!("error: iot (losant): create failed: \"ci\": {STOPPED}; {advice}");
    assert_eq!(lines[1], error);
}

#[test]
fn a_response_in_flight_is_awaited_and_its_secret_is_printed() {
    let words = [
        "create",
        "--name=ci",
        "--expires-in=30d",
        "--scope=all.User",
    ];
    std::thread::scope(|scope| {
        for signal in ["INT", "HUP", "QUIT"] {
            scope.spawn(move || {
                let (run, _simulate) = signalled(signal, 1, LATENCY, &words);
                let run = run.ends_with(0);
                assert!(run.json()["secret"].is_string(), "{signal}: {run:?}");
                assert_eq!(run.stderr, "");
            });
        }
    });
}

#[test]
fn revocations_in_flight_are_awaited_and_no_other_is_started() {
    let ids = ["5", "6", "7"].map(|digit| digit.repeat(24));
    let words = ["revoke", &ids[0], &ids[1], &ids[2]];
    let words = [&words[..], &["--yes", "--max-concurrency=2"]].concat();
    let (run, _simulate) = signalled("TERM", 1, LATENCY, &words);
    let run = run.ends_with(1);
    let is_unknown = |line: &&str| line.contains("not_found_here");
    assert_eq!(run.stdout.lines().filter(is_unknown).count(), 2, "{run:?}");
    let expected = format!("error: iot (losant): not attempted: {}", ids[2]);
    assert_eq!(run.stderr.lines().last(), Some(&*expected), "{run:?}");
}

#[test]
fn a_response_that_does_not_arrive_is_given_up_after_the_grace_period() {
    let (run, _simulate) = signalled("TERM", 1, 60_000, &["create", "--name=ci"]);
    run.ends_with(7).error_line();
}

#[test]
fn an_interrupted_read_prints_nothing_and_fails() {
    let (run, _simulate) = signalled("TERM", 1, 60_000, &["list"]);
    assert_ne!(run.code, 0);
    assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
}
