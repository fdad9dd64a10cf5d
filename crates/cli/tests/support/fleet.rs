//! Several accounts that the program uses.

use serde_json::{Value, json};

use super::account::{control, table};
use super::{Run, Simulate, temporary_file, tokenfleet_with_env};

/// Configured accounts on simulated platforms, with their credentials in environment variables.
pub(crate) struct Fleet {
    simulates: Vec<Simulate>,
    text: String,
    pub(crate) variables: Vec<(String, String)>,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        Self {
            simulates: Vec::new(),
            text: String::new(),
            variables: Vec::new(),
        }
    }

    /// Adds a simulated platform, started with these options, and accounts on it: the name of each,
    /// and more lines of its table.
    pub(crate) fn with(
        mut self,
        provider: &str,
        options: &[&str],
        accounts: &[(&str, &str)],
    ) -> Self {
        let simulate = Simulate::start(&[&[provider], options].concat(), 1);
        for (name, lines) in accounts {
            let server = simulate.server(provider);
            let table = table(name, server, &mut self.variables);
            self.text += &format!("{table}{lines}\n");
        }
        self.simulates.push(simulate);
        self
    }

    /// Adds an account whose credential is missing.
    pub(crate) fn with_broken(mut self, name: &str) -> Self {
        self.text += &format!(
            "[accounts.{name}]\nprovider = 'losant'\ntoken = {{ env = 'NEVER_SET_ANYWHERE' }}\n"
        );
        self
    }

    /// Creates tokens on the platform of this index.
    pub(crate) fn create(&self, platform: usize, names: &[&str]) {
        for name in names {
            let token = json!({ "name": name }).to_string();
            self.control(platform, "POST", "/tokens", &token);
        }
    }

    pub(crate) fn control(&self, platform: usize, method: &str, path: &str, body: &str) -> Value {
        control(&self.simulates[platform].servers[0], method, path, body)
    }

    /// Returns the number of requests that the platforms received.
    pub(crate) fn requests(&self) -> u64 {
        let platforms = 0..self.simulates.len();
        let total = |platform| self.control(platform, "GET", "/log", "")["total"].as_u64();
        platforms.map(|platform| total(platform).unwrap()).sum()
    }

    /// Writes the configuration and returns its path.
    pub(crate) fn configuration(&self) -> String {
        temporary_file(&self.text)
    }

    pub(crate) fn environment(&self) -> Vec<(&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (&**name, &**value)).collect()
    }

    /// Runs the program. Asserts that it hides the credentials.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        let path = self.configuration();
        let words = [words, &["--config", &path]].concat();
        let hidden: Vec<_> = self.variables.iter().map(|(_, value)| &**value).collect();
        tokenfleet_with_env(&self.environment(), &words).hiding(&hidden)
    }
}
