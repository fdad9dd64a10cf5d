//! `tokenfleet locate`: whose token a found secret is, and its revocation.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::account::Account;
use support::{Run, program, temporary_file, tokenfleet_with_env};
#[cfg(unix)]
use tokenfleet_tests::{Terminal, TerminalRun};

/// The text of a token of no platform here: no JWT, and with a character that only JWTs have.
const NOBODYS: &str = "ghp_16C7e42F.292c6912E7710c838347Ae178B4a";

/// Several accounts in one configuration, each on a simulated platform of its own.
struct Accounts {
    accounts: Vec<(&'static str, Account)>,
    text: String,
    variables: Vec<(String, String)>,
}

impl Accounts {
    /// Starts these accounts: name, provider and options.
    fn start(accounts: &[(&'static str, &str, &[&str])]) -> Self {
        let mut all = Self {
            accounts: Vec::new(),
            text: String::new(),
            variables: Vec::new(),
        };
        for (name, provider, options) in accounts {
            let account = Account::with_options(provider, options);
            let text = fs::read_to_string(&account.path).unwrap();
            let text = text.replace("[accounts.mine]", &format!("[accounts.{name}]"));
            all.text += &text.replace("MINE_", &format!("{name}_"));
            for (variable, value) in &account.variables {
                let variable = variable.replace("MINE_", &format!("{name}_"));
                all.variables.push((variable, value.clone()));
            }
            all.accounts.push((name, account));
        }
        all
    }

    /// Starts one account on each platform.
    fn on_every_platform() -> Self {
        Self::start(&[
            ("iot", "losant", &[]),
            ("infra", "foreman", &[]),
            ("packages", "cloudsmith", &[]),
            ("studio", "mindbody", &[]),
        ])
    }

    fn account(&self, name: &str) -> &Account {
        let mut accounts = self.accounts.iter();
        &accounts.find(|(other, _)| *other == name).unwrap().1
    }

    /// Replaces the credential of an account.
    fn set(&mut self, variable: &str, secret: &str) {
        let mut variables = self.variables.iter_mut();
        let (_, value) = variables.find(|(name, _)| name == variable).unwrap();
        secret.clone_into(value);
    }

    fn run(&self, secret: &str, words: &[&str]) -> Run {
        let own = self.variables.iter();
        let mut variables: Vec<_> = own.map(|(name, value)| (&**name, &**value)).collect();
        variables.push(("SECRET", secret));
        let path = temporary_file(&self.text);
        tokenfleet_with_env(&variables, &[words, &["--config", &path]].concat())
    }

    /// Runs `locate`, and asserts that it hides the secret.
    #[track_caller]
    fn locate(&self, secret: &str, words: &[&str], code: i32) -> Run {
        let words = [&["locate", "--secret-env=SECRET"], words].concat();
        let run = self.run(secret, &words).ends_with(code);
        // A prefix gives a secret away as well.
        run.hiding(&[secret, &secret[..secret.len() / 2]])
    }

    /// Runs `locate` on a terminal, and types these answers to these questions.
    #[cfg(unix)]
    fn locate_on_terminal(
        &self,
        secret: &str,
        words: &[&str],
        answers: &[(&str, &str)],
    ) -> TerminalRun {
        let own = self.variables.iter();
        let mut variables: Vec<_> = own.map(|(name, value)| (&**name, &**value)).collect();
        variables.push(("SECRET", secret));
        variables.push(("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR")));
        let path = temporary_file(&self.text);
        let words = [&["locate", "--config", &path], words].concat();
        let terminal = answers
            .iter()
            .fold(Terminal::new(250), |terminal, (question, answer)| {
                terminal.with_answer(question, answer)
            });
        terminal.run(env!("CARGO_BIN_EXE_tokenfleet"), words, variables)
    }

    /// Returns the tokens that exist at an account's platform and work.
    fn tokens(&self, name: &str) -> Vec<(String, String)> {
        let found = self.account(name).control("GET", "/tokens", "");
        let tokens = found["tokens"].as_array().unwrap().iter();
        let active = tokens.filter(|token| token["state"] == "active");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        active
            .map(|token| (text(&token["id"]), text(&token["secret"])))
            .collect()
    }

    fn insert(&self, name: &str, token: &str) -> (String, String) {
        let body = json!({ "name": token }).to_string();
        let inserted = self.account(name).control("POST", "/tokens", &body);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&inserted["id"]), text(&inserted["secret"]))
    }

    fn accepts(&self, name: &str, secret: &str) -> bool {
        let body = json!({ "secret": secret }).to_string();
        let answer = self.account(name).control("POST", "/accepts", &body);
        answer["accepts"].as_bool().unwrap()
    }

    /// Returns the statuses of all requests that an account's platform got.
    fn statuses(&self, name: &str) -> Vec<u64> {
        let log = self.account(name).control("GET", "/log", "");
        let entries = log["entries"].as_array().unwrap().iter();
        entries
            .map(|entry| entry["status"].as_u64().unwrap_or_default())
            .collect()
    }
}

/// Sends a request that authenticates with a token at Foreman.
fn use_foreman_token(account: &Account, secret: &str) {
    let url = account.simulate.servers[0]["url"].as_str().unwrap();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let login = base64(format!("admin:{secret}").as_bytes());
    write!(
        stream,
        "GET /api/users/4/personal_access_tokens?per_page=1 HTTP/1.1\r\nhost: {address}\r\n\
         authorization: Basic {login}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

/// Encodes bytes in base64, without padding, which Foreman does not need.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, index| {
            bits << 8 | usize::from(chunk.get(index).copied().unwrap_or_default())
        });
        for letter in 0..=chunk.len() {
            encoded.push(char::from(ALPHABET[(bits >> (18 - 6 * letter)) & 63]));
        }
    }
    encoded
}

/// Returns what is said about an account.
fn of<'a>(whole: &'a Value, name: &str) -> &'a Value {
    let mut accounts = whole["accounts"].as_array().unwrap().iter();
    accounts
        .find(|account| account["account"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {whole}"))
}

#[test]
fn a_losant_token_is_found_by_its_id_and_nobody_else_is_asked() {
    let accounts = Accounts::on_every_platform();
    let (id, secret) = accounts.insert("iot", "leaked");
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(
        whole["shape"],
        json!({"losant": "recognized", "foreman": "impossible", "cloudsmith": "possible",
               "mindbody": "possible"})
    );
    assert_eq!(of(&whole, "iot")["liveness"], "alive");
    assert_eq!(of(&whole, "iot")["token"]["id"], id);
    assert_eq!(of(&whole, "iot")["own_credential"], false);
    for (name, reason) in [
        ("infra", "no token of foreman looks like this"),
        ("packages", "iot (losant) accepts it"),
        ("studio", "iot (losant) accepts it"),
    ] {
        assert_eq!(of(&whole, name)["liveness"], "not_asked");
        assert_eq!(of(&whole, name)["reason"], reason);
        assert_eq!(accounts.statuses(name), [] as [u64; 0], "{name}");
    }
    assert_eq!(whole["revocation"], Value::Null);
    assert_eq!(whole["plan"], Value::Null);
    assert!(accounts.accepts("iot", &secret), "locating changes nothing");
}

#[test]
fn a_losant_token_is_revoked_and_what_it_created_is_named() {
    let mut accounts = Accounts::start(&[("iot", "losant", &[])]);
    let others = accounts.tokens("iot").len();
    let (id, secret) = accounts.insert("iot", "leaked");
    let owner = accounts.variables[0].1.clone();
    accounts.set("iot_TOKEN", &secret);
    let created = accounts.run("", &["create", "--name=child"]).ends_with(0);
    let child = created.json()["id"].as_str().unwrap().to_owned();
    accounts.set("iot_TOKEN", &owner);
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 0).json();
    let revocation = &whole["revocation"];
    assert_eq!(revocation["id"], id);
    assert_eq!(revocation["outcome"], "revoked");
    assert_eq!(revocation["effect"], "deleted");
    assert_eq!(revocation["liveness"], "dead");
    let remains = whole["remains"].as_array().unwrap();
    assert_eq!(remains.len(), 1, "{whole}");
    assert!(remains[0].as_str().unwrap().contains(&child), "{whole}");
    assert!(!accounts.accepts("iot", &secret));
    let alive = accounts.tokens("iot").len();
    assert_eq!(alive, others + 1, "the others and the child");
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 4).json();
    assert_eq!(of(&whole, "iot")["liveness"], "dead");
    assert_eq!(whole["revocation"], Value::Null);
}

#[test]
fn a_token_of_an_application_is_not_claimed_by_the_account_of_a_user() {
    let mut accounts = Accounts::start(&[("user", "losant", &["--option=collection=application"])]);
    let application = accounts
        .text
        .replace("[accounts.user]", "[accounts.application]");
    accounts.text += &application;
    accounts.text += "resource = { application = '575ec8687ae143cd83dc4a97' }\n";
    let (id, secret) = accounts.insert("user", "leaked");
    let whole = accounts.locate(&secret, &[], 0).json();
    let user = of(&whole, "user");
    assert_eq!(user["liveness"], "alive");
    assert_eq!(user["token"], Value::Null);
    assert!(
        user["reason"].as_str().unwrap().contains("another owner's"),
        "{user}"
    );
    assert_eq!(of(&whole, "application")["token"]["id"], id);
    // Without that account, nobody knows whose it is, and nothing is revoked.
    let words = ["--account=user", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &words, 7).json();
    assert_eq!(whole["revocation"], Value::Null);
    assert_eq!(whole["plan"], Value::Null);
    assert!(accounts.accepts("user", &secret));
}

#[test]
fn a_foreman_token_is_found_by_its_last_use_and_revoked_for_one_failed_login() {
    let accounts = Accounts::on_every_platform();
    let (id, secret) = accounts.insert("infra", "leaked");
    let others = accounts.tokens("infra").len() - 1;
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 0).json();
    assert_eq!(of(&whole, "infra")["token"]["id"], id);
    assert_eq!(of(&whole, "infra")["token"]["name"], "leaked");
    let revocation = &whole["revocation"];
    assert_eq!(revocation["account"], "infra");
    assert_eq!(revocation["effect"], "marked");
    assert_eq!(revocation["liveness"], "dead");
    assert!(whole["remains"].to_string().contains("sessions"), "{whole}");
    assert!(!accounts.accepts("infra", &secret));
    assert_eq!(accounts.tokens("infra").len(), others);
    let refused = accounts.statuses("infra").into_iter();
    assert_eq!(refused.filter(|status| *status == 401).count(), 1);
    for name in ["iot", "packages", "studio"] {
        assert_eq!(accounts.statuses(name), [] as [u64; 0], "{name}");
    }
}

#[test]
fn a_dead_foreman_token_costs_one_failed_login_and_the_report_says_so() {
    let mut accounts = Accounts::start(&[("infra", "foreman", &[])]);
    // The same tokens under another name are not asked for again.
    let again = accounts
        .text
        .replace("[accounts.infra]", "[accounts.again]");
    accounts.text += &again;
    let secret = "fCOJb4kIJ9SYtRh4nvxTVg";
    let whole = accounts.locate(secret, &[], 4).json();
    assert_eq!(of(&whole, "infra")["liveness"], "dead");
    let reason = of(&whole, "infra")["reason"].as_str().unwrap();
    assert!(reason.contains("one failed login"), "{reason}");
    assert_eq!(of(&whole, "again")["liveness"], "dead");
    let refused = accounts.statuses("infra").into_iter();
    assert_eq!(refused.filter(|status| *status == 401).count(), 1);
}

#[test]
fn a_foreman_token_is_told_from_the_one_that_the_account_uses() {
    let mut accounts = Accounts::start(&[("infra", "foreman", &[])]);
    let (own_id, own) = accounts.insert("infra", "acting");
    let (id, secret) = accounts.insert("infra", "leaked");
    accounts.set("infra_TOKEN", &own);
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(of(&whole, "infra")["token"]["id"], id);
    assert_eq!(of(&whole, "infra")["own_credential"], false);
    let whole = accounts.locate(&own, &[], 0).json();
    assert_eq!(of(&whole, "infra")["token"]["id"], own_id);
    assert_eq!(of(&whole, "infra")["own_credential"], true);
    assert!(
        whole["remains"].to_string().contains("another credential"),
        "{whole}"
    );
}

#[test]
fn two_foreman_tokens_in_use_make_a_plan_and_never_a_guess() {
    let accounts = Accounts::start(&[("infra", "foreman", &[])]);
    let (id, secret) = accounts.insert("infra", "leaked");
    let (busy_id, busy) = accounts.insert("infra", "busy");
    let ends = AtomicBool::new(false);
    let whole = thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                use_foreman_token(accounts.account("infra"), &busy);
                thread::sleep(Duration::from_millis(100));
            }
        });
        let words = ["locate", "--secret-env=SECRET", "--revoke", "--yes"];
        let run = accounts.run(&secret, &words);
        ends.store(true, Ordering::Relaxed);
        run.ends_with(7).hiding(&[&secret]).json()
    });
    let infra = of(&whole, "infra");
    assert_eq!(infra["liveness"], "alive");
    assert_eq!(infra["token"], Value::Null);
    assert!(
        infra["reason"].as_str().unwrap().contains("several tokens"),
        "{infra}"
    );
    let plan = whole["plan"].as_str().unwrap();
    let revoked = plan.lines().filter(|line| line.starts_with("revoke "));
    let revoked: Vec<_> = revoked
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(revoked, [&*id, &*busy_id], "{plan}");
    assert!(accounts.accepts("infra", &secret) && accounts.accepts("infra", &busy));
    // The plan is one that `revoke --plan` takes, once somebody has deleted a line.
    let reviewed = plan
        .lines()
        .filter(|line| !line.starts_with(&format!("revoke {busy_id}")));
    let reviewed = temporary_file(&reviewed.collect::<Vec<_>>().join("\n"));
    accounts
        .run("", &["revoke", "--plan", &reviewed, "--yes"])
        .ends_with(0);
    assert!(!accounts.accepts("infra", &secret) && accounts.accepts("infra", &busy));
}

#[test]
fn a_use_that_foreman_shows_late_makes_a_plan_of_all_tokens() {
    let accounts = Accounts::start(&[("infra", "foreman", &[])]);
    let (id, secret) = accounts.insert("infra", "leaked");
    let (other, _) = accounts.insert("infra", "other");
    // No time passes there, so no use is seen after the first one.
    let frozen = json!({"frozen": true}).to_string();
    accounts.account("infra").control("PUT", "/clock", &frozen);
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 7).json();
    let infra = of(&whole, "infra");
    assert_eq!(infra["token"], Value::Null);
    assert!(
        infra["reason"].as_str().unwrap().contains("late"),
        "{infra}"
    );
    let plan = whole["plan"].as_str().unwrap();
    for id in [id, other] {
        assert!(plan.contains(&format!("revoke {id}")), "{plan}");
    }
    assert!(accounts.accepts("infra", &secret));
}

#[test]
fn a_cloudsmith_key_is_found_by_its_user_and_replaced_with_consent() {
    let accounts = Accounts::start(&[
        ("infra", "foreman", &[]),
        ("packages", "cloudsmith", &[]),
        ("other", "cloudsmith", &["--seed=7"]),
    ]);
    let (id, secret) = accounts.tokens("packages").remove(0);
    let named = ["--account=packages", "--account=other", "--account=infra"];
    let whole = accounts.locate(&secret, &named, 0).json();
    assert_eq!(of(&whole, "packages")["token"]["id"], id);
    assert_eq!(of(&whole, "packages")["own_credential"], false);
    assert_eq!(of(&whole, "other")["liveness"], "not_asked");
    assert_eq!(accounts.statuses("infra"), [] as [u64; 0]);
    let words = [&named[..], &["--revoke", "--yes", "--output=json"]].concat();
    let run = accounts.locate(&secret, &words, 2);
    assert!(run.stderr.contains("--accept-replacement"), "{run:?}");
    assert_eq!(of(&run.json(), "packages")["token"]["id"], id);
    assert!(accounts.accepts("packages", &secret));
    let words = [&named[..], &["--revoke", "--yes", "--accept-replacement"]].concat();
    let whole = accounts.locate(&secret, &words, 0).json();
    assert_eq!(whole["revocation"]["effect"], "replaced");
    assert_eq!(whole["revocation"]["liveness"], "dead");
    let replacement = whole["revocation"]["replacement"]["secret"]
        .as_str()
        .unwrap();
    assert!(!accounts.accepts("packages", &secret));
    assert!(accounts.accepts("packages", replacement));
}

#[test]
fn the_key_that_an_account_acts_with_is_named_as_such() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &["--option=credential=own"])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(of(&whole, "packages")["own_credential"], true);
    for (format, code) in [("table", 0), ("csv", 0), ("ndjson", 0)] {
        let run = accounts.locate(&secret, &["--output", format], code);
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert!(
            shown.contains("give the account another credential"),
            "{shown}"
        );
    }
    let words = ["--revoke", "--yes", "--accept-replacement", "--output=csv"];
    let run = accounts.locate(&secret, &words, 0);
    let replacement = run.stdout.trim().rsplit(',').next().unwrap();
    assert!(accounts.accepts("packages", replacement), "{run:?}");
}

#[test]
fn a_mindbody_token_cannot_be_verified_and_is_revoked_by_its_secret() {
    let accounts = Accounts::on_every_platform();
    let (_, secret) = accounts.insert("studio", "leaked");
    // Nobody sees from the secret that it is one of Mindbody's.
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 6).json();
    assert_eq!(of(&whole, "studio")["liveness"], "not_asked");
    assert_eq!(whole["revocation"], Value::Null);
    assert!(accounts.accepts("studio", &secret));
    let named = ["iot", "infra", "packages", "studio"].map(|name| format!("--account={name}"));
    let named: Vec<_> = named.iter().map(String::as_str).collect();
    let whole = accounts.locate(&secret, &named, 7).json();
    assert_eq!(of(&whole, "studio")["liveness"], "unknown");
    assert_eq!(of(&whole, "packages")["liveness"], "dead");
    assert_eq!(accounts.statuses("studio"), [] as [u64; 0]);
    assert_eq!(accounts.statuses("iot"), [] as [u64; 0]);
    assert_eq!(accounts.statuses("infra"), [] as [u64; 0]);
    let revoke = ["--account=studio", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &revoke, 0).json();
    assert_eq!(whole["revocation"]["account"], "studio");
    assert_eq!(whole["revocation"]["outcome"], "revoked");
    assert!(!accounts.accepts("studio", &secret));
    // Mindbody cannot tell a dead token from a wrong one.
    let run = accounts.locate(&secret, &revoke, 7);
    assert_eq!(run.json()["revocation"]["outcome"], "unknown");
}

#[test]
fn nothing_is_sent_where_no_token_looks_so_unless_every_account_is_tried() {
    let accounts = Accounts::start(&[("iot", "losant", &[]), ("infra", "foreman", &[])]);
    let whole = accounts.locate(NOBODYS, &[], 4).json();
    for name in ["iot", "infra"] {
        assert_eq!(of(&whole, name)["liveness"], "not_asked");
        assert_eq!(accounts.statuses(name), [] as [u64; 0]);
    }
    let whole = accounts.locate(NOBODYS, &["--try-all"], 4).json();
    for name in ["iot", "infra"] {
        assert_eq!(of(&whole, name)["liveness"], "dead");
        assert!(!accounts.statuses(name).is_empty());
    }
}

#[test]
fn an_account_that_cannot_be_asked_leaves_the_answer_incomplete() {
    let mut accounts = Accounts::start(&[("iot", "losant", &[])]);
    let dead = Accounts::start(&[("iot", "losant", &["--seed=9"])]);
    let (_, foreign) = dead.insert("iot", "elsewhere");
    let (id, secret) = accounts.insert("iot", "leaked");
    accounts.text += "[accounts.gone]\nprovider = 'losant'\nbase_url = 'http://127.0.0.1:9'\n\
                      token = { env = 'iot_TOKEN' }\nattempts = 1\n";
    let whole = accounts.locate(&foreign, &[], 6).json();
    assert_eq!(of(&whole, "iot")["liveness"], "dead");
    assert_eq!(of(&whole, "gone")["liveness"], "failed");
    assert_eq!(
        whole["remains"],
        json!(["gone (losant) could not be asked"])
    );
    // Once its token is known, nobody else need be asked.
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(of(&whole, "iot")["token"]["id"], id);
    assert_eq!(of(&whole, "gone")["liveness"], "not_asked");
}

#[test]
fn a_revocation_that_leaves_the_secret_alive_or_undecided_is_no_success() {
    let accounts = Accounts::start(&[("iot", "losant", &[])]);
    for (status, code, liveness) in [(200, 1, "alive"), (503, 7, "failed")] {
        let (_, secret) = accounts.insert("iot", "leaked");
        // The platform says that it deleted the token, and did not.
        let believed = json!({"answer": {"status": 200,
            "headers": {"content-type": "application/json"}, "body": "{\"success\":true}"}});
        accounts.account("iot").inject_fault("DELETE", &believed);
        if status != 200 {
            let path = "/me/tokens";
            let fault = json!({"method": "GET", "path": path, "after": 4, "times": null,
                "actions": [{"answer": {"status": status, "headers": {}, "body": ""}}]});
            (accounts.account("iot")).control("POST", "/faults", &fault.to_string());
        }
        let whole = accounts
            .locate(&secret, &["--revoke", "--yes"], code)
            .json();
        assert_eq!(whole["revocation"]["liveness"], liveness, "{whole}");
        accounts.account("iot").control("DELETE", "/faults", "");
    }
}

#[test]
fn what_is_wrong_with_the_command_is_said_before_anything_is_sent() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    for (secret, words, expected) in [
        (&*secret, &["--revoke"][..], "confirm with --yes"),
        (&secret, &["--yes"], "--revoke"),
        (&secret, &["--secret-file=x"], "cannot be used with"),
        ("Bearer abcdefgh", &[], "begins with \"Bearer\""),
        ("****************", &[], "is a mask"),
    ] {
        let run = accounts.locate(secret, words, 2);
        assert!(run.stderr.contains(expected), "{run:?}");
    }
    let run = accounts.run("", &["locate"]).ends_with(2);
    assert!(run.stderr.contains("--secret-file"), "{run:?}");
    assert_eq!(accounts.statuses("packages"), [] as [u64; 0]);
}

#[test]
fn a_secret_is_taken_from_a_pipe() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[])]);
    let (id, secret) = accounts.tokens("packages").remove(0);
    let path = temporary_file(&accounts.text);
    let mut program = program(&[])
        .args(["locate", "--account=packages", "--config", &path])
        .envs(accounts.variables.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = program.stdin.take().unwrap();
    writeln!(pipe, "{secret}").unwrap();
    drop(pipe);
    let output = program.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(of(&whole, "packages")["token"]["id"], id);
}

/// Two platforms with the same tokens, which the clock of neither tells apart.
fn twins(provider: &str) -> Accounts {
    let clock = "--option=clock=2026-11-01T12:00:00Z";
    Accounts::start(&[
        ("first", provider, &[clock]),
        ("second", provider, &[clock]),
    ])
}

/// Inserts the same token on both platforms, and returns its secret.
fn insert_twins(accounts: &Accounts) -> String {
    let (_, secret) = accounts.insert("first", "leaked");
    let (_, twin) = accounts.insert("second", "leaked");
    assert_eq!(secret, twin);
    secret
}

#[test]
fn a_secret_that_two_platforms_accept_is_revoked_on_both() {
    let accounts = twins("losant");
    let secret = insert_twins(&accounts);
    let words = ["--try-all", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &words, 0).json();
    for name in ["first", "second"] {
        assert!(!accounts.accepts(name, &secret), "{name}: {whole}");
    }
    let others = whole["other_revocations"].as_array().unwrap();
    assert_eq!(others.len(), 1, "{whole}");
    for (revocation, name) in [(&whole["revocation"], "first"), (&others[0], "second")] {
        assert_eq!(revocation["account"], name);
        assert_eq!(revocation["liveness"], "dead");
    }
    assert_eq!(whole["remains"], json!([]));
    // Both stand in the other formats too.
    for format in ["csv", "table"] {
        let secret = insert_twins(&accounts);
        let words = [&words[..], &["--output", format]].concat();
        let run = accounts.locate(&secret, &words, 0);
        let outcomes = run.stdout.lines().filter(|line| {
            line.contains(",revoked,deleted") || line.contains(": revoked (deleted); ")
        });
        assert_eq!(outcomes.count(), 2, "{run:?}");
    }
}

#[test]
fn a_secret_that_lives_on_elsewhere_is_no_success() {
    let accounts = twins("losant");
    let words = ["--try-all", "--revoke", "--yes"];
    // The second account accepts it and shows no token that has it.
    let secret = insert_twins(&accounts);
    let hidden = json!({"method": "GET", "path": "/me/tokens/", "times": null,
        "actions": [{"answer": {"status": 404, "headers": {}, "body": "{}"}}]});
    (accounts.account("second")).control("POST", "/faults", &hidden.to_string());
    let whole = accounts.locate(&secret, &words, 1).json();
    assert!(!accounts.accepts("first", &secret));
    assert!(accounts.accepts("second", &secret));
    assert_eq!(whole["revocation"]["account"], "first");
    let remains = whole["remains"].to_string();
    assert!(
        remains.contains("second (losant) still accepts it"),
        "{whole}"
    );
    accounts.account("second").control("DELETE", "/faults", "");

    // The second platform refuses to revoke it.
    let secret = insert_twins(&accounts);
    let refused = json!({"answer": {"status": 403, "body": "{}"}});
    accounts.account("second").inject_fault("DELETE", &refused);
    let whole = accounts.locate(&secret, &words, 3).json();
    assert_eq!(whole["revocation"]["outcome"], "revoked");
    assert_eq!(whole["other_revocations"][0]["outcome"], "failed");
    let remains = whole["remains"].to_string();
    assert!(
        remains.contains("second (losant) still accepts it"),
        "{whole}"
    );
}

#[test]
fn a_token_that_two_accounts_share_is_revoked_once() {
    let mut accounts = Accounts::start(&[("iot", "losant", &[])]);
    let again = accounts.text.replace("[accounts.iot]", "[accounts.again]");
    accounts.text += &again;
    let (_, secret) = accounts.insert("iot", "leaked");
    let words = ["--try-all", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &words, 0).json();
    assert_eq!(whole["revocation"]["account"], "iot");
    assert_eq!(whole["other_revocations"], json!([]));
    assert_eq!(whole["remains"], json!([]));
}

#[test]
fn a_new_secret_goes_to_its_place_and_has_one_before_anything_is_sent() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    let path = format!("{}-new", temporary_file(""));
    let to = format!("--to=file:{path}");
    let words = [
        "--account=packages",
        "--revoke",
        "--yes",
        "--accept-replacement",
        &to,
    ];
    for format in ["json", "csv", "table", "ndjson"] {
        let (_, secret) = accounts.tokens("packages").remove(0);
        let words = [&words[..], &["--output", format]].concat();
        let run = accounts.locate(&secret, &words, 0);
        let replacement = fs::read_to_string(&path).unwrap();
        let run = run.hiding(&[&replacement]);
        assert!(run.stdout.contains(&path), "{run:?}");
        assert!(accounts.accepts("packages", &replacement));
        if format == "json" {
            let object = &run.json()["revocation"]["replacement"];
            assert_eq!(object["secret_to"], format!("file:{path}"), "{object}");
            let run = accounts.locate(&replacement, &words, 2);
            assert!(run.stderr.contains("it exists already"), "{run:?}");
            assert!(accounts.accepts("packages", &replacement));
        }
        fs::remove_file(&path).unwrap();
    }
    let requests = accounts.statuses("packages").len();
    let (_, current) = accounts.tokens("packages").remove(0);
    for (words, problem) in [
        (&[&*to][..], "--revoke"),
        (&["--show-secret"], "--revoke"),
        (
            &[
                "--revoke",
                "--yes",
                "--accept-replacement",
                "--to=file:/no/such/place",
            ],
            "cannot write",
        ),
    ] {
        let run = accounts.locate(&current, words, 2);
        assert!(run.stderr.contains(problem), "{run:?}");
    }
    assert_eq!(accounts.statuses("packages").len(), requests);
    assert!(!accounts.accepts("packages", &secret));
    let others = Accounts::start(&[("iot", "losant", &[])]);
    let (_, secret) = others.insert("iot", "leaked");
    let run = others.locate(&secret, &["--revoke", "--yes", &to], 2);
    assert!(run.stderr.contains("issues no new secret"), "{run:?}");
    assert_eq!(others.statuses("iot"), [] as [u64; 0]);
}

#[cfg(unix)]
#[test]
fn a_new_secret_is_not_shown_on_a_terminal_unasked() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    let words = [
        "--secret-env=SECRET",
        "--account=packages",
        "--revoke",
        "--yes",
        "--accept-replacement",
    ];
    let run = accounts.locate_on_terminal(&secret, &words, &[]);
    assert_eq!(run.code, Some(2), "{}", run.text());
    assert!(run.raw.contains("--show-secret"), "{}", run.text());
    assert_eq!(accounts.statuses("packages"), [] as [u64; 0]);
    let words = [&words[..], &["--show-secret"]].concat();
    let run = accounts.locate_on_terminal(&secret, &words, &[]);
    assert_eq!(run.code, Some(0), "{}", run.text());
    let (_, replacement) = accounts.tokens("packages").remove(0);
    assert!(run.raw.contains(&replacement), "{}", run.text());
}

#[test]
fn the_own_credential_is_recognized_in_a_file_with_a_line_break() {
    let mut accounts = Accounts::start(&[("packages", "cloudsmith", &["--option=credential=own"])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    let path = temporary_file(&format!("{secret}\n"));
    let file = format!("{{ file = '{path}' }}");
    accounts.text = (accounts.text).replace("{ env = 'packages_API_KEY' }", &file);
    assert!(accounts.text.contains(&file), "{}", accounts.text);
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(of(&whole, "packages")["own_credential"], true, "{whole}");
}

#[cfg(unix)]
#[test]
fn a_question_is_answered_after_it_is_asked_and_names_the_own_credential() {
    let mut accounts = Accounts::start(&[("infra", "foreman", &[])]);
    let (_, own) = accounts.insert("infra", "acting");
    accounts.set("infra_TOKEN", &own);
    let path = temporary_file(&own);
    let words = ["--secret-file", &path, "--revoke"];
    // The file is readable by others, which is noticed first.
    let answers = [("other users can read", "y"), ("[y/N]", "n")];
    let run = accounts.locate_on_terminal("", &words, &answers);
    assert_eq!(run.code, Some(2), "{}", run.text());
    assert!(run.raw.contains("not confirmed"), "{}", run.text());
    assert!(accounts.accepts("infra", &own));
    let question = run.raw.split("[y/N]").next().unwrap();
    assert!(
        question.contains("infra (foreman) authenticates with this token"),
        "{}",
        run.text()
    );
}

#[cfg(unix)]
#[test]
fn a_secret_on_standard_input_leaves_the_terminal_for_the_answer() {
    let accounts = Accounts::start(&[("iot", "losant", &[])]);
    let (_, secret) = accounts.insert("iot", "leaked");
    let own = accounts.variables.iter();
    let mut variables: Vec<_> = own.map(|(name, value)| (&**name, &**value)).collect();
    variables.push(("SECRET", &secret));
    variables.push(("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR")));
    let path = temporary_file(&accounts.text);
    let program = env!("CARGO_BIN_EXE_tokenfleet");
    let script = format!("printf %s \"$SECRET\" | '{program}' locate --revoke --config '{path}'");
    for (answer, is_alive) in [("n", true), ("y", false)] {
        let terminal = Terminal::new(250).with_answer("[y/N]", answer);
        let run = terminal.run("sh", ["-c", &*script], variables.iter().copied());
        assert_eq!(
            run.code,
            Some(if is_alive { 2 } else { 0 }),
            "{}",
            run.text()
        );
        assert_eq!(accounts.accepts("iot", &secret), is_alive, "{}", run.text());
    }
    // The null device has no answer, and says that nobody is to be asked.
    let script = format!("'{program}' operations resume --all --config '{path}' < /dev/null");
    let run = Terminal::new(250).run("sh", ["-c", &*script], variables);
    assert_eq!(run.code, Some(2), "{}", run.text());
    assert!(run.raw.contains("confirm with --yes"), "{}", run.text());
}

#[test]
fn a_platform_whose_tokens_look_so_is_asked_before_one_whose_may_look_like_anything() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[]), ("iot", "losant", &[])]);
    // A session, which is a JWT without the id of a token.
    let mut variables = accounts.variables.iter();
    let (_, session) = variables.find(|(name, _)| name == "iot_TOKEN").unwrap();
    let whole = accounts.locate(session, &[], 7).json();
    assert_eq!(
        whole["shape"],
        json!({"losant": "possible", "cloudsmith": "possible"})
    );
    assert_eq!(of(&whole, "iot")["liveness"], "alive");
    let packages = of(&whole, "packages");
    assert_eq!(packages["liveness"], "not_asked");
    assert_eq!(packages["reason"], "iot (losant) accepts it");
    assert_eq!(accounts.statuses("packages"), [] as [u64; 0]);
}

#[test]
fn every_account_with_suspects_has_its_section_of_the_plan() {
    let accounts = twins("foreman");
    let secret = insert_twins(&accounts);
    let words = ["--try-all", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &words, 7).json();
    let plan = whole["plan"].as_str().unwrap();
    let reviewed = temporary_file(plan);
    let words = ["revoke", "--plan", &reviewed, "--yes"];
    accounts.run("", &words).ends_with(0);
    for name in ["first", "second"] {
        assert!(!accounts.accepts(name, &secret), "{name}: {plan}");
    }
}

#[test]
fn a_secret_of_no_known_form_is_sent_only_where_somebody_says_so() {
    let accounts = Accounts::on_every_platform();
    let whole = accounts.locate(NOBODYS, &[], 6).json();
    for name in ["iot", "infra", "packages", "studio"] {
        assert_eq!(of(&whole, name)["liveness"], "not_asked", "{name}");
        assert_eq!(accounts.statuses(name), [] as [u64; 0], "{name}");
    }
    let remains = whole["remains"].to_string();
    assert!(
        remains.contains("packages (cloudsmith), studio (mindbody) were not asked")
            && remains.contains("--account")
            && remains.contains("--try-all"),
        "{whole}"
    );
    // A pattern names nobody, and neither does the selection of every command.
    let run = accounts.locate(NOBODYS, &["--account=pack*"], 6);
    let remains = run.json()["remains"].to_string();
    assert!(remains.contains("pass --account packages, or"), "{remains}");
    assert_eq!(accounts.statuses("packages"), [] as [u64; 0]);
    let words = ["--account=packages", "--account=studio", "--account=iot"];
    let whole = accounts.locate(NOBODYS, &words, 7).json();
    assert_eq!(of(&whole, "packages")["liveness"], "dead");
    assert_eq!(of(&whole, "studio")["liveness"], "unknown");
    assert_eq!(of(&whole, "iot")["liveness"], "not_asked");
    assert_eq!(accounts.statuses("iot"), [] as [u64; 0]);
}

#[test]
fn an_account_is_asked_about_the_secret_that_it_is_configured_with() {
    let accounts = Accounts::start(&[
        ("other", "cloudsmith", &["--seed=7"]),
        ("packages", "cloudsmith", &["--option=credential=own"]),
    ]);
    let (id, secret) = accounts.tokens("packages").remove(0);
    let whole = accounts.locate(&secret, &[], 0).json();
    let packages = of(&whole, "packages");
    assert_eq!(packages["token"]["id"], id);
    assert_eq!(packages["own_credential"], true);
    let reason = packages["reason"].as_str().unwrap();
    assert!(
        reason.contains("configured with this very secret"),
        "{reason}"
    );
    assert_eq!(accounts.statuses("other"), [] as [u64; 0]);
}

#[test]
fn a_configured_password_is_no_token_and_makes_no_plan() {
    let accounts = Accounts::start(&[("infra", "foreman", &[]), ("iot", "losant", &[])]);
    let mut variables = accounts.variables.iter();
    let (_, password) = variables.find(|(name, _)| name == "infra_TOKEN").unwrap();
    for words in [&["--revoke", "--yes"][..], &["--try-all"]] {
        let words = [&["locate", "--secret-env=SECRET"], words].concat();
        let run = accounts.run(password, &words).ends_with(7);
        let whole = run.hiding(&[password]).json();
        let infra = of(&whole, "infra");
        assert_eq!(infra["own_credential"], true);
        assert_eq!(infra["token"], Value::Null);
        assert!(
            infra["reason"].as_str().unwrap().contains("a password"),
            "{infra}"
        );
        assert_eq!(whole["plan"], Value::Null, "{whole}");
        assert_eq!(whole["revocation"], Value::Null, "{whole}");
        assert!(accounts.accepts("infra", password));
    }
}

#[test]
fn several_lines_are_refused_and_not_shown() {
    let accounts = Accounts::start(&[("iot", "losant", &[])]);
    let (_, first) = accounts.insert("iot", "first");
    let (id, second) = accounts.insert("iot", "second");
    let path = temporary_file(&accounts.text);
    let run = |file: &str, text: &str, code: i32| {
        let mut program = program(&["locate", "--secret-file", file, "--config", &path])
            .envs(accounts.variables.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = program.stdin.take().unwrap();
        write!(pipe, "{text}").unwrap();
        drop(pipe);
        let output = program.wait_with_output().unwrap();
        let run = Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        run.ends_with(code).hiding(&[&first, &second])
    };
    let both = format!("{first}\n\n{second}\n");
    let refused = [run("-", &both, 2), run(&temporary_file(&both), "", 2)];
    for run in refused {
        assert!(run.stderr.contains("2 lines"), "{run:?}");
        assert!(run.stderr.contains("pass each secret alone"), "{run:?}");
    }
    assert_eq!(accounts.statuses("iot"), [] as [u64; 0]);
    let alone = format!("\n{second}\r\n\n");
    for run in [
        run("-", alone.trim_start(), 0),
        run(&temporary_file(&format!("{second}\r\n")), "", 0),
    ] {
        assert_eq!(of(&run.json(), "iot")["token"]["id"], id);
    }
}
