//! The account whose changes are lost, and its ledger.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::account::{control, table};
use crate::support::home::Home;
use crate::support::{Run, Simulate, temporary_file};

/// An account on a simulated platform, and a home of its own with a ledger.
pub(crate) struct Recorded {
    pub(crate) home: Home,
    pub(crate) simulate: Simulate,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) configuration: String,
}

impl Recorded {
    pub(crate) fn new(provider: &str) -> Self {
        Self::with(provider, &[], "")
    }

    /// Creates an account on a platform with these options, and more tables in the configuration.
    pub(crate) fn with(provider: &str, options: &[&str], tables: &str) -> Self {
        let simulate = Simulate::start(&[&[provider, "--tokens=1"], options].concat(), 1);
        let mut variables = Vec::new();
        let text = table("mine", simulate.server(provider), &mut variables);
        Self {
            home: Home::new(),
            simulate,
            variables,
            configuration: temporary_file(&format!("{text}{tables}")),
        }
    }

    pub(crate) fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        [words, &["--config", &self.configuration]].concat()
    }

    pub(crate) fn environment(&self) -> Vec<(&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (&**name, &**value)).collect()
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        let hidden: Vec<_> = self.variables.iter().map(|(_, value)| &**value).collect();
        let run = self.home.run_with(&self.environment(), &self.words(words));
        run.hiding(&hidden)
    }

    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Value {
        control(&self.simulate.servers[0], method, path, body)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.control("GET", "/log", "")["total"].as_u64().unwrap()
    }

    /// Injects a fault into every request with that method.
    pub(crate) fn inject_fault(&self, method: &str, action: &Value) {
        let fault = json!({"method": method, "actions": [action], "times": null});
        self.control("POST", "/faults", &fault.to_string());
    }

    pub(crate) fn clear_faults(&self) {
        self.control("DELETE", "/faults", "");
    }

    /// Returns the requests after the first `count`.
    pub(crate) fn requests_after(&self, count: u64) -> Vec<Value> {
        let log = self.control("GET", &format!("/log?after={count}"), "");
        log["entries"].as_array().unwrap().clone()
    }

    /// Returns the path of the ledger.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.home.path().join(".local/state/tokenfleet/ledger.db")
    }

    /// Returns the writes that are open.
    pub(crate) fn open(&self) -> Vec<Value> {
        let run = self.run(&["operations", "--output=ndjson"]).ends_with(0);
        lines(&run)
    }

    pub(crate) fn resume(&self, words: &[&str]) -> Run {
        let resume = ["operations", "resume", "--look-again-after=0s"];
        self.run(&[&resume, words].concat())
    }

    /// Returns the tokens that are not revoked.
    pub(crate) fn alive(&self) -> Vec<Value> {
        let list = self.run(&["list"]).ends_with(0).json();
        let tokens = list["tokens"].as_array().unwrap().iter();
        let alive = tokens.filter(|token| token["state"] != "revoked");
        alive.cloned().collect()
    }

    /// Starts a command whose response is delayed, and kills it once its `POST` was applied.
    pub(crate) fn kill_in_flight(&self, words: &[&str]) {
        let before = self.requests();
        self.inject_fault("POST", &json!({"delay_answer": 60_000}));
        let mut child = self
            .home
            .program(&self.words(words))
            .envs(self.environment())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.wait_for_post(before);
        child.kill().unwrap();
        child.wait().unwrap();
        self.clear_faults();
    }

    /// Waits until a `POST` after the first `before` requests was applied.
    pub(crate) fn wait_for_post(&self, before: u64) {
        let started = Instant::now();
        let is_applied =
            |request: &Value| request["method"] == "POST" && request["processed"] == true;
        while !self.requests_after(before).iter().any(is_applied) {
            assert!(started.elapsed() < Duration::from_secs(60), "nothing sent");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

pub(crate) fn lines(run: &Run) -> Vec<Value> {
    let lines = run.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Creates a token whose secret does not get to its place.
pub(crate) fn create_undelivered(recorded: &Recorded) {
    run_into_full(recorded, &["create", "--name=ci"]);
}

/// Runs a command whose output does not get to its place.
pub(crate) fn run_into_full(recorded: &Recorded, words: &[&str]) {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let run = recorded
        .home
        .program(&recorded.words(words))
        .envs(recorded.environment())
        .stdout(full.unwrap())
        .output()
        .unwrap();
    assert!(!run.status.success());
}
