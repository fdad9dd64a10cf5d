//! Kills of the program at random times: nothing that it began is forgotten, and
//! `operations resume` finishes it.
//!
//! `TOKENFLEET_KILLS` sets the number of kills a platform.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::account::{control, table};
use support::home::Home;
use support::{Run, Simulate, temporary_file};

/// Returns the number of kills a platform.
fn kills() -> u64 {
    let number = std::env::var("TOKENFLEET_KILLS").ok();
    number.map_or(5, |number| number.parse().unwrap())
}

/// Returns the numbers of the rounds: as many as there are to be kills, and more until one has hit.
fn rounds() -> std::ops::Range<u64> {
    0..20 * kills()
}

/// The number of rounds after which another account is used: what is left of the rounds before is
/// looked at in each.
const ROUNDS: u64 = 50;

/// An account on a simulated platform, and a home with a ledger of its own.
struct Killed {
    provider: &'static str,
    home: Home,
    simulate: Simulate,
    configuration: String,
    /// The state of the generator of random numbers.
    random: u64,
    /// The number of processes that were killed before they had ended.
    kills: Cell<u64>,
}

impl Killed {
    fn new(provider: &'static str) -> Self {
        // Answers take long enough for a kill to come before them.
        let options = [provider, "--tokens=1", "--latency=15"];
        let simulate = Simulate::start(&options, 1);
        let text = table("mine", simulate.server(provider), &mut Vec::new());
        Self {
            provider,
            home: Home::new(),
            simulate,
            configuration: temporary_file(&text),
            random: u64::from(std::process::id()),
            kills: Cell::new(0),
        }
    }

    /// Goes on with another account if it is time for one, and returns `true` if it is.
    fn renew(&mut self, round: u64) -> bool {
        let is_time = round > 0 && round.is_multiple_of(ROUNDS);
        if is_time {
            let fresh = Self::new(self.provider);
            *self = Self {
                random: self.random,
                kills: self.kills.clone(),
                ..fresh
            };
        }
        is_time
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Value {
        control(&self.simulate.servers[0], method, path, body)
    }

    /// Returns a number below a limit.
    fn random_below(&mut self, limit: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % limit
    }

    /// Returns the credentials that work now: a rotation changes one.
    fn environment(&self) -> Vec<(String, String)> {
        let mut credentials = self.control("GET", "", "")["credentials"].clone();
        if self.provider == "cloudsmith" {
            credentials["api_key"] = self.tokens()[0]["secret"].clone();
        }
        let server = json!({
            "provider": self.provider,
            "url": "http://127.0.0.1:1",
            "credentials": credentials,
        });
        let mut variables = Vec::new();
        table("mine", &server, &mut variables);
        variables
    }

    fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        [words, &["--config", &self.configuration]].concat()
    }

    fn run(&self, words: &[&str]) -> Run {
        let variables = self.environment();
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        self.home.run_with(&variables, &self.words(words))
    }

    /// Runs a command and kills it after this time, unless it ends before.
    fn kill(&self, words: &[&str], more: &[(&str, &str)], after: Duration) {
        self.kill_into(Stdio::piped(), words, more, after);
    }

    /// Kills a command like [`kill`](Self::kill), whose output goes there.
    fn kill_into(&self, output: Stdio, words: &[&str], more: &[(&str, &str)], after: Duration) {
        let mut child = self
            .home
            .program(&self.words(words))
            .envs(self.environment())
            .envs(more.iter().copied())
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(after);
        let _ = child.kill();
        let is_killed = child.wait().unwrap().signal() == Some(9);
        self.kills.set(self.kills.get() + u64::from(is_killed));
    }

    /// Returns the tokens of the platform with their secrets.
    fn tokens(&self) -> Vec<Value> {
        let tokens = self.control("GET", "/tokens", "");
        tokens["tokens"].as_array().unwrap().clone()
    }

    fn is_accepted(&self, secret: &str) -> bool {
        let check = json!({ "secret": secret }).to_string();
        self.control("POST", "/accepts", &check)["accepts"] == true
    }

    /// Returns the place of the secret of a round.
    fn file(&self, round: u64) -> PathBuf {
        self.home.work().join(format!("secret-{round}"))
    }

    /// Returns everything that was delivered.
    fn delivered(&self) -> String {
        let files = std::fs::read_dir(self.home.work()).unwrap();
        let read = |file: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(file.unwrap().path()).unwrap_or_default()
        };
        files.map(read).collect()
    }

    fn open(&self) -> Vec<Value> {
        let run = self.run(&["operations", "--output=ndjson"]).ends_with(0);
        let lines = run.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns the ids of all tokens that the ledger knows.
    fn known(&self, operations: &[String]) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        for operation in operations {
            let words = ["operations", "show", operation, "--output=ndjson"];
            let run = self.run(&words).ends_with(0);
            for line in run.stdout.lines() {
                let write: Value = serde_json::from_str(line).unwrap();
                let tokens = write["tokens"].as_array().unwrap().iter();
                known.extend(tokens.map(|id| id.as_str().unwrap().to_owned()));
            }
        }
        known
    }

    /// Resumes everything, and then decides by the id what needs a person to look at it: what was
    /// delivered is kept. `--all` leaves open what it reports as unknown, and nothing else.
    fn resume(&self) -> Vec<Value> {
        let resume = ["operations", "resume", "--yes", "--look-again-after=0s"];
        let run = self.run(&[&resume[..], &["--all", "--output=ndjson"]].concat());
        let open = self.open();
        let said: Vec<Value> = run
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let unknown = said.iter().filter(|write| write["outcome"] == "unknown");
        let unknown: BTreeSet<String> = unknown.map(|write| text(write, "write")).collect();
        let left: BTreeSet<String> = open.iter().map(|write| text(write, "write")).collect();
        assert_eq!(left, unknown, "{run:?}");
        assert_eq!(run.code, if left.is_empty() { 0 } else { 7 }, "{run:?}");
        let (delivered, tokens) = (self.delivered(), self.tokens());
        for write in open {
            let id = text(&write, "operation");
            let is_delivered = tokens.iter().any(|token| {
                let ids = write["tokens"].as_array().unwrap();
                ids.contains(&token["id"]) && delivered.contains(&text(token, "secret"))
            });
            if is_delivered {
                let abandon = ["operations", "abandon", "--yes", &id];
                self.run(&abandon).ends_with(0);
            } else {
                let run = self.run(&[&resume[..], &[&id]].concat());
                assert!([0, 7].contains(&run.code), "{run:?}");
            }
        }
        self.open()
    }

    /// Returns the secrets that work, apart from those of the tokens whose names begin so.
    fn accepted(&self, but: &str) -> BTreeSet<String> {
        let tokens = self.tokens().into_iter();
        let others = tokens.filter(|token| !text(token, "name").starts_with(but));
        let secrets = others.map(|token| text(&token, "secret"));
        secrets.filter(|secret| self.is_accepted(secret)).collect()
    }
}

/// Says how many kills left something open, for whoever runs the long form.
#[allow(clippy::print_stdout)]
fn report(killed: &Killed, hits: u64) {
    println!(
        "{}: {} runs, {} of them killed before they had ended; {hits} left something open",
        killed.provider,
        kills(),
        killed.kills.get(),
    );
}

/// Returns the time that a command takes when it is not killed.
fn duration(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

/// Kills creations, updates, revocations and plans on a platform that lists its tokens.
fn kill_on_a_platform_that_lists(provider: &'static str) {
    let mut killed = Killed::new(provider);
    // A token that the ledger knows tells whose tokens are listed.
    let create = |killed: &Killed| {
        killed.run(&["create", "--name=first"]).ends_with(0);
    };
    let full = duration(|| create(&killed));
    let limit = u64::try_from(full.as_micros()).unwrap() * 5 / 4;
    let mut hits = 0;
    for round in rounds() {
        if round >= kills() && hits > 0 {
            break;
        }
        if killed.renew(round) {
            create(&killed);
        }
        let after = Duration::from_micros(killed.random_below(limit));
        let name = format!("--name=ci-{round}");
        let to = format!("--to=file:{}", killed.file(round).display());
        let (old, renamed) = (
            format!("--name=old {round}"),
            format!("--name=old new {round}"),
        );
        let id = match round % 5 {
            1 | 2 => {
                let created = killed.run(&["create", &old]).ends_with(0).json();
                text(&created, "id")
            }
            _ => String::new(),
        };
        let plan;
        let path;
        let words = match round % 5 {
            0 => vec!["create", "--exactly-once", &name, &to],
            1 => vec!["revoke", &id, "--yes"],
            2 if provider == "losant" => vec!["update", &id, &renamed],
            2 | 3 => vec!["create", &name, &to],
            _ => {
                for number in 0..3 {
                    let token = json!({"name": format!("old {round} {number}")});
                    killed.control("POST", "/tokens", &token.to_string());
                }
                plan = killed.run(&["plan", "--where=name ^= old"]).ends_with(0);
                path = temporary_file(&plan.stdout);
                vec!["revoke", "--plan", &path, "--yes"]
            }
        };
        let before: BTreeSet<String> = ids(&killed.tokens());
        let accepted = killed.accepted("old ");
        killed.kill(&words, &[], after);
        std::thread::sleep(Duration::from_millis(100));

        let open = killed.open();
        hits += u64::from(!open.is_empty());
        let operations: Vec<String> = open
            .iter()
            .map(|write| write["operation"].as_str().unwrap().to_owned())
            .collect();
        let known = killed.known(&operations);
        let delivered = killed.delivered();
        for token in killed.tokens() {
            let (id, secret) = (text(&token, "id"), text(&token, "secret"));
            if words[0] != "create" || before.contains(&id) || delivered.contains(&secret) {
                continue;
            }
            let is_unknown = open.iter().any(|write| write["action"] == "create");
            assert!(
                known.contains(&id) || is_unknown,
                "{provider}, round {round}: token {id} is forgotten, killed after {after:?}"
            );
        }
        let left = killed.resume();
        assert!(left.is_empty(), "{provider}, round {round}: {left:?}");
        let delivered = killed.delivered();
        let accepted_now = killed.accepted("old ");
        assert!(
            accepted.is_subset(&accepted_now),
            "{provider}, round {round}: a token that was there is revoked, killed after {after:?}"
        );
        for token in killed.tokens() {
            let (id, secret) = (text(&token, "id"), text(&token, "secret"));
            assert!(
                !delivered.contains(&secret) || accepted_now.contains(&secret),
                "{provider}, round {round}: token {id} in use is revoked, killed after {after:?}"
            );
            let is_ours = words[0] == "create" && !before.contains(&id);
            assert!(
                !is_ours || delivered.contains(&secret) || !killed.is_accepted(&secret),
                "{provider}, round {round}: token {id} is an orphan, killed after {after:?}"
            );
        }
        if words.contains(&"--plan") {
            let run = killed.run(&words).ends_with(0);
            assert!(!run.stdout.is_empty());
            let names = killed.run(&["list", "--where=name ^= old and state = active"]);
            let left = names.ends_with(0).json();
            assert_eq!(left["tokens"], json!([]), "{provider}, round {round}");
        }
    }
    assert!(hits > 0, "{provider}: no kill left anything open");
    report(&killed, hits);
}

fn text(object: &Value, key: &str) -> String {
    let value = &object[key];
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn ids(tokens: &[Value]) -> BTreeSet<String> {
    tokens.iter().map(|token| text(token, "id")).collect()
}

#[test]
fn nothing_is_forgotten_on_losant() {
    kill_on_a_platform_that_lists("losant");
}

#[test]
fn nothing_is_forgotten_on_foreman() {
    kill_on_a_platform_that_lists("foreman");
}

#[test]
fn a_killed_rotation_is_finished_on_cloudsmith() {
    let mut killed = Killed::new("cloudsmith");
    let rotate = ["rotate", "--yes", "--secret-only"];
    let full = duration(|| {
        killed.run(&rotate).ends_with(0);
    });
    let limit = u64::try_from(full.as_micros()).unwrap() * 5 / 4;
    let mut hits = 0;
    for round in rounds() {
        if round >= kills() && hits > 0 {
            break;
        }
        killed.renew(round);
        let environment = killed.environment();
        let after = Duration::from_micros(killed.random_below(limit));
        let output = std::fs::File::create(killed.file(round)).unwrap();
        killed.kill_into(output.into(), &rotate, &[], after);
        std::thread::sleep(Duration::from_millis(100));
        let is_rotated = killed.environment() != environment;
        let is_delivered = killed.file(round).metadata().unwrap().len() > 0;
        let open = killed.open();
        hits += u64::from(!open.is_empty());
        assert!(
            !is_rotated || is_delivered || !open.is_empty(),
            "round {round}: the rotation is forgotten, killed after {after:?}"
        );
        // With the credential that the configuration had before.
        let variables: Vec<_> = environment
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let resume = ["operations", "resume", "--yes", "--look-again-after=0s"];
        let resume = |words: &[&str]| {
            let words = [&resume[..], words].concat();
            killed.home.run_with(&variables, &killed.words(&words))
        };
        let run = resume(&["--all"]);
        let open = killed.open();
        assert_eq!(
            run.code,
            if open.is_empty() { 0 } else { 7 },
            "round {round}: {run:?}"
        );
        // A new key that may be lost waits for a person.
        assert!(is_rotated || open.is_empty(), "round {round}: {open:?}");
        for write in open {
            resume(&[&text(&write, "operation")]).ends_with(0);
        }
        assert!(killed.open().is_empty());
    }
    assert!(hits > 0, "cloudsmith: no kill left anything open");
    report(&killed, hits);
}

#[test]
fn killed_issues_and_renewals_are_counted_on_mindbody() {
    let mut killed = Killed::new("mindbody");
    let create = |killed: &Killed| {
        let created = killed.run(&["create"]).ends_with(0).json();
        text(&created, "secret")
    };
    let mut secret = String::new();
    let full = duration(|| secret = create(&killed));
    let limit = u64::try_from(full.as_micros()).unwrap() * 5 / 4;
    let mut hits = 0;
    for round in rounds() {
        if round >= kills() && hits > 0 {
            break;
        }
        if killed.renew(round) {
            secret = create(&killed);
        }
        let before = killed.tokens().len();
        let counted = killed.open().len();
        let after = Duration::from_micros(killed.random_below(limit));
        let to = format!("--to=file:{}", killed.file(round).display());
        let words = if round % 2 == 0 {
            vec!["create", &to]
        } else {
            vec!["renew", "--secret-env=SECRET"]
        };
        killed.kill(&words, &[("SECRET", &secret)], after);
        std::thread::sleep(Duration::from_millis(100));
        let is_issued = killed.tokens().len() > before && words[0] == "create";
        let is_delivered = killed.file(round).exists();
        hits += u64::from(killed.open().len() > counted);
        let open = killed.resume();
        assert!(
            !is_issued || is_delivered || open.len() > counted,
            "round {round}: a token is forgotten, killed after {after:?}"
        );
        // What cannot be listed is counted until it is dead.
        let is_dated = open.iter().all(|write| write["dead_by"].is_string());
        assert!(is_dated, "{open:?}");
    }
    assert!(hits > 0, "mindbody: no kill left anything open");
    report(&killed, hits);
}
