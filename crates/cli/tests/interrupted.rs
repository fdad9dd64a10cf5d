//! Requests to stop the program in the middle of a command.

#![cfg(feature = "simulate")]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{Run, Simulate, temporary_file};

/// Runs a command against a platform that takes a minute to respond, and sends a signal twice.
fn interrupted(signal: &str, words: &[&str]) -> (Run, Simulate) {
    signalled(signal, 2, 60_000, words)
}

/// Runs a command against a platform with this latency in milliseconds, and sends a signal `times`
/// times once the request is in flight.
fn signalled(signal: &str, times: u32, latency: u32, words: &[&str]) -> (Run, Simulate) {
    let latency = format!("--latency={latency}");
    let simulate = Simulate::start(&["losant", "--tokens=1", &latency], 1);
    let server = simulate.server("losant");
    let path = temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = {}\ntoken = {{ env = 'IOT_TOKEN' }}\n",
        server["url"]
    ));
    let child = Command::new(env!("CARGO_BIN_EXE_tokenfleet"))
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
    // Long enough to have sent the request even on a busy machine, and far from the response.
    std::thread::sleep(Duration::from_secs(3));
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
        ("INT", "create --name=ci", "list --name ci"),
        ("TERM", "update 5 --name=x", "token 5: "),
        ("INT", "revoke 5 6 --yes --output=json", "token 5: "),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let (run, _simulate) = interrupted(signal, &words);
        let run = run.ends_with(7);
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains(expected), "{run:?}");
        assert!(
            run.stderr
                .contains("the change may still have been applied"),
            "{run:?}"
        );
        if words[0] == "revoke" {
            assert!(run.stderr.contains("maybe_applied"), "{run:?}");
            assert!(run.stderr.contains("not attempted: 6"), "{run:?}");
        } else {
            run.error_line();
        }
    }
}

#[test]
fn tokens_in_flight_are_told_apart_from_those_not_attempted() {
    let words = ["revoke", "5", "6", "7", "8", "--yes", "--max-concurrency=2"];
    let (run, _simulate) = interrupted("TERM", &words);
    let run = run.ends_with(7);
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{run:?}");
    assert!(lines[0].contains("token 5: "), "{run:?}");
    assert!(lines[1].contains("token 6: "), "{run:?}");
    assert!(lines[2].ends_with("not attempted: 7, 8"), "{run:?}");
}

#[test]
fn an_interrupted_creation_prints_the_marker_that_finds_it() {
    let words = ["create", "--name=ci", "--exactly-once"];
    let (run, _simulate) = interrupted("INT", &words);
    let run = run.ends_with(7);
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{run:?}");
    let marker = lines[0].split("with the marker ").nth(1).unwrap();
    let marker = marker.split(';').next().unwrap();
    let command = format!("reconcile --account iot --marker {marker}");
    assert!(lines.iter().all(|line| line.contains(&command)), "{run:?}");
}

#[test]
fn a_response_in_flight_is_awaited_and_its_secret_is_printed() {
    let (run, _simulate) = signalled("INT", 1, 5_000, &["create", "--name=ci"]);
    let run = run.ends_with(0);
    assert!(run.json()["secret"].is_string(), "{run:?}");
    assert_eq!(run.stderr, "");
}

#[test]
fn revocations_in_flight_are_awaited_and_no_other_is_started() {
    let ids = ["5", "6", "7"].map(|digit| digit.repeat(24));
    let words = ["revoke", &ids[0], &ids[1], &ids[2]];
    let words = [&words[..], &["--yes", "--max-concurrency=2"]].concat();
    let (run, _simulate) = signalled("TERM", 1, 5_000, &words);
    let run = run.ends_with(1);
    let is_gone = |line: &&str| line.contains("already_gone");
    assert_eq!(run.stdout.lines().filter(is_gone).count(), 2, "{run:?}");
    let not_attempted = format!("not attempted: {}", ids[2]);
    assert!(run.error_line().ends_with(&not_attempted), "{run:?}");
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
