//! The errors of settings, each with the line and the key that it is about.

use std::fmt;

use crate::config::Settings;
use crate::error::{Error, did_you_mean, is_near, quoted};

impl Settings {
    /// Returns the location of one setting, to start a message: `line 3: accounts.iot.base_url`.
    #[must_use]
    pub fn place(&self, key: &str) -> String {
        let entry = self.entries.get(key).map(|entry| entry.line);
        let line = entry.or_else(|| self.read_keys.get(key).copied()).flatten();
        format!("{}{}.{key}", line_prefix(line.or(self.line)), self.path)
    }

    /// Creates an error about these settings as a whole. The message continues the path:
    /// `accounts.iot needs a token or a login`.
    pub fn error(&self, message: impl fmt::Display) -> Error {
        Error::configuration(format!("{}{} {message}", line_prefix(self.line), self.path))
    }

    /// Creates an error for a missing credential.
    #[must_use]
    pub fn missing_credential(&self, key: &str) -> Error {
        let advice = format!("write {key} = {{ env = \"…\" }} or {key} = {{ file = \"…\" }}");
        self.missing(key, advice)
    }

    /// Creates an error for an unread key that looks like a misspelling of a known one.
    ///
    /// If another key seems to be missing, this is the likely cause.
    #[must_use]
    pub fn misspelled_key(&self) -> Option<Error> {
        let (key, line) = self.unread_keys().find(|(key, _)| {
            !self.read_keys.contains_key(key)
                && self.read_keys.keys().any(|known| is_near(key, known))
        })?;
        Some(self.unknown_key(key, line))
    }

    pub(super) fn unknown_key(&self, key: &str, line: Option<usize>) -> Error {
        let known: Vec<_> = self.read_keys.keys().copied().collect();
        self.unknown(&self.path, key, line, &known)
    }

    pub(super) fn unknown(
        &self,
        path: &str,
        key: &str,
        line: Option<usize>,
        known: &[&str],
    ) -> Error {
        let message = format!(
            "{}unknown key{} in {path}",
            line_prefix(line),
            quoted(key, known)
        );
        Error::configuration(message).with_advice(did_you_mean(key, known))
    }

    pub(super) fn missing(&self, key: &str, advice: String) -> Error {
        let message = format!("missing key `{key}` in {}", self.path);
        Error::configuration(format!("{}{message}", line_prefix(self.line))).with_advice(advice)
    }

    pub(super) fn invalid(&self, key: &str, expected: &str) -> Error {
        Error::configuration(format!("{} must be {expected}", self.place(key)))
    }

    /// Creates an error for a value that is, or may be, a credential in plain text.
    pub(super) fn exposed(&self, key: &str, problem: &str) -> Error {
        Error::configuration(format!("{} {problem}", self.place(key))).with_advice(format!(
            "write {key} = {{ env = \"NAME\" }} or {key} = {{ file = \"PATH\" }}; \
             if the credential was written here, replace it: it has been exposed"
        ))
    }
}

fn line_prefix(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: "))
        .unwrap_or_default()
}

/// The references to a credential, as they are written in a configuration.
pub(super) const REFERENCES: &str =
    "{ env = \"…\" }, { file = \"…\" }, { command = [\"…\"] } or { systemd = \"…\" }";

/// Lists the alternatives of a choice as they are written in a configuration.
pub(super) fn alternatives(names: &[&str]) -> String {
    let alternatives: Vec<_> = names
        .iter()
        .map(|name| format!("{{ {name} = \"…\" }}"))
        .collect();
    alternatives.join(" or ")
}
