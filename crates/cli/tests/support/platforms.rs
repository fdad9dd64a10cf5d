//! Several accounts that the program uses.

use serde_json::Value;

use super::{Run, Simulate, temporary_file, tokenfleet_with_env};

/// Simulated platforms, and a configuration of accounts on them.
pub(crate) struct Platforms {
    simulate: Simulate,
    variables: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Platforms {
    /// Starts this many platforms, without accounts.
    pub(crate) fn start(arguments: &[&str], servers: usize) -> Self {
        Self {
            simulate: Simulate::start(arguments, servers),
            variables: Vec::new(),
            text: String::new(),
        }
    }

    /// Adds an account on a platform, whose table also has these lines.
    pub(crate) fn with_account(mut self, name: &str, provider: &str, lines: &str) -> Self {
        let server = self.simulate.server(provider);
        self.text += &format!(
            "[accounts.{name}]\nprovider = '{provider}'\nbase_url = {}\n{lines}\n",
            server["url"]
        );
        for (key, value) in server["credentials"].as_object().unwrap() {
            if ["token", "api_key", "password"].contains(&key.as_str()) {
                let variable = format!("{}_{}", provider.to_uppercase(), key.to_uppercase());
                self.text += &format!("{key} = {{ env = '{variable}' }}\n");
                let value = value.as_str().unwrap().to_owned();
                self.variables.push((variable, value));
            } else {
                self.text += &format!("{key} = {value}\n");
            }
        }
        self
    }

    /// Adds a Losant account whose credential the platform refuses.
    pub(crate) fn with_refused_account(mut self, name: &str) -> Self {
        let url = &self.simulate.server("losant")["url"];
        self.text += &format!(
            "[accounts.{name}]\nprovider = 'losant'\nbase_url = {url}\n\
             token = {{ env = 'REFUSED' }}\n"
        );
        let refused = ("REFUSED".to_owned(), "refused-credential".to_owned());
        self.variables.push(refused);
        self
    }

    /// Writes the configuration with further tables, and returns its path.
    pub(crate) fn configuration(&self, tables: &str) -> String {
        temporary_file(&format!("{}{tables}", self.text))
    }

    /// Returns the credentials as environment variables.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (&**name, &**value)).collect()
    }

    /// Runs the program with a configuration that also has these tables.
    pub(crate) fn run(&self, tables: &str, words: &[&str]) -> Run {
        let path = self.configuration(tables);
        let words = [words, &["--config", &path]].concat();
        tokenfleet_with_env(&self.variables(), &words)
    }

    /// Runs it with a standard output that nobody reads.
    #[cfg(unix)]
    pub(crate) fn run_unread(&self, tables: &str, words: &[&str]) -> Run {
        let path = self.configuration(tables);
        let words = [words, &["--config", &path]].concat();
        super::run_unread_with_env(&self.variables(), &words)
    }

    /// Returns the ids of the tokens of an account that match an expression.
    pub(crate) fn ids(&self, account: &str, expression: &str) -> Vec<String> {
        let words = ["list", "--account", account, "--where", expression];
        let run = self.run("", &words).ends_with(0);
        ids(&run.json()["tokens"])
    }
}

/// Returns the ids of a list of objects, sorted.
pub(crate) fn ids(objects: &Value) -> Vec<String> {
    let objects = objects.as_array().unwrap().iter();
    let mut ids: Vec<_> = objects
        .map(|object| object["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}
