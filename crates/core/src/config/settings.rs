//! The settings of one account, read key by key.

mod credentials;
mod errors;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::config::Setting;
use crate::config::credential::Command;
use crate::error::Result;
use crate::model::parse_duration;
use errors::alternatives;

/// The shortest timeout that can be configured.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest timeout that can be configured.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

/// The settings of one account, as they were configured.
///
/// A provider reads the keys that it knows; [`finish`](Self::finish) then rejects all others and
/// suggests the closest key that was read. So there is no list of known keys to maintain (decision
/// 0005). Credentials are always references.
///
/// ```
/// use tokenfleet_core::config::{Setting, Settings};
///
/// let mut settings = Settings::new("accounts.iot");
/// settings.insert("base_ulr", Setting::Text("https://api.losant.com".into()), Some(3));
/// let base_url = settings.text("base_url")?;
/// let error = settings.finish().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "line 3: unknown key `base_ulr` in accounts.iot; did you mean `base_url`?",
/// );
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Settings {
    path: String,
    line: Option<usize>,
    /// The directory that relative paths start from; empty for the current one.
    directory: PathBuf,
    entries: BTreeMap<String, Entry>,
    /// The keys without a value that were not read, each with its line.
    nulls: BTreeMap<String, Option<usize>>,
    /// The keys that were read, each with the line it was found on.
    read_keys: BTreeMap<&'static str, Option<usize>>,
}

/// Shows the keys but not the values, because a value may be a credential in plain text.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("path", &self.path)
            .field("unread_keys", &self.entries.keys())
            .field("read_keys", &self.read_keys.keys())
            .finish_non_exhaustive()
    }
}

/// A setting that was not read yet, with the line it was found on.
#[derive(Clone)]
struct Entry {
    value: Setting,
    line: Option<usize>,
    /// The command that the setting refers to. The copies of the settings share it, and so what it
    /// has printed.
    command: Arc<OnceLock<Arc<Command>>>,
}

impl Settings {
    /// Creates empty settings at a path of the configuration, such as `accounts.iot`.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    /// Sets the line that the settings start on.
    #[must_use]
    pub fn with_line(mut self, line: Option<usize>) -> Self {
        self.line = line;
        self
    }

    /// Sets the directory that relative paths of files start from, instead of the current one.
    ///
    /// It is the directory of the configuration file.
    pub fn set_directory(&mut self, directory: impl Into<PathBuf>) {
        self.directory = directory.into();
    }

    /// Returns the path of a file that a setting names, relative to the
    /// [directory](Self::set_directory) of these settings.
    #[must_use]
    pub fn file_path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.directory.join(path)
    }

    /// Returns the path of these settings in the configuration.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Adds a setting, with the line it was found on.
    pub fn insert(&mut self, key: impl Into<String>, value: Setting, line: Option<usize>) {
        let command = Arc::default();
        let entry = Entry {
            value,
            line,
            command,
        };
        self.entries.insert(key.into(), entry);
    }

    /// Adds a key whose value is null, with the line it was found on. It counts as not written, but
    /// must be one that is read.
    pub fn insert_null(&mut self, key: impl Into<String>, line: Option<usize>) {
        self.nulls.insert(key.into(), line);
    }

    /// Returns the settings that were not read yet, in the order of their keys.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Setting)> {
        let entries = self.entries.iter();
        entries.map(|(key, entry)| (key.as_str(), &entry.value))
    }

    /// Reads a string.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value has another type.
    pub fn text(&mut self, key: &'static str) -> Result<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Entry {
                value: Setting::Text(text),
                ..
            }) => Ok(Some(text)),
            Some(_) => Err(self.invalid(key, "a quoted string")),
        }
    }

    /// Reads a string that is required.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the key is missing or the value has
    /// another type.
    pub fn required_text(&mut self, key: &'static str) -> Result<String> {
        self.text(key)?
            .ok_or_else(|| self.missing(key, format!("write {key} = \"…\"")))
    }

    /// Reads an identifier: a string, or a whole number, which is how people write `user_id = 4`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value has another type.
    pub fn identifier(&mut self, key: &'static str) -> Result<Option<String>> {
        match self.take(key).map(|entry| entry.value) {
            None => Ok(None),
            Some(Setting::Text(text)) => Ok(Some(text)),
            Some(Setting::Integer(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(self.invalid(key, "a quoted string or a whole number")),
        }
    }

    /// Reads an identifier that is required.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the key is missing or the value has
    /// another type.
    pub fn required_identifier(&mut self, key: &'static str) -> Result<String> {
        self.identifier(key)?
            .ok_or_else(|| self.missing(key, format!("write {key} = \"…\"")))
    }

    /// Reads a version: a string, or a number as it is written, such as `3.10`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value has another type.
    pub fn version(&mut self, key: &'static str) -> Result<Option<String>> {
        match self.take(key).map(|entry| entry.value) {
            None => Ok(None),
            Some(Setting::Text(text) | Setting::Decimal(text)) => Ok(Some(text)),
            Some(Setting::Integer(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(self.invalid(key, "a version, such as 3.10 or \"3.10\"")),
        }
    }

    /// Reads one string or a list of strings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value has another type.
    pub fn texts(&mut self, key: &'static str) -> Result<Vec<String>> {
        match self.take(key).map(|entry| entry.value) {
            None => Ok(Vec::new()),
            Some(Setting::Text(text)) => Ok(vec![text]),
            Some(Setting::Texts(texts)) => Ok(texts),
            Some(_) => Err(self.invalid(key, "a quoted string or a list of quoted strings")),
        }
    }

    /// Reads a timeout: a string such as `"30s"`, from one second to one day.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value is anything else.
    pub fn timeout(&mut self, key: &'static str) -> Result<Option<Duration>> {
        let parse = |value| match value {
            Setting::Text(text) => parse_duration(&text).ok(),
            _ => None,
        };
        match self.take(key).map(|entry| parse(entry.value)) {
            None => Ok(None),
            Some(Some(timeout)) if (MIN_TIMEOUT..=MAX_TIMEOUT).contains(&timeout) => {
                Ok(Some(timeout))
            }
            Some(_) => Err(self.invalid(key, "a duration from \"1s\" to \"1d\", such as \"30s\"")),
        }
    }

    /// Reads a period: a string such as `"30d"`, longer than zero.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value is anything else.
    pub fn duration(&mut self, key: &'static str) -> Result<Option<Duration>> {
        match self.take(key).map(|entry| entry.value) {
            None => Ok(None),
            Some(Setting::Text(text)) => match parse_duration(&text) {
                Ok(period) if !period.is_zero() => Ok(Some(period)),
                _ => Err(self.invalid(key, "a period, such as \"30d\"")),
            },
            Some(_) => Err(self.invalid(key, "a period, such as \"30d\"")),
        }
    }

    /// Reads a whole number that is not negative.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value is anything else.
    pub fn number(&mut self, key: &'static str) -> Result<Option<u32>> {
        match self.take(key).map(|entry| entry.value) {
            None => Ok(None),
            Some(Setting::Integer(number)) if u32::try_from(number).is_ok() => {
                Ok(u32::try_from(number).ok())
            }
            Some(_) => Err(self.invalid(key, "a whole number")),
        }
    }

    /// Reads a boolean.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value has another type.
    pub fn boolean(&mut self, key: &'static str) -> Result<Option<bool>> {
        match self.take(key) {
            None => Ok(None),
            Some(Entry {
                value: Setting::Boolean(value),
                ..
            }) => Ok(Some(value)),
            Some(_) => Err(self.invalid(key, "true or false")),
        }
    }

    /// Reads one of several alternatives, such as `{ application = "…" }`: its name and its value.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value is anything else, or its
    /// name is not among `names`.
    pub fn choice(
        &mut self,
        key: &'static str,
        names: &[&'static str],
    ) -> Result<Option<(&'static str, String)>> {
        let Some(entry) = self.take(key) else {
            return Ok(None);
        };
        let expected = alternatives(names);
        let Setting::Table(table) = &entry.value else {
            return Err(self.invalid(key, &expected));
        };
        match table.iter().next() {
            Some((name, Setting::Text(text))) if table.len() == 1 => match names
                .iter()
                .find(|known| *known == name)
            {
                Some(known) => Ok(Some((known, text.clone()))),
                None => Err(self.unknown(&format!("{}.{key}", self.path), name, entry.line, names)),
            },
            _ => Err(self.invalid(key, &expected)),
        }
    }

    /// Rejects every key that was not read.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), with the line and the closest known key.
    pub fn finish(self) -> Result<()> {
        match self.unread_keys().next() {
            None => Ok(()),
            Some((key, line)) => Err(self.unknown_key(key, line)),
        }
    }

    /// Rejects every key that is not one of these, whether it was read or not.
    ///
    /// It finds a misspelled key in a table that nobody reads now.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), with the line and the closest known key.
    pub fn check_keys(&self, known: &[&str]) -> Result<()> {
        let mut unread = self.unread_keys();
        match unread.find(|(key, _)| !known.contains(key)) {
            None => Ok(()),
            Some((key, line)) => Err(self.unknown(&self.path, key, line, known)),
        }
    }

    /// Returns the keys that were not read, each with its line.
    fn unread_keys(&self) -> impl Iterator<Item = (&str, Option<usize>)> {
        let entries = self.entries.iter().map(|(key, entry)| (key, entry.line));
        let nulls = self.nulls.iter().map(|(key, line)| (key, *line));
        entries.chain(nulls).map(|(key, line)| (key.as_str(), line))
    }

    /// Removes a setting and remembers that it was read.
    fn take(&mut self, key: &'static str) -> Option<Entry> {
        self.nulls.remove(key);
        let entry = self.entries.remove(key);
        let found_on = entry.as_ref().and_then(|entry| entry.line);
        let line = self.read_keys.entry(key).or_default();
        *line = found_on.or(*line);
        entry
    }
}

#[cfg(test)]
mod tests;
