//! Credentials that commands print, and that systemd passes.

#![cfg(feature = "simulate")]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::account::Account;
use support::{Run, temporary_file, tokenfleet_with_env};

/// An account whose credential is written as a reference of another kind.
struct Referring {
    account: Account,
    credential: String,
}

impl Referring {
    fn new() -> Self {
        let account = Account::new("losant");
        let credential = account.variables[0].1.clone();
        Self {
            account,
            credential,
        }
    }

    fn run(&self, reference: &str, variables: &[(&str, &str)], words: &[&str]) -> Run {
        let text = fs::read_to_string(&self.account.path).unwrap();
        let text = text.replace("{ env = 'MINE_TOKEN' }", reference);
        assert!(text.contains(reference), "{text}");
        let path = temporary_file(&text);
        let variables = [&[("CREDENTIAL", self.credential.as_str())], variables].concat();
        let words = [words, &["--config", &path]].concat();
        tokenfleet_with_env(&variables, &words).hiding(&[&self.credential])
    }

    fn requests(&self) -> u64 {
        self.account.control("GET", "/log", "")["total"]
            .as_u64()
            .unwrap()
    }
}

fn count(path: &str) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[test]
fn a_command_is_asked_once_for_many_calls() {
    let account = Referring::new();
    for number in 0..6 {
        let name = format!("--name=ci{number}");
        account.account.run(&["create", &name]).ends_with(0);
    }
    let counter = temporary_file("");
    let reference =
        "{ command = ['sh', '-c', 'echo x >> $COUNTER; echo \" $CREDENTIAL \"; echo more'] }";
    let words = ["list", "--page-size=1"];
    let run = account
        .run(reference, &[("COUNTER", &counter)], &words)
        .ends_with(0);
    assert_eq!(run.json()["tokens"].as_array().unwrap().len(), 7);
    assert!(account.requests() > 6);
    assert_eq!(count(&counter), 1);
}

#[test]
fn a_refused_credential_is_asked_for_again() {
    let account = Referring::new();
    let counter = temporary_file("");
    let script = "echo x >> $COUNTER; test $(wc -l < $COUNTER) = 1 && echo old || echo $CREDENTIAL";
    let reference = format!("{{ command = ['sh', '-c', '{script}'] }}");
    let run = account.run(&reference, &[("COUNTER", &counter)], &["list"]);
    run.ends_with(0);
    assert_eq!(count(&counter), 2);
    // One that stays wrong is asked for once more, and no more.
    let counter = temporary_file("");
    let reference = "{ command = ['sh', '-c', 'echo x >> $COUNTER; echo old'] }";
    let run = account.run(
        reference,
        &[("COUNTER", &counter)],
        &["show", "575ec7417ae143cd83dc4a95"],
    );
    run.ends_with(3);
    assert_eq!(count(&counter), 2);
}

#[test]
fn each_failure_of_a_command_has_its_own_words_and_shows_no_output() {
    let account = Referring::new();
    for (command, problem) in [
        (
            "['sh', '-c', 'echo $CREDENTIAL; echo $CREDENTIAL >&2; exit 3']",
            "the command `sh` failed (exit status: 3); run it yourself to see why",
        ),
        (
            "['sh', '-c', 'kill -KILL $$']",
            "the command `sh` failed (signal: 9",
        ),
        (
            "['no-such-manager']",
            "the command `no-such-manager` does not exist",
        ),
        ("['true']", "printed a text that is empty"),
        ("['yes']", "the command `yes` prints more than 64 KiB"),
        (
            "['cat', '/dev/zero']",
            "the command `cat` prints more than 64 KiB",
        ),
        ("[]", "must be { env = \"…\" }"),
        ("'pass show x'", "must be { env = \"…\" }"),
    ] {
        let run = account.run(&format!("{{ command = {command} }}"), &[], &["list"]);
        assert!(run.stderr.contains(problem), "{command}: {run:?}");
        assert!(
            run.stderr.contains("accounts.mine.token"),
            "{command}: {run:?}"
        );
        run.ends_with(2);
    }
    assert_eq!(account.requests(), 0);
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_its_children() {
    let account = Referring::new();
    let alive = temporary_file("");
    let script = "(sleep 3; echo x >> $ALIVE) & sleep 30";
    let reference = format!("{{ command = ['sh', '-c', '{script}'], timeout = '1s' }}");
    let started = Instant::now();
    let run = account
        .run(&reference, &[("ALIVE", &alive)], &["list"])
        .ends_with(2);
    assert!(
        run.stderr
            .contains("did not end within 1 s and was stopped"),
        "{run:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(20));
    std::thread::sleep(Duration::from_millis(3_500));
    assert_eq!(count(&alive), 0);
    assert_eq!(account.requests(), 0);
}

#[test]
fn a_relative_program_starts_from_the_directory_of_the_configuration() {
    let account = Referring::new();
    let name = format!("credential-{}.sh", std::process::id());
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(&name);
    fs::write(&program, "#!/bin/sh\necho $CREDENTIAL\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let reference = format!("{{ command = ['./{name}'] }}");
    account.run(&reference, &[], &["list"]).ends_with(0);
    fs::remove_file(program).unwrap();
}

#[test]
fn a_systemd_credential_is_read_from_the_directory_that_systemd_names() {
    let account = Referring::new();
    let path = temporary_file(&account.credential);
    let path = PathBuf::from(path);
    let directory = path.parent().unwrap().to_str().unwrap();
    let reference = format!(
        "{{ systemd = '{}' }}",
        path.file_name().unwrap().to_str().unwrap()
    );
    let variables = [("CREDENTIALS_DIRECTORY", directory)];
    account.run(&reference, &variables, &["list"]).ends_with(0);
    let before = account.requests();
    let run = account
        .run(&reference, &[("CREDENTIALS_DIRECTORY", "")], &["list"])
        .ends_with(2);
    assert!(
        run.stderr.contains("CREDENTIALS_DIRECTORY is not set"),
        "{run:?}"
    );
    let run = account
        .run("{ systemd = 'absent' }", &variables, &["list"])
        .ends_with(2);
    assert!(
        run.stderr
            .contains("the systemd credential `absent` does not exist"),
        "{run:?}"
    );
    let run = account
        .run("{ systemd = '../absent' }", &variables, &["list"])
        .ends_with(2);
    assert!(
        run.stderr
            .contains("is not the name of a systemd credential"),
        "{run:?}"
    );
    assert_eq!(account.requests(), before);
}
