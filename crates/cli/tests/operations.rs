//! Changes whose outcome is unknown: how they are listed, and how they are finished.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::account::{control, table};
use support::home::Home;
use support::rotating::Rotating;
use support::{Run, Simulate, temporary_file};
use tokenfleet::model::Principal;
use tokenfleet::{Completeness, Identity, Timestamp};
use tokenfleet_ledger::{Ledger, Source, SqliteLedger, Verdict};

/// An account on a simulated platform, and a home of its own with a ledger.
struct Recorded {
    home: Home,
    simulate: Simulate,
    variables: Vec<(String, String)>,
    configuration: String,
}

impl Recorded {
    fn new(provider: &str) -> Self {
        Self::with(provider, &[], "")
    }

    /// Creates an account on a platform with these options, and more tables in the configuration.
    fn with(provider: &str, options: &[&str], tables: &str) -> Self {
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

    fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        [words, &["--config", &self.configuration]].concat()
    }

    fn environment(&self) -> Vec<(&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (&**name, &**value)).collect()
    }

    fn run(&self, words: &[&str]) -> Run {
        let hidden: Vec<_> = self.variables.iter().map(|(_, value)| &**value).collect();
        let run = self.home.run_with(&self.environment(), &self.words(words));
        run.hiding(&hidden)
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Value {
        control(&self.simulate.servers[0], method, path, body)
    }

    fn requests(&self) -> u64 {
        self.control("GET", "/log", "")["total"].as_u64().unwrap()
    }

    /// Injects a fault into every request with that method.
    fn inject_fault(&self, method: &str, action: &Value) {
        let fault = json!({"method": method, "actions": [action], "times": null});
        self.control("POST", "/faults", &fault.to_string());
    }

    fn clear_faults(&self) {
        self.control("DELETE", "/faults", "");
    }

    /// Returns the requests after the first `count`.
    fn requests_after(&self, count: u64) -> Vec<Value> {
        let log = self.control("GET", &format!("/log?after={count}"), "");
        log["entries"].as_array().unwrap().clone()
    }

    /// Returns the path of the ledger.
    fn ledger(&self) -> PathBuf {
        self.home.path().join(".local/state/tokenfleet/ledger.db")
    }

    /// Returns the writes that are open.
    fn open(&self) -> Vec<Value> {
        let run = self.run(&["operations", "--output=ndjson"]).ends_with(0);
        lines(&run)
    }

    fn resume(&self, words: &[&str]) -> Run {
        let resume = ["operations", "resume", "--look-again-after=0s"];
        self.run(&[&resume, words].concat())
    }

    /// Returns the tokens that are not revoked.
    fn alive(&self) -> Vec<Value> {
        let list = self.run(&["list"]).ends_with(0).json();
        let tokens = list["tokens"].as_array().unwrap().iter();
        let alive = tokens.filter(|token| token["state"] != "revoked");
        alive.cloned().collect()
    }

    /// Starts a command whose response is delayed, and kills it once its `POST` was applied.
    fn kill_in_flight(&self, words: &[&str]) {
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
    fn wait_for_post(&self, before: u64) {
        let started = Instant::now();
        let is_applied =
            |request: &Value| request["method"] == "POST" && request["processed"] == true;
        while !self.requests_after(before).iter().any(is_applied) {
            assert!(started.elapsed() < Duration::from_secs(60), "nothing sent");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn lines(run: &Run) -> Vec<Value> {
    let lines = run.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_change_that_succeeds_leaves_nothing_open_and_a_reading_command_no_ledger() {
    for provider in ["losant", "foreman"] {
        let recorded = Recorded::new(provider);
        recorded.run(&["list"]).ends_with(0);
        assert!(recorded.open().is_empty());
        let run = recorded.run(&["create", "--name=ci", "--read-only"]);
        run.ends_with(2);
        assert!(!recorded.ledger().exists());

        let created = recorded.run(&["create", "--name=ci"]).ends_with(0).json();
        assert!(recorded.ledger().exists());
        let id = created["id"].as_str().unwrap();
        recorded.run(&["revoke", id, "--yes"]).ends_with(0);
        assert!(recorded.open().is_empty());
        recorded.run(&["operations", "--exit-code"]).ends_with(0);
    }
}

#[test]
fn a_marked_creation_of_unknown_outcome_is_found_and_its_token_revoked() {
    for provider in ["losant", "foreman"] {
        let recorded = Recorded::new(provider);
        let before = recorded.alive().len();
        recorded.kill_in_flight(&["create", "--exactly-once", "--name=ci"]);
        let open = recorded.open();
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(open[0]["state"], "no_outcome");
        assert_eq!(open[0]["action"], "create");
        assert!(open[0]["marker"].is_string(), "{open:?}");
        recorded.run(&["operations", "--exit-code"]).ends_with(8);
        let run = recorded.run(&["doctor", "--output=ndjson"]).ends_with(0);
        let waits = "1 operation waits, 1 of them for a person";
        assert!(run.stdout.contains(waits), "{run:?}");
        assert_eq!(recorded.alive().len(), before + 1);

        let run = recorded.resume(&["--all"]).ends_with(2);
        assert!(run.stderr.contains("confirm with --yes"), "{run:?}");
        assert!(!run.stderr.contains(" failed: "), "{run:?}");
        let run = recorded.resume(&["--all", "--yes", "--read-only"]);
        run.ends_with(2);
        let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
        assert_eq!(run.json()["outcome"], "taken_back", "{run:?}");
        let run = recorded.run(&["doctor", "--output=ndjson"]).ends_with(0);
        assert!(!run.stdout.contains(" waits"), "{run:?}");
        assert_eq!(recorded.alive().len(), before);
        assert!(recorded.open().is_empty());
        let id = open[0]["operation"].as_str().unwrap();
        let shown = lines(&recorded.run(&["operations", "show", id]).ends_with(0));
        assert_eq!(shown.len(), 2, "the creation and the revocation: {shown:?}");
        assert_eq!(shown[0]["state"], "taken_back");
    }
}

#[test]
fn an_unmarked_token_is_revoked_only_if_its_operation_is_named() {
    for provider in ["losant", "foreman"] {
        let recorded = Recorded::new(provider);
        let before = recorded.alive().len();
        recorded.kill_in_flight(&["create", "--name=ci"]);
        let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
        let resumed = run.json();
        assert_eq!(resumed["outcome"], "unknown");
        let detail = resumed["detail"].as_str().unwrap();
        assert!(detail.contains("looks like it"), "{detail}");
        assert_eq!(recorded.alive().len(), before + 1);
        let id = resumed["operation"].as_str().unwrap();
        recorded.resume(&[id, "--yes"]).ends_with(0);
        assert_eq!(recorded.alive().len(), before);
        assert!(recorded.open().is_empty());
    }
}

#[test]
fn what_was_not_applied_is_recorded_so() {
    let recorded = Recorded::new("losant");
    // It shows later that the account still lists the same user's tokens.
    recorded.run(&["create", "--name=known"]).ends_with(0);
    recorded.inject_fault("POST", &json!("close_before"));
    recorded.run(&["create", "--name=ci"]).ends_with(7);
    let words = [
        "create",
        "--exactly-once",
        "--name=ci",
        "--look-again-after=1s",
    ];
    recorded.run(&words);
    recorded.clear_faults();
    let open = recorded.open();
    assert_eq!(open.len(), 1, "exactly once has looked itself: {open:?}");
    assert_eq!(open[0]["state"], "outcome_unknown");
    let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
    assert_eq!(run.json()["outcome"], "not_applied");
    assert!(recorded.open().is_empty());
}

#[test]
fn absence_settles_nothing_where_the_account_may_be_another_users() {
    // No token is listed that the account is known to have had before.
    for words in [
        &["create", "--exactly-once", "--name=ci"][..],
        &["create", "--name=ci"],
    ] {
        let recorded = Recorded::new("losant");
        recorded.kill_in_flight(words);
        let tokens = recorded.control("GET", "/tokens", "");
        for token in tokens["tokens"].as_array().unwrap() {
            if token["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("ci"))
            {
                let path = format!("/tokens/{}", token["id"].as_str().unwrap());
                recorded.control("DELETE", &path, "");
            }
        }
        let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
        let detail = run.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("another user's"), "{detail}");
        let open = recorded.open();
        assert_eq!(open.len(), 1);

        // Whoever has looked gives it up.
        let id = open[0]["operation"].as_str().unwrap();
        recorded.run(&["operations", "abandon", id]).ends_with(2);
        let requests = recorded.requests();
        let run = recorded.run(&["operations", "abandon", id, "--yes"]);
        assert_eq!(run.ends_with(0).json()["state"], "abandoned");
        assert_eq!(recorded.requests(), requests);
        assert!(recorded.open().is_empty());
    }
}

#[test]
fn a_token_of_a_snapshot_shows_that_the_account_is_the_same() {
    let recorded = Recorded::new("losant");
    recorded.run(&["snapshot"]).ends_with(0);
    recorded.inject_fault("POST", &json!("close_before"));
    recorded.run(&["create", "--name=ci"]).ends_with(7);
    recorded.clear_faults();
    let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
    assert_eq!(run.json()["outcome"], "not_applied");
}

/// Records a snapshot of another owner, as if the credential had been exchanged.
fn snapshot_of_another_owner(recorded: &Recorded) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(async {
        let ledger = SqliteLedger::open(recorded.ledger()).await.unwrap();
        let mut source = ledger.accounts().await.unwrap().remove(0);
        let someone = Identity::new(Principal::new("someone-else"));
        source = Source::from(source.account).with_owner(&someone);
        let recorder = ledger.begin(&source, Timestamp::now()).await.unwrap();
        let complete = Verdict::Listed(Completeness::Complete);
        recorder.close(complete).await.unwrap();
    });
}

#[test]
fn an_account_that_was_another_owners_in_between_proves_nothing_and_is_told() {
    let recorded = Recorded::new("losant");
    recorded.run(&["snapshot"]).ends_with(0);
    recorded.inject_fault("POST", &json!("close_before"));
    recorded.run(&["create", "--name=ci"]).ends_with(7);
    recorded.clear_faults();
    snapshot_of_another_owner(&recorded);
    recorded.run(&["snapshot"]).ends_with(0);
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    assert_eq!(run.json()["outcome"], "unknown");
    assert_eq!(recorded.open().len(), 1);

    let told = recorded.run(&["diff"]).ends_with(0).json();
    let account = &told["accounts"][0];
    assert_eq!(account["other_owners"][0]["id"], "someone-else");
    let table = recorded.run(&["diff", "--output=table"]).ends_with(0);
    let words = table
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        words.contains("the tokens of owner someone-else"),
        "{words}"
    );
}

#[test]
fn a_masked_name_settles_nothing() {
    let recorded = Recorded::new("losant");
    let known = recorded.run(&["create", "--name=known"]).ends_with(0);
    let before = recorded.alive().len();
    recorded.kill_in_flight(&["create", "--name=ci-4f81c9a2b7d3e6"]);
    let id = recorded.open()[0]["operation"].as_str().unwrap().to_owned();
    let run = recorded.resume(&[&id, "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("its name is not in the ledger"), "{detail}");
    assert_eq!(recorded.alive().len(), before + 1);
    assert_eq!(recorded.open().len(), 1);

    recorded.inject_fault("PATCH", &json!("close_after"));
    let known = known.json()["id"].as_str().unwrap().to_owned();
    let update = ["update", &known, "--name=ci-4f81c9a2b7d3e6"];
    recorded.run(&update).ends_with(7);
    recorded.clear_faults();
    recorded.resume(&["--all", "--yes"]).ends_with(7);
    assert_eq!(recorded.open().len(), 2);
}

#[test]
fn an_id_that_is_not_found_and_was_never_seen_proves_nothing() {
    let recorded = Recorded::new("losant");
    recorded.run(&["create", "--name=known"]).ends_with(0);
    let token = recorded.control("POST", "/tokens", &json!({"name": "x"}).to_string());
    let id = token["id"].as_str().unwrap();
    recorded.inject_fault("DELETE", &json!("close_after"));
    recorded.run(&["revoke", id, "--yes"]).ends_with(7);
    recorded.clear_faults();
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    assert_eq!(run.json()["outcome"], "not_found_here", "{run:?}");
    assert_eq!(recorded.open().len(), 1);
}

#[test]
fn a_token_of_that_name_and_another_time_leaves_it_unknown() {
    let recorded = Recorded::new("losant");
    recorded.run(&["create", "--name=known"]).ends_with(0);
    let old = json!({"name": "ci", "created": "2020-01-01T00:00:00Z"});
    recorded.control("POST", "/tokens", &old.to_string());
    recorded.inject_fault("POST", &json!("close_before"));
    recorded.run(&["create", "--name=ci"]).ends_with(7);
    recorded.clear_faults();
    let id = recorded.open()[0]["operation"].as_str().unwrap().to_owned();
    let before = recorded.alive().len();
    let run = recorded.resume(&[&id, "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("at another time"), "{detail}");
    assert_eq!(recorded.alive().len(), before);
    assert_eq!(recorded.open().len(), 1);
}

/// Creates a token whose secret does not get to its place.
fn create_undelivered(recorded: &Recorded) {
    run_into_full(recorded, &["create", "--name=ci"]);
}

/// Runs a command whose output does not get to its place.
fn run_into_full(recorded: &Recorded, words: &[&str]) {
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

#[test]
#[ignore = "waits twice for the minute in which the platform may not show a token"]
fn a_new_token_with_the_id_of_a_deleted_one_is_not_revoked() {
    let services = [
        "--option=collection=services",
        "--option=organization=example",
    ];
    let recorded = Recorded::with(
        "cloudsmith",
        &services,
        "resource = { organization = 'example' }\n",
    );
    create_undelivered(&recorded);
    recorded.control("DELETE", "/tokens/ci", "");
    let created = recorded.run(&["create", "--name=ci"]).ends_with(0).json();
    assert_eq!(created["id"], "ci");
    let before = recorded.alive().len();
    let id = recorded.open()[0]["operation"].as_str().unwrap().to_owned();
    for words in [&["--all", "--yes"][..], &[&id, "--yes"]] {
        recorded.resume(words).ends_with(7);
        assert_eq!(recorded.alive().len(), before);
        assert_eq!(recorded.open().len(), 1);
    }

    // The earlier token of that id does not hide one that nobody has.
    recorded.control("DELETE", "/tokens/ci", "");
    recorded.kill_in_flight(&["create", "--name=ci"]);
    let open = recorded.open();
    assert_eq!(open.len(), 2);
    let id = open[1]["operation"].as_str().unwrap();
    for words in [&["--all", "--yes"][..], &[id, "--yes"]] {
        recorded.resume(words).ends_with(7);
        assert_eq!(recorded.open().len(), 2, "an orphan is forgotten");
    }
}

#[test]
fn a_ledger_that_is_missing_is_not_one_without_open_changes() {
    let recorded = Recorded::new("losant");
    let run = recorded.run(&["operations"]).ends_with(0);
    assert!(run.stderr.contains("there is no ledger"), "{run:?}");
    recorded.run(&["operations", "--exit-code"]).ends_with(7);
}

#[test]
fn a_revocation_and_an_update_of_unknown_outcome_are_finished() {
    let recorded = Recorded::new("losant");
    let created = recorded.run(&["create", "--name=ci"]).ends_with(0).json();
    let id = created["id"].as_str().unwrap();
    for (fault, name, outcome) in [
        ("close_after", "--name=other", "applied"),
        ("close_before", "--name=third", "not_applied"),
    ] {
        recorded.inject_fault("PATCH", &json!(fault));
        recorded.run(&["update", id, name]).ends_with(7);
        recorded.clear_faults();
        let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
        assert_eq!(run.json()["outcome"], outcome);
    }
    for fault in ["close_before", "close_after"] {
        let created = recorded.run(&["create", "--name=ci"]).ends_with(0).json();
        let id = created["id"].as_str().unwrap();
        recorded.inject_fault("DELETE", &json!(fault));
        recorded.run(&["revoke", id, "--yes"]).ends_with(7);
        recorded.clear_faults();
        assert_eq!(recorded.open().len(), 1);
        let run = recorded.resume(&["--all", "--yes"]).ends_with(0);
        assert_eq!(run.json()["outcome"], "applied");
        assert!(recorded.open().is_empty());
    }
    assert_eq!(recorded.alive().len(), 2);
}

#[test]
fn a_plan_that_was_killed_goes_on_and_asks_nothing_twice() {
    for provider in ["losant", "foreman"] {
        let recorded = Recorded::with(provider, &["--latency=100"], "");
        for number in 0..4 {
            let token = json!({"name": format!("old {number}")}).to_string();
            recorded.control("POST", "/tokens", &token);
        }
        let plan = recorded.run(&["plan", "--where=name ^= old"]).ends_with(0);
        let path = temporary_file(&plan.stdout);
        let words = ["revoke", "--plan", &path, "--yes", "--max-concurrency=1"];
        let mut child = recorded
            .home
            .program(&recorded.words(&words))
            .envs(recorded.environment())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Until the first verdict.
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let first: Value = serde_json::from_str(&line).unwrap();
        let first = first["id"].as_str().unwrap();

        let before = recorded.requests();
        let run = recorded.run(&words).ends_with(0);
        assert_eq!(lines(&run).len(), 4, "{run:?}");
        for request in recorded.requests_after(before) {
            let target = request["target"].as_str().unwrap();
            assert!(
                request["method"] == "GET" || !target.ends_with(&format!("/{first}")),
                "asked twice: {target}"
            );
        }
        let before = recorded.requests();
        let again = recorded.run(&words).ends_with(0);
        assert_eq!(again.stdout.matches("already_").count(), 4, "{again:?}");
        let looked = recorded.requests_after(before);
        assert!(looked.iter().all(|request| request["method"] == "GET"));
        assert!(looked.len() <= 4, "{looked:?}");
        recorded.resume(&["--all", "--yes"]).ends_with(0);
        assert!(recorded.open().is_empty());
    }
}

#[test]
fn a_plan_that_is_run_to_its_end_leaves_nothing_open_of_the_run_that_was_killed() {
    let rotating = Rotating::with("losant", &["--tokens=0"], "");
    // Four are in flight at a time. A token that is left proves that this is the place of the plan.
    for number in 0..5 {
        rotating.insert(&format!("old {number}"));
    }
    let plan = rotating.run(&["plan", "--where=name ^= old"]).ends_with(0);
    let path = temporary_file(&plan.stdout);
    let words = ["revoke", "--plan", &path, "--yes"];
    rotating.kill_in_flight("DELETE", &words);
    let open = rotating.operations();
    assert!(!open.is_empty(), "nothing was in flight");
    for write in open {
        let name = write["name"].as_str().unwrap_or_default();
        assert!(name.starts_with("old "), "the plan has the names: {write}");
    }
    rotating.run(&words).ends_with(0);
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    rotating.run(&["operations", "--exit-code"]).ends_with(0);
    let open = rotating.run(&["audit", "--open"]).ends_with(0);
    assert!(open.stderr.is_empty(), "{open:?}");
}

#[test]
fn a_token_that_the_platform_has_again_is_revoked_again_by_its_plan() {
    // Below and above the number that is fetched one by one.
    for count in [1, 9] {
        let recorded = Recorded::new("losant");
        let before = recorded.alive().len();
        for number in 0..count {
            let token = json!({"name": format!("old {number}")}).to_string();
            recorded.control("POST", "/tokens", &token);
        }
        let plan = recorded.run(&["plan", "--where=name ^= old"]).ends_with(0);
        let path = temporary_file(&plan.stdout);
        let words = ["revoke", "--plan", &path, "--yes"];
        // As if a backup was restored afterwards: the last one is confirmed and stays.
        let success = json!({"answer": {"status": 200, "body": "{\"success\":true}"}});
        let fault = json!({"method": "DELETE", "actions": [success]});
        recorded.control("POST", "/faults", &fault.to_string());
        recorded.run(&words).ends_with(0);
        assert_eq!(recorded.alive().len(), before + 1);
        let again = recorded.run(&words).ends_with(0);
        assert_eq!(again.stdout.matches("already_gone").count(), count - 1);
        assert!(again.stderr.contains("has it again"), "{again:?}");
        assert_eq!(recorded.alive().len(), before, "{count}: {again:?}");
    }
}

#[test]
fn a_secret_that_did_not_get_to_its_place_is_an_open_operation() {
    let recorded = Recorded::new("losant");
    let before = recorded.alive().len();
    create_undelivered(&recorded);
    let open = recorded.open();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0]["state"], "active_without_owner");
    assert_eq!(recorded.alive().len(), before + 1);
    // Its secret may be in use.
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("may be in use"), "{detail}");
    assert_eq!(recorded.alive().len(), before + 1);
    let id = open[0]["operation"].as_str().unwrap();
    recorded.resume(&[id, "--yes"]).ends_with(0);
    assert_eq!(recorded.alive().len(), before);
    assert!(recorded.open().is_empty());
}

#[test]
fn a_new_key_that_may_be_lost_is_open_until_its_operation_is_named() {
    let recorded = Recorded::new("cloudsmith");
    run_into_full(&recorded, &["rotate", "--yes"]);
    let open = recorded.open();
    assert_eq!(open.len(), 1);
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("if the new one was not kept"), "{detail}");
    assert!(detail.contains("operations resume "), "{detail}");
    assert_eq!(recorded.open().len(), 1, "a lost key is forgotten");
    let id = open[0]["operation"].as_str().unwrap();
    let run = recorded.resume(&[id, "--yes"]).ends_with(0);
    assert_eq!(run.json()["outcome"], "applied");
    assert!(recorded.open().is_empty());
}

#[test]
fn a_token_that_cannot_be_listed_is_counted_until_it_is_dead() {
    let recorded = Recorded::new("mindbody");
    recorded.inject_fault("POST", &json!("close_after"));
    recorded.run(&["create"]).ends_with(7);
    recorded.clear_faults();
    let open = recorded.open();
    assert_eq!(open.len(), 1);
    assert!(open[0]["dead_by"].is_string(), "{open:?}");
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("counted until it is dead, by "), "{detail}");
    assert_eq!(recorded.open().len(), 1);
}

#[test]
fn an_operation_of_another_place_or_account_is_refused() {
    let recorded = Recorded::new("losant");
    recorded.kill_in_flight(&["create", "--exactly-once", "--name=ci"]);
    let open = recorded.open();
    let id = open[0]["operation"].as_str().unwrap().to_owned();
    let other = Recorded::new("losant");
    let words = [
        "operations",
        "resume",
        &id,
        "--yes",
        "--look-again-after=0s",
    ];
    let before = other.requests();
    let words = [&words[..], &["--config", &other.configuration]].concat();
    let run = recorded.home.run_with(&other.environment(), &words);
    assert!(run.stderr.contains("begun in another place"), "{run:?}");
    run.ends_with(2);
    assert_eq!(other.requests(), before);
    assert_eq!(recorded.open().len(), 1);
    let missing = "0".repeat(32);
    recorded.resume(&[&missing, "--yes"]).ends_with(4);
    recorded.run(&["operations", "show", &missing]).ends_with(4);
}

#[test]
fn a_ledger_that_cannot_be_written_refuses_a_change_before_anything_is_sent() {
    let recorded = Recorded::with("losant", &[], "[ledger]\npath = '/proc/ledger.db'\n");
    let run = recorded.run(&["create", "--name=ci"]).ends_with(2);
    assert!(run.stderr.contains("`enabled = false`"), "{run:?}");
    assert_eq!(recorded.requests(), 0);
    recorded.run(&["list"]).ends_with(0);

    let off = Recorded::with("losant", &[], "[ledger]\nenabled = false\n");
    off.run(&["create", "--name=ci"]).ends_with(0);
    assert!(!off.ledger().exists());
    off.run(&["operations"]).ends_with(2);

    // A ledger that is locked for longer than a write waits, or that has no room.
    let full = Recorded::new("losant");
    full.run(&["create", "--name=first"]).ends_with(0);
    let before = full.requests();
    let limited = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
        .arg(full.home.program(&[]).get_program())
        .args(full.words(&["create", "--name=second"]))
        .envs(full.environment())
        .env("HOME", full.home.path())
        .env_remove("XDG_STATE_HOME")
        .current_dir(full.home.work())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(limited.stderr).unwrap();
    assert!(stderr.contains("ledger"), "{stderr}");
    assert_eq!(full.requests(), before, "{stderr}");
}

#[test]
fn of_several_tokens_that_look_alike_none_is_revoked() {
    let recorded = Recorded::new("losant");
    let before = recorded.alive().len();
    for _ in 0..2 {
        recorded.kill_in_flight(&["create", "--name=ci"]);
    }
    let open = recorded.open();
    assert_eq!(open.len(), 2);
    let id = open[0]["operation"].as_str().unwrap();
    let run = recorded.resume(&[id, "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(" look like it"), "{detail}");
    assert_eq!(recorded.alive().len(), before + 2);
}

#[test]
fn a_change_that_the_audit_log_refuses_is_not_open() {
    let recorded = Recorded::with("losant", &[], "[audit]\nfile = '/proc/audit.jsonl'\n");
    let requests = recorded.requests();
    recorded.run(&["create", "--name=ci"]).ends_with(2);
    assert_eq!(recorded.requests(), requests);
    assert!(recorded.ledger().exists());
    assert!(recorded.open().is_empty());
}

#[test]
fn what_another_process_is_still_doing_is_left_alone() {
    let recorded = Recorded::new("losant");
    let before = recorded.alive().len();
    let requests = recorded.requests();
    recorded.inject_fault("POST", &json!({"delay_answer": 60_000}));
    let mut child = recorded
        .home
        .program(&recorded.words(&["create", "--exactly-once", "--name=ci"]))
        .envs(recorded.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    recorded.wait_for_post(requests);
    let run = recorded.resume(&["--all", "--yes"]).ends_with(7);
    let detail = run.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("still running"), "{detail}");
    assert_eq!(recorded.alive().len(), before + 1);
    child.kill().unwrap();
    child.wait().unwrap();
    recorded.clear_faults();
    recorded.resume(&["--all", "--yes"]).ends_with(0);
    assert_eq!(recorded.alive().len(), before);
}

#[test]
fn a_token_that_is_expired_at_once_is_said_to_be_a_matter_of_clocks() {
    let rotating = Rotating::with("losant", &["--tokens=0"], "");
    let ahead = json!({"advance": "25h"}).to_string();
    rotating.control("PUT", "/clock", &ahead);
    let to = rotating.to("new");
    let create = [
        "create",
        "--name=ci",
        "--expires-in=1h",
        "--scope=all.User",
        &to,
    ];
    let run = rotating.run(&create).ends_with(0);
    assert!(run.stderr.contains("is expired already"), "{run:?}");
    assert!(run.stderr.contains("the clock of this machine"), "{run:?}");
    assert!(!run.stderr.contains("another state"), "{run:?}");
}

#[test]
fn a_dead_secret_is_said_to_be_one_that_was_revoked_when_and_why() {
    let rotating = Rotating::with("losant", &["--tokens=0"], "");
    let id = rotating.insert("ci");
    let secret = rotating.secret_of(&id);
    rotating
        .run(&["revoke", &id, "--yes", "--reason=INC-3"])
        .ends_with(0);
    let words = ["locate", "--secret-env=LEAK", "--output=json"];
    let run = rotating.run_with(&[("LEAK", &secret)], &words);
    let found = run.json();
    let reason = found["accounts"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("tokenfleet revoked at 20"), "{reason}");
    assert!(
        reason.contains(&id) && reason.ends_with("INC-3"),
        "{reason}"
    );
}

#[test]
fn doctor_names_what_a_killed_write_left_beside_a_file() {
    let rotating = Rotating::covered("losant", 1);
    let doctor = || {
        rotating
            .run(&["doctor", "--output=table"])
            .ends_with(0)
            .stdout
    };
    let left = rotating.file(".ci-0.a1B2c3.partial");
    std::fs::write(&left, "a secret").unwrap();
    let name = left.to_str().unwrap();
    assert!(!doctor().contains(name), "it may be under way");
    let file = std::fs::File::options().write(true).open(&left).unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(long_ago).unwrap();
    // Sentences are broken between words.
    assert!(doctor().contains(name), "{}", doctor());
    std::fs::rename(&left, rotating.file(".other.a1B2c3.partial")).unwrap();
    assert!(!doctor().contains(".partial"));
    // That of an operation is nobody's after the next delivery, and no other one is touched.
    let operation = "0123456789abcdef0123456789abcdef";
    let delivery = rotating.file(&format!(".ci-0.a1B2c3.{operation}.partial"));
    let kept = rotating.file(".ci-0.a1B2c4.partial");
    std::fs::rename(rotating.file(".other.a1B2c3.partial"), &delivery).unwrap();
    std::fs::write(&kept, "a secret of somebody").unwrap();
    assert!(doctor().contains(operation), "{}", doctor());
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert!(!delivery.exists() && kept.exists());
}

#[test]
fn a_token_that_a_later_change_has_revoked_is_not_called_active() {
    let recorded = Recorded::new("losant");
    create_undelivered(&recorded);
    let open = recorded.open();
    let (id, token) = (&open[0]["operation"], &open[0]["tokens"][0]);
    let (id, token) = (id.as_str().unwrap(), token.as_str().unwrap());
    let shown = || {
        let run = recorded.run(&["operations", "show", id, "--output=ndjson"]);
        let mut writes = lines(&run.ends_with(0)).into_iter();
        writes.find(|write| write["action"] == "create").unwrap()
    };
    assert_eq!(shown()["state"], "active_without_owner");
    recorded.run(&["revoke", token, "--yes"]).ends_with(0);
    let created = shown();
    assert_eq!(created["state"], "taken_back", "{created}");
    let why = created["why"].as_str().unwrap();
    assert!(
        why.contains("was revoked at ") && why.contains("by the operation "),
        "{why}"
    );
    for write in recorded.open() {
        assert_ne!(write["state"], "active_without_owner", "{write}");
    }
}
