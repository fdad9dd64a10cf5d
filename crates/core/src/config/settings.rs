//! The settings of one account, read key by key.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Credential;
use crate::config::credential::{is_variable_name, is_world_readable};
use crate::error::{Error, Result, did_you_mean, is_near};
use crate::model::parse_duration;

/// Where a credential is: the key before a path.
const FILE: &str = "file";

/// Bounds of every timeout.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(86_400);

/// The settings of one account as someone wrote them.
///
/// A provider asks for the keys that it knows; [`finish`](Self::finish) then refuses all others and suggests the nearest
/// of those that were asked for. So there is no list of keys to keep up to date. Credentials are always references.
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
///     "line 3: accounts.iot knows no key \"base_ulr\"; did you mean \"base_url\"?",
/// );
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Settings {
    path: String,
    line: Option<usize>,
    entries: BTreeMap<String, Entry>,
    /// With the line it was found on.
    asked: BTreeMap<&'static str, Option<usize>>,
}

/// Shows the keys, not the values: someone may have written a credential in clear.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("path", &self.path)
            .field("left", &self.entries.keys())
            .field("asked", &self.asked.keys())
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Entry {
    value: Setting,
    line: Option<usize>,
}

/// A value in a configuration. Its `Debug` shows only of what sort it is.
#[derive(Clone)]
#[non_exhaustive]
pub enum Setting {
    /// A text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Named texts, such as `{ env = "LOSANT_TOKEN" }`.
    Table(BTreeMap<String, String>),
    /// A credential that a program holds itself. No configuration file can contain one.
    Credential(Credential),
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Texts(_) => "Texts(..)",
            Self::Integer(_) => "Integer(..)",
            Self::Boolean(_) => "Boolean(..)",
            Self::Table(_) => "Table(..)",
            Self::Credential(_) => "Credential(..)",
        })
    }
}

impl Settings {
    /// No settings yet, at that place of the configuration, such as `accounts.iot`.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    /// Beginning on that line.
    #[must_use]
    pub fn on_line(mut self, line: Option<usize>) -> Self {
        self.line = line;
        self
    }

    /// The place of the configuration that these settings stand at.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The place of one setting, to begin a message about it: `line 3: accounts.iot.base_url`.
    #[must_use]
    pub fn place(&self, key: &str) -> String {
        let entry = self.entries.get(key).map(|entry| entry.line);
        let line = entry.or_else(|| self.asked.get(key).copied()).flatten();
        format!("{}{}.{key}", at(line.or(self.line)), self.path)
    }

    /// A mistake that no single setting makes.
    pub fn error(&self, message: impl fmt::Display) -> Error {
        Error::configuration(format!("{}{} {message}", at(self.line), self.path))
    }

    /// Adds a setting, found on that line.
    pub fn insert(&mut self, key: impl Into<String>, value: Setting, line: Option<usize>) {
        self.entries.insert(key.into(), Entry { value, line });
    }

    /// Takes a text.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) when it is something else.
    pub fn text(&mut self, key: &'static str) -> Result<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Entry {
                value: Setting::Text(text),
                ..
            }) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "a text in quotes")),
        }
    }

    /// Takes a text that must be there.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) when it is missing or something else.
    pub fn required_text(&mut self, key: &'static str) -> Result<String> {
        self.text(key)?
            .ok_or_else(|| self.missing(key, format!("write {key} = \"…\"")))
    }

    /// Takes one text or several.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) when it is something else.
    pub fn texts(&mut self, key: &'static str) -> Result<Vec<String>> {
        match self.take(key).map(|entry| entry.value) {
            None => Ok(Vec::new()),
            Some(Setting::Text(text)) => Ok(vec![text]),
            Some(Setting::Texts(texts)) => Ok(texts),
            Some(_) => Err(self.wrong(key, "a text in quotes, or several in brackets")),
        }
    }

    /// Takes how long to wait for something: a text such as `"30s"`, from one second to a day.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) when it is something else.
    pub fn timeout(&mut self, key: &'static str) -> Result<Option<Duration>> {
        let read = |value| match value {
            Setting::Text(text) => parse_duration(&text).ok(),
            _ => None,
        };
        match self.take(key).map(|entry| read(entry.value)) {
            None => Ok(None),
            Some(Some(time)) if (SHORTEST..=LONGEST).contains(&time) => Ok(Some(time)),
            Some(_) => Err(self.wrong(key, "a time from \"1s\" to \"1d\", such as \"30s\"")),
        }
    }

    /// Takes a whole number that is not negative.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) when it is something else.
    pub fn number(&mut self, key: &'static str) -> Result<Option<u32>> {
        match self.take(key) {
            None => Ok(None),
            Some(entry) => match entry.value {
                Setting::Integer(number) if u32::try_from(number).is_ok() => {
                    Ok(u32::try_from(number).ok())
                }
                _ => Err(self.wrong(key, "a whole number")),
            },
        }
    }

    /// Takes true or false.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) when it is something else.
    pub fn boolean(&mut self, key: &'static str) -> Result<Option<bool>> {
        match self.take(key) {
            None => Ok(None),
            Some(Entry {
                value: Setting::Boolean(value),
                ..
            }) => Ok(Some(value)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    /// Takes one of several named texts, such as `{ application = "…" }`: the name that was chosen and its text.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) when it is something else or names none of `names`.
    pub fn choice(
        &mut self,
        key: &'static str,
        names: &[&'static str],
    ) -> Result<Option<(&'static str, String)>> {
        let Some(entry) = self.take(key) else {
            return Ok(None);
        };
        let expected = forms(names);
        let Setting::Table(table) = &entry.value else {
            return Err(self.wrong(key, &expected));
        };
        match table.iter().next() {
            Some((name, text)) if table.len() == 1 => match names
                .iter()
                .find(|known| *known == name)
            {
                Some(known) => Ok(Some((known, text.clone()))),
                None => Err(self.unknown(&format!("{}.{key}", self.path), name, entry.line, names)),
            },
            _ => Err(self.wrong(key, &expected)),
        }
    }

    /// Takes a reference to a credential: `{ env = "NAME" }` or `{ file = "PATH" }`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) when it is something else, above all the credential itself;
    /// the text does not repeat what was found.
    pub fn credential(&mut self, key: &'static str) -> Result<Option<Credential>> {
        self.referred_to(key, Credential::from_file)
    }

    /// Takes a reference to a credential of several lines, such as a key in PEM: as [`credential`](Self::credential), but
    /// the whole of a file.
    ///
    /// # Errors
    ///
    /// As [`credential`](Self::credential).
    pub fn untrimmed_credential(&mut self, key: &'static str) -> Result<Option<Credential>> {
        self.referred_to(key, Credential::from_untrimmed_file)
    }

    fn referred_to(
        &mut self,
        key: &'static str,
        from_file: fn(PathBuf) -> Credential,
    ) -> Result<Option<Credential>> {
        const PLACES: [&str; 2] = ["env", FILE];
        let table = match self.take(key).map(|entry| entry.value) {
            None => return Ok(None),
            Some(Setting::Credential(credential)) => return Ok(Some(credential)),
            Some(Setting::Table(table)) => table,
            Some(_) => {
                return Err(self.exposed(key, "holds a credential in clear"));
            }
        };
        let mut entries = table.into_iter();
        match (entries.next(), entries.next()) {
            (Some((place, variable)), None) if place == "env" => {
                if is_variable_name(&variable) {
                    Ok(Some(Credential::from_env(variable)))
                } else {
                    Err(self.exposed(
                        key,
                        "names no environment variable, but perhaps the credential itself",
                    ))
                }
            }
            (Some((place, path)), None) if place == FILE => Ok(Some(from_file(path.into()))),
            // Which key was found instead is not repeated: it may be the credential.
            _ => Err(self.wrong(key, &forms(&PLACES))),
        }
    }

    /// Takes a reference to a credential that must be there.
    ///
    /// # Errors
    ///
    /// As [`credential`](Self::credential), and when it is missing.
    pub fn required_credential(&mut self, key: &'static str) -> Result<Credential> {
        self.credential(key)?
            .ok_or_else(|| self.missing_credential(key))
    }

    /// That a credential is missing.
    #[must_use]
    pub fn missing_credential(&self, key: &str) -> Error {
        let advice = format!("write {key} = {{ env = \"…\" }} or {key} = {{ file = \"…\" }}");
        self.missing(key, advice)
    }

    /// Refuses every key that was not asked for.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the line and the nearest known key.
    pub fn finish(self) -> Result<()> {
        match self.entries.iter().next() {
            None => Ok(()),
            Some((key, entry)) => {
                let known: Vec<_> = self.asked.keys().copied().collect();
                Err(self.unknown(&self.path, key, entry.line, &known))
            }
        }
    }

    /// A key that is left and nearly one that was asked for: the likely cause when something else seems to be missing.
    #[must_use]
    pub fn misspelled_key(&self) -> Option<Error> {
        let (key, entry) = self.entries.iter().find(|(key, _)| {
            !self.asked.contains_key(key.as_str())
                && self.asked.keys().any(|asked| is_near(key, asked))
        })?;
        let known: Vec<_> = self.asked.keys().copied().collect();
        Some(self.unknown(&self.path, key, entry.line, &known))
    }

    /// What is allowed and unwise: credential files that others than their owner may read, on systems that tell.
    ///
    /// To be asked before a provider takes its settings, and shown to whoever can mend it.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let warning = |(key, entry): (&String, &Entry)| {
            let Setting::Table(table) = &entry.value else {
                return None;
            };
            let path = table.get(FILE)?;
            let place = self.place(key);
            is_world_readable(path.as_ref()).then(|| {
                format!("{place}: others may read the credential file {path}; let its owner alone read it, as chmod 600 does")
            })
        };
        self.entries.iter().filter_map(warning).collect()
    }

    fn take(&mut self, key: &'static str) -> Option<Entry> {
        let entry = self.entries.remove(key);
        let line = entry.as_ref().and_then(|entry| entry.line);
        let asked = self.asked.entry(key).or_default();
        *asked = line.or(*asked);
        entry
    }

    fn missing(&self, key: &str, advice: String) -> Error {
        self.error(format_args!("lacks {key}")).with_advice(advice)
    }

    fn wrong(&self, key: &str, expected: &str) -> Error {
        Error::configuration(format!("{} must be {expected}", self.place(key)))
    }

    fn exposed(&self, key: &str, what: &str) -> Error {
        Error::configuration(format!("{} {what}", self.place(key))).with_advice(format!(
            "write {key} = {{ env = \"NAME\" }} or {key} = {{ file = \"PATH\" }}; if the credential stood there, replace it: it was exposed"
        ))
    }

    fn unknown(&self, path: &str, key: &str, line: Option<usize>, known: &[&str]) -> Error {
        let message = format!("{}{path} knows no key \"{key}\"", at(line));
        Error::configuration(message).with_advice(did_you_mean(key, known))
    }
}

fn at(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: "))
        .unwrap_or_default()
}

/// The forms of a choice, as they are written.
fn forms(names: &[&str]) -> String {
    let forms: Vec<_> = names
        .iter()
        .map(|name| format!("{{ {name} = \"…\" }}"))
        .collect();
    forms.join(" or ")
}

#[cfg(test)]
mod tests;
