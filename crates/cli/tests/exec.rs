//! `exec`: a command with a new secret in its environment.

#![cfg(feature = "simulate")]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use support::account::Account;
use support::program;
use tokenfleet_tests::Terminal;

fn requests(account: &Account) -> u64 {
    account.control("GET", "/log", "")["total"]
        .as_u64()
        .unwrap()
}

/// Returns the words of a command line, with a name that no other token has.
fn words(provider: &str, options: &[&str], command: &[&str]) -> Vec<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = match provider {
        "mindbody" => Vec::new(),
        _ => vec![format!("--name=ci{number}")],
    };
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let parts: [Vec<String>; 5] = [
        owned(&["exec", "--env=NEW_TOKEN"]),
        name,
        owned(options),
        owned(&["--"]),
        owned(command),
    ];
    parts.concat()
}

/// Runs `exec` with a configuration, whose option stands before the command.
fn exec(account: &Account, options: &[&str], command: &[&str]) -> support::Run {
    let provider = account.simulate.servers[0]["provider"].as_str().unwrap();
    let options = [options, &["--config", &account.path]].concat();
    let own = account.variables.iter();
    let variables: Vec<_> = own.map(|(name, value)| (&**name, &**value)).collect();
    let words = words(provider, &options, command);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    support::tokenfleet_with_env(&variables, &words)
}

/// Returns `true` if a secret works, where the platform tells.
fn is_alive(account: &Account, secret: &str) -> Option<bool> {
    let run = account.run_with_secret(secret, &["verify", "--secret-env=SECRET"]);
    match run.code {
        0 => Some(true),
        8 => Some(false),
        _ => None,
    }
}

#[test]
fn a_command_gets_the_secret_and_its_exit_code_is_kept() {
    for provider in ["losant", "foreman", "mindbody"] {
        let account = Account::new(provider);
        let print = [
            "sh",
            "-c",
            "printf '%s %s' \"$NEW_TOKEN\" \"$1\"; exit 42",
            "sh",
            "--x",
        ];
        let run = exec(&account, &[], &print).ends_with(42);
        let (secret, argument) = run.stdout.split_once(' ').unwrap();
        assert_eq!(argument, "--x");
        assert!(run.stderr.contains("created token "), "{run:?}");
        assert!(!run.stderr.contains(secret), "{run:?}");
        assert_ne!(is_alive(&account, secret), Some(false));

        let run = exec(&account, &["--revoke-after"], &print).ends_with(42);
        let secret = run.stdout.split_once(' ').unwrap().0;
        assert!(run.stderr.contains("revoked token "), "{run:?}");
        assert_ne!(is_alive(&account, secret), Some(true));
        exec(&account, &[], &["true"]).ends_with(0);
        exec(&account, &[], &["sh", "-c", "kill -KILL $$"]).ends_with(128 + 9);
    }
}

#[test]
fn a_command_that_does_not_exist_is_noticed_before_anything_is_sent() {
    let account = Account::new("losant");
    let plain = support::temporary_file("#!/bin/sh\n");
    for (command, problem) in [
        ("no-such-command", "there is no command no-such-command"),
        ("./no/such/command", "there is no command ./no/such/command"),
        (plain.as_str(), "is not executable"),
        (env!("CARGO_TARGET_TMPDIR"), "is not executable"),
    ] {
        let run = exec(&account, &[], &[command]).ends_with(2);
        assert!(run.error_line().contains(problem), "{run:?}");
    }
    let run = exec(&account, &["--env=A-B"], &["true"]).ends_with(2);
    assert!(
        run.stderr.contains("variable name") || run.stderr.contains("--env"),
        "{run:?}"
    );
    assert_eq!(requests(&account), 0);
}

#[test]
fn the_token_of_a_command_that_cannot_start_is_revoked() {
    let broken = support::temporary_file("#!/no/such/interpreter\n");
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o700)).unwrap();
    for provider in ["losant", "foreman", "mindbody"] {
        let account = Account::new(provider);
        let run = exec(&account, &[], &[&broken]).ends_with(1);
        assert!(run.stderr.contains("cannot start"), "{run:?}");
        assert!(run.stderr.contains("the token was revoked"), "{run:?}");
        if provider != "mindbody" {
            let tokens = account.run(&["list", "--prefix=ci", "--state=active"]);
            assert_eq!(tokens.ends_with(0).json()["tokens"], serde_json::json!([]));
        }
    }
    let account = Account::new("losant");
    let refused = serde_json::json!({"answer": {"status": 403, "body": "{}"}});
    for _ in 0..4 {
        account.inject_fault("DELETE", &refused);
    }
    let run = exec(&account, &[], &[&broken]).ends_with(7);
    assert!(
        run.stderr.contains("its secret is lost: revoke it"),
        "{run:?}"
    );
}

#[test]
fn a_failed_revocation_after_a_command_that_succeeded_is_the_exit_code() {
    let account = Account::new("losant");
    let refused = serde_json::json!({"answer": {"status": 403, "body": "{}"}});
    for (command, code) in [("exit 0", 3), ("exit 5", 5)] {
        account.inject_fault("DELETE", &refused);
        let run = exec(&account, &["--revoke-after"], &["sh", "-c", command]).ends_with(code);
        assert!(run.stderr.contains("revoke failed"), "{run:?}");
        account.control("DELETE", "/faults", "");
    }
}

#[test]
fn signals_are_passed_on_to_the_command() {
    let trap = "trap 'exit 42' TERM; echo ready; while :; do sleep 0.05; done";
    for (signal, script, code) in [
        ("TERM", trap, 42),
        ("TERM", "echo ready; exec sleep 20", 128 + 15),
        ("INT", "echo ready; exec sleep 20", 128 + 2),
        ("HUP", "echo ready; exec sleep 20", 128 + 1),
        ("USR1", "echo ready; exec sleep 20", 128 + 10),
    ] {
        let account = Account::new("losant");
        let options = ["--revoke-after", "--config", &account.path];
        let mut child = program(&[])
            .args(words("losant", &options, &["sh", "-c", script]))
            .envs(account.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "ready\n");
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let mut errors = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut errors)
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(code),
            "{signal}: {errors}"
        );
        assert!(errors.contains("revoked token "), "{signal}: {errors}");
    }
}

#[test]
fn a_request_to_stop_during_the_creation_takes_the_token_back() {
    let account = Account::new("losant");
    account.inject_fault("POST", &serde_json::json!({"delay": 2_000}));
    let trace = format!("{}-ran", support::temporary_file(""));
    let options = ["--config", &account.path];
    let child = program(&[])
        .args(words("losant", &options, &["touch", &trace]))
        .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .envs(account.variables.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = std::time::Instant::now();
    while requests(&account) == 0 {
        assert!(started.elapsed().as_secs() < 60, "nothing sent");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let sent = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("was asked to stop"), "{errors}");
    assert!(errors.contains("the token was revoked"), "{errors}");
    assert!(!std::path::Path::new(&trace).exists(), "the command ran");
    let tokens = account.run(&["list", "--prefix=ci", "--state=active"]);
    assert_eq!(tokens.ends_with(0).json()["tokens"], serde_json::json!([]));
}

#[test]
fn a_command_does_not_get_the_credentials_of_the_account() {
    let account = Account::new("losant");
    let (variable, own) = &account.variables[0];
    let print = ["sh", "-c", &format!("printf '%s' \"${{{variable}-gone}}\"")];
    let run = exec(&account, &[], &print).ends_with(0);
    assert_eq!(run.stdout, "gone");
    // Unless the new token takes its place.
    let words = [
        "exec",
        "--name=place",
        "--env",
        variable,
        "--config",
        &account.path,
        "--",
    ];
    let run = support::tokenfleet_with_env(&[(variable, own)], &[&words[..], &print].concat());
    let run = run.ends_with(0);
    assert!(!["", "gone", own].contains(&&*run.stdout), "{run:?}");
}

/// Runs a script with `exec` on a terminal.
fn on_terminal(script: &str, answers: &[(&str, &str)]) -> Option<i32> {
    let account = Account::new("losant");
    let words = words(
        "losant",
        &["--config", &account.path],
        &["sh", "-c", script],
    );
    let variables = account.variables.iter();
    let mut variables: Vec<_> = variables.map(|(name, value)| (&**name, &**value)).collect();
    variables.push(("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR")));
    let terminal = answers
        .iter()
        .fold(Terminal::new(200), |terminal, (question, answer)| {
            terminal.with_answer(question, answer)
        });
    let run = terminal.run(env!("CARGO_BIN_EXE_tokenfleet"), words, variables);
    run.code
}

#[test]
fn a_signal_for_the_program_alone_is_passed_on_although_there_is_a_terminal() {
    let script = "trap 'exit 42' INT; kill -INT $PPID; sleep 2; exit 7";
    assert_eq!(on_terminal(script, &[]), Some(42));
}

#[test]
fn what_a_person_presses_reaches_the_command_once() {
    let script = "n=0; trap 'n=$((n+1))' INT; echo ready; \
                  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 0.1; done; exit $((40+n))";
    assert_eq!(on_terminal(script, &[("ready", "\u{3}")]), Some(41));
}
