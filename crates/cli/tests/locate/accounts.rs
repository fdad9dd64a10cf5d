//! Accounts on simulated platforms, one of which a found secret may belong to.

use std::fs;

use serde_json::{Value, json};
#[cfg(unix)]
use tokenfleet_tests::{Terminal, TerminalRun};

use crate::support::account::Account;
use crate::support::{Run, temporary_file, tokenfleet_with_env};

/// The text of a token of no platform here: no JWT, and with a character that only JWTs have.
pub(crate) const NOBODYS: &str = "ghp_16C7e42F.292c6912E7710c838347Ae178B4a";

/// Several accounts in one configuration, each on a simulated platform of its own.
pub(crate) struct Accounts {
    pub(crate) accounts: Vec<(&'static str, Account)>,
    pub(crate) text: String,
    pub(crate) variables: Vec<(String, String)>,
}

impl Accounts {
    /// Starts these accounts: name, provider and options.
    pub(crate) fn start(accounts: &[(&'static str, &str, &[&str])]) -> Self {
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
    pub(crate) fn on_every_platform() -> Self {
        Self::start(&[
            ("iot", "losant", &[]),
            ("infra", "foreman", &[]),
            ("packages", "cloudsmith", &[]),
            ("studio", "mindbody", &[]),
        ])
    }

    pub(crate) fn account(&self, name: &str) -> &Account {
        let mut accounts = self.accounts.iter();
        &accounts.find(|(other, _)| *other == name).unwrap().1
    }

    /// Replaces the credential of an account.
    pub(crate) fn set(&mut self, variable: &str, secret: &str) {
        let mut variables = self.variables.iter_mut();
        let (_, value) = variables.find(|(name, _)| name == variable).unwrap();
        secret.clone_into(value);
    }

    pub(crate) fn run(&self, secret: &str, words: &[&str]) -> Run {
        let own = self.variables.iter();
        let mut variables: Vec<_> = own.map(|(name, value)| (&**name, &**value)).collect();
        variables.push(("SECRET", secret));
        let path = temporary_file(&self.text);
        tokenfleet_with_env(&variables, &[words, &["--config", &path]].concat())
    }

    /// Runs `locate`, and asserts that it hides the secret.
    #[track_caller]
    pub(crate) fn locate(&self, secret: &str, words: &[&str], code: i32) -> Run {
        let words = [&["locate", "--secret-env=SECRET"], words].concat();
        let run = self.run(secret, &words).ends_with(code);
        // A prefix gives a secret away as well.
        run.hiding(&[secret, &secret[..secret.len() / 2]])
    }

    /// Runs `locate` on a terminal, and types these answers to these questions.
    #[cfg(unix)]
    pub(crate) fn locate_on_terminal(
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
    pub(crate) fn tokens(&self, name: &str) -> Vec<(String, String)> {
        let found = self.account(name).control("GET", "/tokens", "");
        let tokens = found["tokens"].as_array().unwrap().iter();
        let active = tokens.filter(|token| token["state"] == "active");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        active
            .map(|token| (text(&token["id"]), text(&token["secret"])))
            .collect()
    }

    pub(crate) fn insert(&self, name: &str, token: &str) -> (String, String) {
        let body = json!({ "name": token }).to_string();
        let inserted = self.account(name).control("POST", "/tokens", &body);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&inserted["id"]), text(&inserted["secret"]))
    }

    pub(crate) fn accepts(&self, name: &str, secret: &str) -> bool {
        let body = json!({ "secret": secret }).to_string();
        let answer = self.account(name).control("POST", "/accepts", &body);
        answer["accepts"].as_bool().unwrap()
    }

    /// Returns the statuses of all requests that an account's platform got.
    pub(crate) fn statuses(&self, name: &str) -> Vec<u64> {
        let log = self.account(name).control("GET", "/log", "");
        let entries = log["entries"].as_array().unwrap().iter();
        entries
            .map(|entry| entry["status"].as_u64().unwrap_or_default())
            .collect()
    }
}

/// Returns what is said about an account.
pub(crate) fn of<'a>(whole: &'a Value, name: &str) -> &'a Value {
    let mut accounts = whole["accounts"].as_array().unwrap().iter();
    accounts
        .find(|account| account["account"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {whole}"))
}

/// Two platforms with the same tokens, which the clock of neither tells apart.
pub(crate) fn twins(provider: &str) -> Accounts {
    let clock = "--option=clock=2026-11-01T12:00:00Z";
    Accounts::start(&[
        ("first", provider, &[clock]),
        ("second", provider, &[clock]),
    ])
}

/// Inserts the same token on both platforms, and returns its secret.
pub(crate) fn insert_twins(accounts: &Accounts) -> String {
    let (_, secret) = accounts.insert("first", "leaked");
    let (_, twin) = accounts.insert("second", "leaked");
    assert_eq!(secret, twin);
    secret
}
