//! A new secret is open until somebody has it, and what a process is at work on is seen.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::account::{control, table};
use support::home::Home;
use support::{Run, Simulate, temporary_file};

/// An account on a simulated platform, and a home with a ledger.
struct Remembered {
    home: Home,
    simulate: Simulate,
    variables: Vec<(String, String)>,
    configuration: String,
}

impl Remembered {
    fn new(provider: &str) -> Self {
        Self::with(provider, |_| String::new())
    }

    /// Creates an account with more tables in the configuration, which depend on the home.
    fn with(provider: &str, tables: impl FnOnce(&Home) -> String) -> Self {
        let simulate = Simulate::start(&[provider, "--tokens=1"], 1);
        let mut variables = Vec::new();
        let text = table("mine", simulate.server(provider), &mut variables);
        let home = Home::new();
        Self {
            configuration: temporary_file(&format!("{text}{}", tables(&home))),
            home,
            simulate,
            variables,
        }
    }

    fn program(&self, home: &Home, words: &[&str]) -> std::process::Command {
        let mut program = home.program(&[words, &["--config", &self.configuration]].concat());
        program.envs(self.variables.iter().cloned());
        program
    }

    fn run(&self, words: &[&str]) -> Run {
        self.run_with("", words)
    }

    /// Runs the program with a secret in `SECRET`.
    fn run_with(&self, secret: &str, words: &[&str]) -> Run {
        let mut program = self.program(&self.home, words);
        let output = program.env("SECRET", secret).output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the program with an output that takes nothing, and returns whether it succeeded.
    fn run_into_full(&self, secret: &str, words: &[&str]) -> bool {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut program = self.program(&self.home, words);
        let output = program.env("SECRET", secret).stdout(full).output();
        output.unwrap().status.success()
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Value {
        control(&self.simulate.servers[0], method, path, body)
    }

    fn requests(&self) -> u64 {
        self.control("GET", "/log", "")["total"].as_u64().unwrap()
    }

    /// Makes the platform apply each `POST` and answer it after this time.
    fn delay(&self, milliseconds: u64) {
        let action = json!({ "delay_answer": milliseconds });
        let fault = json!({"method": "POST", "actions": [action], "times": null});
        self.control("POST", "/faults", &fault.to_string());
    }

    /// Starts a command, and returns once a `POST` of it was applied.
    fn start(&self, words: &[&str]) -> Child {
        let before = self.requests();
        let child = self
            .program(&self.home, words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let is_applied =
            |request: &Value| request["method"] == "POST" && request["processed"] == true;
        let is_sent = || {
            let log = self.control("GET", &format!("/log?after={before}"), "");
            log["entries"].as_array().unwrap().iter().any(is_applied)
        };
        while !is_sent() {
            assert!(started.elapsed() < Duration::from_secs(60), "nothing sent");
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }

    /// Returns the states of the writes that are open.
    fn open(&self) -> Vec<String> {
        let run = self.run(&["operations", "--output=ndjson"]).ends_with(0);
        let state = |line: &str| {
            let write: Value = serde_json::from_str(line).unwrap();
            write["state"].as_str().unwrap().to_owned()
        };
        run.stdout.lines().map(state).collect()
    }

    fn place(&self, name: &str) -> (PathBuf, String) {
        let path = self.home.work().join(name);
        let to = format!("--to=file:{}", path.display());
        (path, to)
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_secret_that_is_kept_beside_its_place_is_delivered() {
    let remembered = Remembered::new("losant");
    let (path, to) = remembered.place("token");
    remembered.delay(1_000);
    let child = remembered.start(&["create", "--name=ci", &to]);
    File::create_new(&path).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(7));
    let files = fs::read_dir(remembered.home.work()).unwrap();
    let kept = files.filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        name.to_str().unwrap().ends_with(".partial")
    });
    assert_eq!(kept.count(), 1);
    assert_eq!(remembered.open(), Vec::<String>::new());
}

#[test]
fn a_secret_in_its_file_is_delivered_although_its_record_cannot_be_printed() {
    let create = ["create", "--name=ci"];
    let remembered = Remembered::new("losant");
    let (path, to) = remembered.place("token");
    assert!(!remembered.run_into_full("", &[&create[..], &[&to]].concat()));
    assert!(fs::metadata(path).unwrap().len() > 0);
    assert_eq!(remembered.open(), Vec::<String>::new());

    // Without a file, nobody has it.
    for (provider, words) in [
        ("losant", &create[..]),
        ("cloudsmith", &["rotate", "--yes"]),
    ] {
        let remembered = Remembered::new(provider);
        assert!(!remembered.run_into_full("", words));
        assert_eq!(remembered.open(), ["active_without_owner"], "{provider}");
    }
}

#[test]
fn a_renewal_that_keeps_its_secret_is_not_open() {
    let remembered = Remembered::new("mindbody");
    let created = remembered.run(&["create"]).ends_with(0).json();
    let secret = created["secret"].as_str().unwrap();
    assert!(!remembered.run_into_full(secret, &["renew", "--secret-env=SECRET"]));
    assert_eq!(remembered.open(), Vec::<String>::new());
}

#[test]
fn the_replacement_of_a_revoked_secret_is_open_until_it_is_delivered() {
    let remembered = Remembered::new("cloudsmith");
    let tokens = remembered.run(&["list"]).ends_with(0).json();
    let id = tokens["tokens"][0]["id"].as_str().unwrap();
    let revoke = ["revoke", id, "--yes", "--accept-replacement"];
    let (path, to) = remembered.place("token");
    let words = [&revoke[..], &[&to]].concat();
    remembered.run(&words).ends_with(0);
    assert_eq!(remembered.open(), Vec::<String>::new());

    // The old key is dead, so the account gets the new one.
    let mut remembered = remembered;
    let secret = fs::read_to_string(path).unwrap();
    for (_, value) in &mut remembered.variables {
        value.clone_from(&secret);
    }
    let tokens = remembered.run(&["list"]).ends_with(0).json();
    let id = tokens["tokens"][0]["id"].as_str().unwrap();
    assert!(!remembered.run_into_full("", &["revoke", id, "--yes", "--accept-replacement"]));
    assert_eq!(remembered.open(), ["active_without_owner"]);
}

#[test]
fn a_process_with_another_home_is_seen_by_its_mark_beside_the_ledger() {
    let in_work = |home: &Home| {
        let path = home.work().join("shared/ledger.db");
        format!("[ledger]\npath = '{}'\n", path.display())
    };
    let remembered = Remembered::with("losant", in_work);
    remembered.delay(60_000);
    let child = remembered.start(&["create", "--exactly-once", "--name=ci"]);
    let other = Home::new();
    let resume = ["operations", "resume", "--look-again-after=0s", "--all"];
    let output = remembered
        .program(&other, &[&resume[..], &["--yes"]].concat())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("still running"), "{said}");
    assert_eq!(output.status.code(), Some(7));
    kill(child);
}

#[test]
fn a_change_whose_mark_cannot_be_set_is_refused_before_anything_is_sent() {
    let remembered = Remembered::new("losant");
    let state = remembered.home.path().join(".local/state/tokenfleet");
    fs::create_dir_all(&state).unwrap();
    File::create_new(state.join("running")).unwrap();
    let before = remembered.requests();
    let run = remembered.run(&["create", "--name=ci"]).ends_with(2);
    assert!(run.stderr.contains("at work"), "{run:?}");
    assert_eq!(remembered.requests(), before);
    assert_eq!(remembered.open(), Vec::<String>::new());
}

#[test]
fn what_was_found_out_is_in_the_audit_log_too() {
    let remembered = Remembered::new("losant");
    remembered.delay(60_000);
    kill(remembered.start(&["create", "--exactly-once", "--name=ci"]));
    remembered.control("DELETE", "/faults", "");
    let open = || {
        let run = remembered.run(&["audit", "--open", "--output=ndjson"]);
        run.ends_with(0).stdout.lines().count()
    };
    assert_eq!(open(), 1);
    let resume = ["operations", "resume", "--look-again-after=0s", "--all"];
    let run = remembered.run(&[&resume[..], &["--yes"]].concat());
    run.ends_with(0);
    assert_eq!(open(), 0);
    let run = remembered.run(&["audit", "--output=ndjson"]).ends_with(0);
    let first: Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["outcome"], Value::Null);
    assert_eq!(first["resolution"]["resolution"], "taken_back");
    assert!(first["resolution"]["tokens"][0].is_string(), "{first}");
}

#[test]
fn authorities_without_a_server_are_refused() {
    for lines in [
        "path = 'ledger.db'\nauthorities = ['ca.pem']",
        "authorities = 'ca.pem'",
        "exclusive_authorities = true",
        "authorities = []",
    ] {
        let tables = |_: &Home| format!("[ledger]\n{lines}\n");
        let remembered = Remembered::with("losant", tables);
        let before = remembered.requests();
        let run = remembered.run(&["create", "--name=ci"]);
        if lines.ends_with("[]") {
            run.ends_with(0);
            continue;
        }
        let run = run.ends_with(2);
        assert!(run.stderr.contains("no `url`"), "{run:?}");
        assert_eq!(remembered.requests(), before);
    }
}
