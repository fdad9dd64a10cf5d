//! What `cargo test` and nextest get from a test binary, tried with the real one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy does not see that all of this is a test"
)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use tokenfleet_conformance::cases;

const CASE: &str = "a revoked secret is dead";

/// Returns the newest test binary of `tests/memory.rs`, which was built beside this one.
fn binary() -> PathBuf {
    let folder = std::env::current_exe().unwrap();
    let files = std::fs::read_dir(folder.parent().unwrap()).unwrap();
    files
        .map(|file| file.unwrap())
        .filter(|file| {
            let path = file.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_program = path.extension().is_none_or(|extension| extension == "exe");
            stem.starts_with("memory-") && is_program
        })
        .max_by_key(|file| file.metadata().unwrap().modified().unwrap())
        .expect("`--test memory` is built by the same command")
        .path()
}

fn command(mode: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env("TOKENFLEET_MEMORY", mode);
    command.env_remove("TOKENFLEET_CONFORMANCE_REPORTS");
    command
}

fn run(mode: &str, arguments: &[&str]) -> (Output, String) {
    let output = command(mode, arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

#[test]
fn every_case_of_every_suite_is_listed_as_a_test() {
    let (output, text) = run("", &["--list", "--format", "terse"]);
    assert!(output.status.success());
    assert_eq!(text.lines().count(), 2 * cases().count(), "{text}");
    assert!(
        text.contains("[secret-only] a revoked secret is dead: test\n"),
        "{text}"
    );
}

#[test]
fn names_are_filtered_and_reasons_and_requests_shown() {
    let (output, text) = run("", &["a revoked secret"]);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("test [deleting]    a revoked secret is dead"),
        "{text}"
    );
    assert!(text.contains("2 passed; 0 failed"), "{text}");
    assert!(text.contains("1 ran, 0 refused as required"), "{text}");
    assert!(
        text.contains(" requests: a revoked secret is dead"),
        "{text}"
    );

    let exactly = "[secret-only] every page reports the total number of matching tokens";
    let (_, text) = run("", &["--exact", exactly]);
    assert!(text.contains("1 ignored"), "{text}");
    assert!(text.contains("it declares no totals"), "{text}");
}

#[test]
fn an_unknown_deviation_fails_a_test_of_its_own() {
    let (output, text) = run("misnamed", &[]);
    assert!(!output.status.success());
    assert!(
        text.contains("did you mean `a revoked secret is dead`?"),
        "{text}"
    );
    assert!(text.contains("; 1 failed;"), "{text}");
}

#[test]
fn a_fixture_that_cannot_be_built_is_the_reason_of_each_failure() {
    let (output, text) = run("unbuildable", &[CASE]);
    assert!(!output.status.success());
    assert!(text.contains("no fixture: no server at 8081"), "{text}");
}

#[test]
fn a_case_that_hangs_is_named_before_it_ends() {
    let mut hanging = command("hanging", &["--exact", "[slow] a revoked secret is dead"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let mut line = String::new();
    let mut stderr = BufReader::new(hanging.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    assert!(
        hanging.try_wait().unwrap().is_none(),
        "after {:?}",
        started.elapsed()
    );
    assert!(line.contains("[slow] a revoked secret is dead"), "{line}");
    assert!(line.contains(".rs:"), "{line}");
    hanging.kill().unwrap();
    hanging.wait().unwrap();
}

#[test]
fn a_wait_for_the_request_limit_is_announced_as_that_and_not_as_a_slow_case() {
    let arguments = ["--test-threads", "1", "a token is revoked by its"];
    let (output, text) = run("limited", &arguments);
    assert!(text.contains("2 passed; 0 failed"), "{text}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let waiting = "s for the request limit: a token is revoked by its";
    assert!(stderr.contains(waiting), "{stderr}");
    assert!(!stderr.contains("running for"), "{stderr}");
}

#[test]
fn reports_are_written_for_others_to_read() {
    let folder = std::env::temp_dir().join(format!("tokenfleet-{}", std::process::id()));
    let mut run = command("", &["--quiet"]);
    let run = run.env("TOKENFLEET_CONFORMANCE_REPORTS", &folder);
    assert!(run.output().unwrap().status.success());
    let json = std::fs::read_to_string(folder.join("deleting.json")).unwrap();
    let markdown = std::fs::read_to_string(folder.join("deleting.md")).unwrap();
    std::fs::remove_dir_all(folder).unwrap();

    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["passed"], true);
    assert_eq!(report["account_kind"], "a platform in memory");
    assert_eq!(report["cases"].as_array().unwrap().len(), cases().count());
    assert!(report["requests"].as_u64().unwrap() > 500);
    assert!(
        markdown.starts_with("# Conformance of deleting (memory)\n"),
        "{markdown}"
    );
    assert!(markdown.contains("| result | conforms |"), "{markdown}");
    assert!(!format!("{json}{markdown}").contains(env!("CARGO_MANIFEST_DIR")));
}
