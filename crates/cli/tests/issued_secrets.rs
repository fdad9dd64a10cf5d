//! Secrets that a platform has issued, and secrets that a person passes, are not lost on the way.

#![cfg(feature = "simulate")]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use support::account::Account;
use support::{Run, Simulate, tokenfleet};

/// Returns the program with the configuration and the credentials of an account.
fn program(account: &Account, words: &[&str]) -> Command {
    let mut program = support::program(&[]);
    program.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    program
        .args(words)
        .args(["--config", &account.path])
        .envs(account.variables.iter().cloned())
        .stdin(Stdio::null());
    program
}

fn run(program: &mut Command) -> Run {
    let output = program.stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn requests(account: &Account) -> u64 {
    account.control("GET", "/log", "")["total"]
        .as_u64()
        .unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn exactly_once_revokes_a_token_whose_secret_cannot_be_written() {
    for provider in ["losant", "foreman"] {
        let account = Account::new(provider);
        for format in ["json", "csv", "table"] {
            let full = || {
                std::fs::File::options()
                    .write(true)
                    .open("/dev/full")
                    .unwrap()
            };
            let words = ["create", "--name=ci", "--exactly-once", "--output", format];
            let run = run(program(&account, &words).stdout(full())).ends_with(1);
            assert!(run.stderr.contains("the token was revoked"), "{run:?}");
            let tokens = account.run(&["list", "--prefix=ci", "--state=active"]);
            assert_eq!(tokens.ends_with(0).json()["tokens"], serde_json::json!([]));
        }
        // Without it, the error says what is left to do.
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let run = run(program(&account, &["create", "--name=cj"]).stdout(full)).ends_with(7);
        let line = run.error_line();
        let start =
            format!("error: mine ({provider}): create failed: cannot write the secret of token ");
        let end = " (No space left on device); the token exists, but its secret is lost: revoke it";
        assert!(line.starts_with(&start) && line.ends_with(end), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_token_is_taken_back_although_the_platform_does_not_show_it() {
    for provider in ["losant", "foreman"] {
        let account = Account::new(provider);
        for answer in [
            serde_json::json!({"answer": {"status": 200, "body": "{}"}}),
            serde_json::json!({"answer": {"status": 403, "body": "{}"}}),
            serde_json::json!({"answer": {"status": 404, "body": "{}"}}),
        ] {
            account.inject_fault("GET", &answer);
            let full = std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .unwrap();
            let words = ["create", "--name=ci", "--exactly-once"];
            let run = run(program(&account, &words).stdout(full)).ends_with(1);
            assert!(run.stderr.contains("the token was revoked"), "{run:?}");
            account.control("DELETE", "/faults", "");
            let tokens = account.run(&["list", "--prefix=ci", "--state=active"]);
            assert_eq!(tokens.ends_with(0).json()["tokens"], serde_json::json!([]));
        }
    }
}

#[test]
fn an_output_that_nobody_reads_is_noticed_before_anything_is_sent() {
    for (provider, words) in [
        ("losant", &["create", "--name=ci"][..]),
        ("losant", &["create", "--name=ci", "--exactly-once"]),
        ("cloudsmith", &["rotate", "--yes"]),
        ("mindbody", &["renew", "--secret-env=SECRET"]),
        (
            "cloudsmith",
            &["revoke", "ID", "--yes", "--accept-replacement"],
        ),
    ] {
        let account = Account::new(provider);
        let tokens = account.control("GET", "/tokens", "");
        let id = tokens["tokens"][0]["id"].as_str().unwrap_or_default();
        let words: Vec<_> = (words.iter())
            .map(|word| if *word == "ID" { id } else { *word })
            .collect();
        let words = &words[..];
        let discarded = run(program(&account, words).stdout(Stdio::null()));
        // Not a pipe, whose reader a process of another test may hold for a moment.
        let (written, reader) = UnixStream::pair().unwrap();
        reader.shutdown(Shutdown::Both).unwrap();
        let unread = run(program(&account, words).stdout(OwnedFd::from(written)));
        let mut shell = support::command("sh");
        shell
            .args([
                "-c",
                "exec \"$@\" >&-",
                "sh",
                env!("CARGO_BIN_EXE_tokenfleet"),
            ])
            .args(words)
            .args(["--config", &account.path])
            .envs(account.variables.iter().cloned())
            .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .stdout(Stdio::piped());
        for run in [discarded, unread, run(&mut shell)] {
            let run = run.ends_with(1);
            assert!(
                run.error_line().contains("standard output is closed"),
                "{run:?}"
            );
        }
        assert_eq!(requests(&account), 0, "{words:?}");
    }
}

#[test]
fn a_rotation_is_confirmed_before_anything_is_sent() {
    let account = Account::new("cloudsmith");
    for words in [&["rotate"][..], &["rotate", "aB3dE5gH7jK9"]] {
        let run = account.run(words).ends_with(2);
        assert!(run.error_line().ends_with("confirm with --yes"), "{run:?}");
    }
    assert_eq!(requests(&account), 0);
    assert!(account.run(&["rotate", "--yes"]).ends_with(0).json()["secret"].is_string());
}

#[test]
fn a_reader_that_leaves_early_is_no_failure_in_any_format() {
    let simulate = Simulate::start(&["losant", "--tokens=20000"], 1);
    let server = simulate.server("losant");
    let path = support::temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = {}\ntoken = {{ env = 'IOT_TOKEN' }}\n",
        server["url"]
    ));
    for format in ["csv", "json", "ndjson", "table"] {
        for words in [&["list"][..], &["list", "--sort=name"], &["inventory"]] {
            let mut child = support::program(&[])
                .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
                .args(words)
                .args(["--output", format, "--config", &path])
                .env(
                    "IOT_TOKEN",
                    server["credentials"]["token"].as_str().unwrap(),
                )
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::with_capacity(64, child.stdout.take().unwrap()).lines();
            lines.next().unwrap().unwrap();
            drop(lines);
            let mut errors = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut errors)
                .unwrap();
            assert_eq!(
                child.wait().unwrap().code(),
                Some(0),
                "{words:?} {format}: {errors}"
            );
            assert_eq!(errors, "", "{words:?} {format}");
        }
    }
}

#[test]
fn a_secret_comes_from_standard_input_a_pipe_or_a_process_substitution() {
    let account = Account::new("losant");
    let issued = account.run(&["create", "--name=ci"]).ends_with(0).json();
    let secret = issued["secret"].as_str().unwrap();
    for path in ["-", "/dev/stdin", "/dev/fd/0"] {
        for text in [format!("\u{feff}{secret}\r\n"), secret.to_owned()] {
            let words = ["verify", "--secret-file", path];
            let mut child = program(&account, &words)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{path}: {output:?}");
        }
    }
    let words = ["verify", "--secret-file=-"];
    let nothing = run(program(&account, &words).stdout(Stdio::piped())).ends_with(2);
    let expected =
        "error: --secret-file: the input is empty; write the credential on the first line";
    assert_eq!(nothing.error_line(), expected);
}

#[test]
fn each_failure_of_a_secret_file_has_its_own_words() {
    let directory = env!("CARGO_TARGET_TMPDIR");
    for (content, problem) in [
        ("", "is empty"),
        ("\u{feff}\n", "is empty"),
        ("\nhunter2", "has an empty first line"),
        ("hun\u{200b}ter2", "contains the invisible character U+200B"),
        (&*"x".repeat(70_000), "is larger than 64 KiB"),
    ] {
        let path = support::temporary_file(content);
        let words = [
            "verify",
            "--secret-file",
            &path,
            "--simulate",
            "--account=losant",
        ];
        let run = tokenfleet(&words).ends_with(2).hiding(&["hunter2"]);
        let line = run.stderr.lines().last().unwrap();
        let expected = format!("error: --secret-file: the credential file {path} {problem}; ");
        assert!(line.starts_with(&expected), "{line}");
    }
    for (path, problem) in [
        (directory, "is a directory"),
        ("/dev/zero", "is neither a regular file nor a pipe"),
    ] {
        let words = [
            "verify",
            "--secret-file",
            path,
            "--simulate",
            "--account=losant",
        ];
        let run = tokenfleet(&words).ends_with(2);
        let line = run.error_line();
        assert!(line.contains(&format!("{path} {problem}; ")), "{line}");
    }
}
