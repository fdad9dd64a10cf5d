//! Reading of credentials, which settings only refer to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::errors::REFERENCES;
use super::{Entry, MAX_TIMEOUT, MIN_TIMEOUT};
use crate::config::credential::{
    COMMAND_TIMEOUT, Command, Part, is_systemd_name, is_variable_name, is_world_readable,
};
use crate::config::{Credential, Setting, Settings};
use crate::error::Result;
use crate::model::parse_duration;

/// The key before the name of an environment variable.
const ENV: &str = "env";
/// The key before the path of a file.
const FILE: &str = "file";
/// The key before the words of a command.
const COMMAND: &str = "command";
/// The key before the time that a command may take.
const TIMEOUT: &str = "timeout";
/// The key before the name of a systemd credential.
const SYSTEMD: &str = "systemd";

/// A reference to a credential.
enum Reference {
    Env(String),
    File(String),
    Command(Vec<String>, Duration),
    Systemd(String),
}

impl Reference {
    /// Reads a reference, or returns `None` if the table is none.
    fn from_table(table: &BTreeMap<String, Setting>) -> Option<Self> {
        let mut entries = table.iter().map(|(key, value)| (key.as_str(), value));
        // The entries are in the order of their keys.
        match (entries.next()?, entries.next(), entries.next()) {
            ((ENV, Setting::Text(variable)), None, _) => Some(Self::Env(variable.clone())),
            ((FILE, Setting::Text(path)), None, _) => Some(Self::File(path.clone())),
            ((SYSTEMD, Setting::Text(name)), None, _) => Some(Self::Systemd(name.clone())),
            ((COMMAND, Setting::Texts(words)), timeout, None) if !words.is_empty() => {
                let timeout = match timeout {
                    None => COMMAND_TIMEOUT,
                    Some((TIMEOUT, Setting::Text(text))) => parse_duration(text)
                        .ok()
                        .filter(|timeout| (MIN_TIMEOUT..=MAX_TIMEOUT).contains(timeout))?,
                    Some(_) => return None,
                };
                Some(Self::Command(words.clone(), timeout))
            }
            _ => None,
        }
    }
}

impl Settings {
    /// Reads a reference to a credential: `{ env = "NAME" }`, `{ file = "PATH" }`,
    /// `{ command = ["PROGRAM", "ARGUMENT"] }` or `{ systemd = "NAME" }`.
    ///
    /// A command may have a `timeout` besides, such as `"2m"`. Copies of the settings share what it
    /// has printed. The path of a program starts, like that of a file, from the
    /// [directory](Self::set_directory) of the settings; a program without a slash is found in
    /// `PATH`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value is anything else, above all
    /// the credential itself. The error does not repeat the value.
    pub fn credential(&mut self, key: &'static str) -> Result<Option<Credential>> {
        self.credential_reference(key, Part::FirstLine)
    }

    /// Reads a reference to a token: like [`credential`](Self::credential), but what no token
    /// contains ([`Secret::defect`](crate::Secret::defect)) is an error when the credential is
    /// read, and not sent.
    ///
    /// Use it for tokens and API keys, and `credential` for passwords, which may contain anything.
    ///
    /// # Errors
    ///
    /// The same as [`credential`](Self::credential).
    pub fn token(&mut self, key: &'static str) -> Result<Option<Credential>> {
        self.credential_reference(key, Part::Token)
    }

    /// Reads a reference to a [token](Self::token) that is required.
    ///
    /// # Errors
    ///
    /// The same as [`credential`](Self::credential), and if the key is missing.
    pub fn required_token(&mut self, key: &'static str) -> Result<Credential> {
        self.token(key)?.ok_or_else(|| self.missing_credential(key))
    }

    /// Reads a reference to a credential of several lines, such as a PEM key: like
    /// [`credential`](Self::credential), but with the whole content of a file.
    ///
    /// # Errors
    ///
    /// The same as [`credential`](Self::credential).
    pub fn untrimmed_credential(&mut self, key: &'static str) -> Result<Option<Credential>> {
        self.credential_reference(key, Part::Whole)
    }

    /// Reads a reference to a credential that is required.
    ///
    /// # Errors
    ///
    /// The same as [`credential`](Self::credential), and if the key is missing.
    pub fn required_credential(&mut self, key: &'static str) -> Result<Credential> {
        self.credential(key)?
            .ok_or_else(|| self.missing_credential(key))
    }

    fn credential_reference(
        &mut self,
        key: &'static str,
        part: Part,
    ) -> Result<Option<Credential>> {
        let Some(entry) = self.take(key) else {
            return Ok(None);
        };
        let reference = match &entry.value {
            Setting::Credential(credential) => return Ok(Some(credential.clone())),
            Setting::Table(table) => Reference::from_table(table),
            _ => return Err(self.exposed(key, "is a credential in plain text")),
        };
        let may_be_secret = match &reference {
            Some(Reference::Env(name)) if !is_variable_name(name) => {
                Some("is not the name of an environment variable, but perhaps the credential")
            }
            Some(Reference::Systemd(name)) if !is_systemd_name(name) => {
                Some("is not the name of a systemd credential, but perhaps the credential")
            }
            _ => None,
        };
        match (reference, may_be_secret) {
            (_, Some(problem)) => Err(self.exposed(key, problem)),
            (Some(reference), None) => Ok(Some(self.referenced(key, &entry, reference, part))),
            // The error does not repeat the key that was found: it may be the credential.
            (None, None) => Err(self.invalid(key, REFERENCES)),
        }
    }

    fn referenced(&self, key: &str, entry: &Entry, reference: Reference, part: Part) -> Credential {
        let credential = match reference {
            Reference::Env(variable) => Credential::from_variable_part(variable, part),
            Reference::File(path) => {
                Credential::from_written_path(self.file_path(&path), path.into(), part)
            }
            Reference::Systemd(name) => Credential::from_systemd_part(name, part),
            Reference::Command(words, timeout) => {
                let start = || Arc::new(Command::new(words, timeout, |path| self.file_path(path)));
                let command = Arc::clone(entry.command.get_or_init(start));
                Credential::from_command_part(command, part)
            }
        };
        credential.located_at(self.place(key))
    }

    /// Returns every credential that the settings refer to and that was not read yet, as
    /// [`credential`](Self::credential) reads it: the first line of a file.
    ///
    /// Only whoever knows the key knows that a credential has
    /// [several lines](Self::untrimmed_credential).
    #[must_use]
    pub fn credentials(&self) -> Vec<Credential> {
        let credential = |(key, entry): (&String, &Entry)| match &entry.value {
            Setting::Credential(credential) => Some(credential.clone()),
            Setting::Table(table) => Reference::from_table(table)
                .map(|reference| self.referenced(key, entry, reference, Part::FirstLine)),
            _ => None,
        };
        self.entries.iter().filter_map(credential).collect()
    }

    /// Returns `true` if reading the credentials runs a command: one of the settings that were not
    /// read yet refers to one.
    ///
    /// Ask before you use a configuration that somebody else may have written.
    #[must_use]
    pub fn runs_commands(&self) -> bool {
        let runs_command = |entry: &Entry| match &entry.value {
            Setting::Table(table) => table.contains_key(COMMAND),
            _ => false,
        };
        self.entries.values().any(runs_command)
    }

    /// Returns a warning for each credential file that users other than its owner can read, where
    /// the operating system reveals that.
    ///
    /// Call it before a provider reads the settings, and show the warnings to the user.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let warning = |(key, entry): (&String, &Entry)| {
            let Setting::Table(table) = &entry.value else {
                return None;
            };
            let Some(Reference::File(path)) = Reference::from_table(table) else {
                return None;
            };
            let path = self.file_path(path);
            let place = self.place(key);
            is_world_readable(&path).then(|| {
                let path = path.display();
                format!(
                    "{place}: the credential file {path} is readable by other users; \
                     restrict it to its owner, for example with chmod 600"
                )
            })
        };
        self.entries.iter().filter_map(warning).collect()
    }
}
