//! An account whose tokens are rotated, with a ledger and files of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenfleet_ledger::{SqliteLedger, Tasks};

use super::account::{control, table};
use super::{Run, Simulate, program, temporary_file, tokenfleet_with_env};

/// An account `mine` on a simulated platform.
pub(crate) struct Rotating {
    pub(crate) directory: TempDir,
    simulate: Simulate,
    /// The credentials.
    variables: Vec<(String, String)>,
    options: Vec<(String, String)>,
    pub(crate) path: String,
}

impl Rotating {
    pub(crate) fn new(provider: &str) -> Self {
        Self::with(provider, &[], "")
    }

    /// Creates an account on a platform with these options, and more tables in the configuration,
    /// in which `DIR` stands for the folder of the files and `PLATFORM` for the address.
    pub(crate) fn with(provider: &str, options: &[&str], tables: &str) -> Self {
        let simulate = Simulate::start(&[&[provider], options].concat(), 1);
        let directory = TempDir::new().unwrap();
        let mut variables = Vec::new();
        let account = table("mine", simulate.server(provider), &mut variables);
        let folder = directory.path().to_str().unwrap();
        let address = simulate.server(provider)["url"].as_str().unwrap();
        let tables = tables.replace("DIR", folder).replace("PLATFORM", address);
        let path = temporary_file(&format!(
            "{account}\n[ledger]\npath = '{folder}/state/ledger.db'\n\
             [audit]\nfile = '{folder}/audit.jsonl'\n{tables}"
        ));
        fs::create_dir(directory.path().join("secrets")).unwrap();
        Self {
            directory,
            simulate,
            variables,
            options: Vec::new(),
            path,
        }
    }

    /// Creates an account with this number of old tokens that [`POLICY`] covers, and one that it
    /// does not.
    pub(crate) fn covered(provider: &str, count: usize) -> Self {
        Self::covered_by(POLICY, provider, count)
    }

    /// Creates an account like [`covered`](Self::covered) with these tables.
    pub(crate) fn covered_by(tables: &str, provider: &str, count: usize) -> Self {
        let rotating = Self::with(provider, &["--tokens=0"], tables);
        for number in 0..count {
            rotating.insert(&format!("ci-{number}"));
        }
        rotating.insert("other");
        rotating
    }

    /// Sets an environment variable of the program that is no secret.
    pub(crate) fn set_option(&mut self, name: &str, value: &str) {
        self.options.push((name.to_owned(), value.to_owned()));
    }

    /// Sets an environment variable of the program, which it must not show.
    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        [words, &["--config", &self.path]].concat()
    }

    pub(crate) fn environment(&self) -> Vec<(&str, &str)> {
        let variables = self.variables.iter().chain(&self.options);
        variables.map(|(name, value)| (&**name, &**value)).collect()
    }

    /// Runs the program. Asserts that it shows no credential and no secret of a token.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.run_with(&[], words)
    }

    /// Runs the program like [`run`](Self::run), with more environment variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], words: &[&str]) -> Run {
        let mut hidden: Vec<String> = self
            .variables
            .iter()
            .map(|(_, value)| value.clone())
            .collect();
        let variables = [&self.environment(), variables].concat();
        let run = tokenfleet_with_env(&variables, &self.words(words));
        let secrets = self.tokens().into_iter();
        hidden.extend(secrets.map(|token| token["secret"].as_str().unwrap().to_owned()));
        let hidden: Vec<_> = hidden.iter().map(String::as_str).collect();
        run.hiding(&hidden)
    }

    pub(crate) fn program(&self, words: &[&str]) -> Command {
        let mut program = program(&self.words(words));
        program.envs(self.environment());
        program
    }

    pub(crate) fn spawn(&self, words: &[&str]) -> Child {
        let mut program = self.program(words);
        let program = program.stdout(Stdio::piped()).stderr(Stdio::piped());
        program.spawn().unwrap()
    }

    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Value {
        control(&self.simulate.servers[0], method, path, body)
    }

    /// Returns the number of requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.control("GET", "/log", "")["total"].as_u64().unwrap()
    }

    /// Returns the methods of the requests after the first `count` that may change something.
    pub(crate) fn changes_after(&self, count: u64) -> Vec<String> {
        let log = self.control("GET", &format!("/log?after={count}"), "");
        let methods = log["entries"].as_array().unwrap().iter();
        let methods = methods.map(|request| request["method"].as_str().unwrap().to_owned());
        methods.filter(|method| method != "GET").collect()
    }

    /// Delays the answers to all requests with that method until the fault is cleared.
    pub(crate) fn delay_answers(&self, method: &str) {
        self.delay_answers_by(method, 60_000);
    }

    pub(crate) fn delay_answers_by(&self, method: &str, milliseconds: u64) {
        let action = json!({ "delay_answer": milliseconds });
        let fault = json!({"method": method, "actions": [action], "times": null});
        self.control("POST", "/faults", &fault.to_string());
    }

    pub(crate) fn clear_faults(&self) {
        self.control("DELETE", "/faults", "");
    }

    /// Starts a command, and kills it once its first request with that method was applied, whose
    /// answer it never gets.
    pub(crate) fn kill_in_flight(&self, method: &str, words: &[&str]) {
        let before = self.requests();
        self.delay_answers(method);
        let mut child = self.spawn(words);
        self.wait_until_processed_after(before, method);
        child.kill().unwrap();
        child.wait().unwrap();
        self.clear_faults();
    }

    /// Waits until the first request with that method was processed, whose answer may be delayed.
    pub(crate) fn wait_until_processed(&self, method: &str) {
        self.wait_until_processed_after(0, method);
    }

    fn wait_until_processed_after(&self, count: u64, method: &str) {
        let started = Instant::now();
        let is_processed = || {
            let log = self.control("GET", &format!("/log?after={count}"), "");
            let mut entries = log["entries"].as_array().unwrap().iter();
            entries.any(|entry| entry["method"] == method && entry["processed"] == true)
        };
        while !is_processed() {
            assert!(started.elapsed() < Duration::from_secs(60), "nothing sent");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Inserts an active token that was created long ago, and returns its id.
    pub(crate) fn insert(&self, name: &str) -> String {
        let token = json!({
            "name": name,
            "created": "2020-01-01T00:00:00Z",
            "scopes": ["all.User.read"],
        });
        let inserted = self.control("POST", "/tokens", &token.to_string());
        inserted["id"].as_str().unwrap().to_owned()
    }

    /// Returns the tokens of the platform with their secrets.
    pub(crate) fn tokens(&self) -> Vec<Value> {
        let tokens = self.control("GET", "/tokens", "");
        tokens["tokens"].as_array().unwrap().clone()
    }

    /// Returns the number of tokens that are active or suspended.
    pub(crate) fn alive(&self) -> usize {
        let tokens = self.tokens().into_iter();
        tokens
            .filter(|token| token["state"] == "active" || token["state"] == "suspended")
            .count()
    }

    pub(crate) fn secret_of(&self, id: &str) -> String {
        let token = self.control("GET", &format!("/tokens/{id}"), "");
        token["secret"].as_str().unwrap().to_owned()
    }

    pub(crate) fn accepts(&self, secret: &str) -> bool {
        let check = json!({ "secret": secret }).to_string();
        self.control("POST", "/accepts", &check)["accepts"] == true
    }

    /// Returns a file for a secret, which may not exist.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("secrets").join(name)
    }

    /// Writes a secret of somebody else into a file that only its owner may read.
    pub(crate) fn put(&self, name: &str, secret: &str) {
        fs::write(self.file(name), secret).unwrap();
        super::home::set_mode(&self.file(name), 0o600);
    }

    /// Returns the option that delivers to that file.
    pub(crate) fn to(&self, name: &str) -> String {
        format!("--to=file:{}", self.file(name).display())
    }

    /// Returns the secret in a file.
    pub(crate) fn held(&self, name: &str) -> String {
        let text = fs::read_to_string(self.file(name)).unwrap();
        text.trim_end().to_owned()
    }

    /// Returns the objects that `operations` lists.
    pub(crate) fn operations(&self) -> Vec<Value> {
        let run = self.run(&["operations", "--output=ndjson"]).ends_with(0);
        lines(&run.stdout)
    }

    /// Starts a command, waits until a condition holds, and sends it a signal. Returns the process,
    /// whose output is not read yet.
    pub(crate) fn signal_when(
        &self,
        words: &[&str],
        signal: &str,
        condition: impl Fn() -> bool,
    ) -> Child {
        let child = self.spawn(words);
        let started = Instant::now();
        while !condition() {
            assert!(started.elapsed() < Duration::from_secs(60), "{words:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        send(&child, signal);
        child
    }

    /// Returns the path of the ledger, which may not exist.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.directory.path().join("state/ledger.db")
    }

    /// Does something with the ledger itself.
    pub(crate) fn with_ledger<T>(&self, work: impl AsyncFnOnce(SqliteLedger) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let path = self.ledger();
        runtime.block_on(async { work(SqliteLedger::open(path).await.unwrap()).await })
    }

    /// Gives the claims of killed workers back, as if they had run out.
    pub(crate) fn expire_claims(&self) {
        self.with_ledger(async |ledger| {
            for task in ledger.open_tasks().await.unwrap() {
                for epoch in 1..20 {
                    let now = Some(tokenfleet::Timestamp::now());
                    ledger.release_claim(task.id, epoch, now).await.unwrap();
                }
            }
        });
    }
}

/// Runs a worker once and returns its rotations.
#[track_caller]
pub(crate) fn worker(rotating: &Rotating, code: i32) -> (Vec<Value>, Run) {
    let run = rotating
        .run(&["worker", "--once", "--output=ndjson"])
        .ends_with(code);
    (lines(&run.stdout), run)
}

/// Rotates a token into a sink, lets the overlap pass and finishes it. `held` returns the secret
/// that the sink holds.
#[track_caller]
pub(crate) fn assert_rotates(
    rotating: &Rotating,
    variables: &[(&str, &str)],
    to: &str,
    held: impl Fn() -> String,
) {
    let id = rotating.insert("ci");
    let (old, before) = (rotating.secret_of(&id), rotating.alive());
    let words = [
        "rotate",
        &id,
        "--to",
        to,
        "--overlap=2s",
        "--expires-in=90d",
        "--yes",
    ];
    let rotated = rotating.run_with(variables, &words).ends_with(0).json();
    assert_eq!(rotated["state"], "retiring", "{rotated}");
    let operations = rotating.operations();
    assert_eq!(operations[0]["sinks"], rotated["sinks"], "{operations:?}");
    assert!(rotating.accepts(&held()) && rotating.accepts(&old));
    std::thread::sleep(Duration::from_secs(3));
    let worker = ["worker", "--once", "--output=ndjson"];
    let run = rotating.run_with(variables, &worker).ends_with(0);
    assert_eq!(lines(&run.stdout)[0]["state"], "done", "{run:?}");
    assert!(rotating.accepts(&held()) && !rotating.accepts(&old));
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    assert_eq!(rotating.alive(), before);
}

/// Sends a signal to a process.
pub(crate) fn send(child: &Child, signal: &str) {
    let arguments = [format!("-{signal}"), child.id().to_string()];
    assert!(
        Command::new("kill")
            .args(arguments)
            .status()
            .unwrap()
            .success()
    );
}

/// Waits until a process has ended, for 20 seconds at most.
#[track_caller]
pub(crate) fn ended(child: Child) -> Run {
    let started = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(20), "{output:?}");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Parses lines of JSON.
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A policy that rotates old tokens whose names begin with `ci-` into a file for each.
pub(crate) const POLICY: &str = "
[sinks.files]
kind = 'file'
path = 'DIR/secrets/{name}'

[policies.ci]
account = 'mine'
where = 'name ^= ci-'
max_age = '30d'
new_expiry = '90d'
overlap = '0s'
sinks = ['files']
";
