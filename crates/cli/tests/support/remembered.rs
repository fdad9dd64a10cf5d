//! Accounts with a ledger of their own.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::fleet::Fleet;
use super::{Run, temporary_file, tokenfleet_with_env};

/// Configured accounts, whose ledger and audit log are in a folder of their own.
pub(crate) struct Remembered {
    pub(crate) fleet: Fleet,
    pub(crate) directory: TempDir,
    pub(crate) path: String,
}

impl Remembered {
    pub(crate) fn new(fleet: Fleet) -> Self {
        let directory = TempDir::new().unwrap();
        let accounts = std::fs::read_to_string(fleet.configuration()).unwrap();
        let folder = directory.path().display();
        let path = temporary_file(&format!(
            "{accounts}\n[ledger]\npath = '{folder}/state/ledger.db'\n\
             [audit]\nfile = '{folder}/audit.jsonl'\n"
        ));
        Self {
            fleet,
            directory,
            path,
        }
    }

    /// Creates an account of this name on its own platform, with a number of tokens.
    pub(crate) fn one(provider: &str, tokens: u32) -> Self {
        let option = format!("--tokens={tokens}");
        Self::new(Fleet::new().with(provider, &[&option], &[("mine", "")]))
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("state/ledger.db")
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.run_with(&[], words)
    }

    /// Runs the program with more variables. Asserts that it hides the credentials.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], words: &[&str]) -> Run {
        let words = [words, &["--config", &self.path]].concat();
        let variables = [self.fleet.environment().as_slice(), variables].concat();
        let hidden: Vec<_> = self
            .fleet
            .variables
            .iter()
            .map(|(_, value)| &**value)
            .collect();
        tokenfleet_with_env(&variables, &words).hiding(&hidden)
    }

    /// Takes a snapshot and returns the objects of the accounts.
    pub(crate) fn snapshot(&self, code: i32) -> Vec<Value> {
        let run = self.run(&["snapshot", "--output=json"]).ends_with(code);
        run.json()["accounts"].as_array().unwrap().clone()
    }

    /// Returns the tokens of a platform as its control interface has them.
    pub(crate) fn tokens(&self, platform: usize) -> Vec<Value> {
        let tokens = self.fleet.control(platform, "GET", "/tokens", "");
        tokens["tokens"].as_array().unwrap().clone()
    }

    pub(crate) fn id(&self, platform: usize, index: usize) -> String {
        self.tokens(platform)[index]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) fn erase(&self, platform: usize, id: &str) {
        self.fleet
            .control(platform, "DELETE", &format!("/tokens/{id}"), "");
    }
}

/// Returns `+A -V ~C` of an object.
pub(crate) fn changes(object: &Value) -> String {
    format!(
        "+{} -{} ~{}",
        object["appeared"], object["vanished"], object["changed"]
    )
}
