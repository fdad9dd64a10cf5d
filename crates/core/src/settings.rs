//! The settings of one account, read key by key.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Credential, Error, Result};

/// The settings of one account as someone wrote them.
///
/// A provider asks for the keys that it knows; [`finish`](Self::finish) then refuses all others and suggests the nearest
/// of those that were asked for. So there is no list of keys to keep up to date. Credentials are always references.
///
/// ```
/// use tokenfleet_core::{Setting, Settings};
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
#[derive(Debug, Clone, Default)]
pub struct Settings {
    path: String,
    entries: BTreeMap<String, Entry>,
    asked: BTreeSet<&'static str>,
}

#[derive(Debug, Clone)]
struct Entry {
    value: Setting,
    line: Option<usize>,
}

/// A value in a configuration.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Setting {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Named texts, such as `{ env = "LOSANT_TOKEN" }`.
    Table(BTreeMap<String, String>),
    /// A credential that a program holds itself. No configuration file can contain one.
    Credential(Credential),
}

impl Settings {
    /// No settings yet, at that place of the configuration, such as `accounts.iot`.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    /// The place of the configuration that these settings stand at.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
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
            Some(entry) => Err(self.wrong(key, &entry, "a text in quotes")),
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
                _ => Err(self.wrong(key, &entry, "a whole number")),
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
            Some(entry) => Err(self.wrong(key, &entry, "true or false")),
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
        let forms: Vec<_> = names
            .iter()
            .map(|name| format!("{{ {name} = \"…\" }}"))
            .collect();
        let expected = forms.join(" or ");
        let Setting::Table(table) = &entry.value else {
            return Err(self.wrong(key, &entry, &expected));
        };
        match table.iter().next() {
            Some((name, text)) if table.len() == 1 => match names
                .iter()
                .find(|known| *known == name)
            {
                Some(known) => Ok(Some((known, text.clone()))),
                None => Err(self.unknown(&format!("{}.{key}", self.path), name, entry.line, names)),
            },
            _ => Err(self.wrong(key, &entry, &expected)),
        }
    }

    /// Takes a reference to a credential: `{ env = "NAME" }` or `{ file = "PATH" }`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) when it is something else, above all the credential itself;
    /// the text does not repeat what was found.
    pub fn credential(&mut self, key: &'static str) -> Result<Option<Credential>> {
        let in_clear = match self.entries.get(key) {
            Some(Entry {
                value: Setting::Credential(credential),
                ..
            }) => {
                let credential = credential.clone();
                self.take(key);
                return Ok(Some(credential));
            }
            Some(entry) if !matches!(entry.value, Setting::Table(_)) => Some(entry.line),
            _ => None,
        };
        if let Some(line) = in_clear {
            return Err(Error::configuration(format!(
                "{}{}.{key} holds a credential in clear",
                at(line),
                self.path
            ))
            .with_advice(format!(
                "write {key} = {{ env = \"…\" }} or {key} = {{ file = \"…\" }}, and replace the credential: it was exposed"
            )));
        }
        Ok(match self.choice(key, &["env", "file"])? {
            Some(("env", variable)) => Some(Credential::from_env(variable)),
            Some((_, path)) => Some(Credential::from_file(path)),
            None => None,
        })
    }

    /// Takes a reference to a credential that must be there.
    ///
    /// # Errors
    ///
    /// As [`credential`](Self::credential), and when it is missing.
    pub fn required_credential(&mut self, key: &'static str) -> Result<Credential> {
        self.credential(key)?.ok_or_else(|| {
            let advice = format!("write {key} = {{ env = \"…\" }} or {key} = {{ file = \"…\" }}");
            self.missing(key, advice)
        })
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
                let known: Vec<_> = self.asked.iter().copied().collect();
                Err(self.unknown(&self.path, key, entry.line, &known))
            }
        }
    }

    /// A key that is left and nearly one that was asked for: the likely cause when something else seems to be missing.
    #[must_use]
    pub fn misspelt(&self) -> Option<Error> {
        let (key, entry) = self.entries.iter().find(|(key, _)| {
            !self.asked.contains(key.as_str()) && self.asked.iter().any(|asked| is_near(key, asked))
        })?;
        let known: Vec<_> = self.asked.iter().copied().collect();
        Some(self.unknown(&self.path, key, entry.line, &known))
    }

    fn take(&mut self, key: &'static str) -> Option<Entry> {
        self.asked.insert(key);
        self.entries.remove(key)
    }

    fn missing(&self, key: &str, advice: String) -> Error {
        Error::configuration(format!("{} lacks {key}", self.path)).with_advice(advice)
    }

    fn wrong(&self, key: &str, entry: &Entry, expected: &str) -> Error {
        Error::configuration(format!(
            "{}{}.{key} must be {expected}",
            at(entry.line),
            self.path
        ))
    }

    fn unknown(&self, path: &str, key: &str, line: Option<usize>, known: &[&str]) -> Error {
        let message = format!("{}{path} knows no key \"{key}\"", at(line));
        Error::configuration(message).with_advice(suggestion(key, known))
    }
}

fn at(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: "))
        .unwrap_or_default()
}

/// The nearest known word, or all of them when none is near.
///
/// ```
/// use tokenfleet_core::suggestion;
///
/// assert_eq!(suggestion("formean", &["losant", "foreman"]), "did you mean \"foreman\"?");
/// assert_eq!(suggestion("github", &["losant", "foreman"]), "known are losant, foreman");
/// ```
#[must_use]
pub fn suggestion(word: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .min_by_key(|candidate| (strsim::damerau_levenshtein(word, candidate), **candidate));
    match nearest {
        Some(candidate) if is_near(word, candidate) => format!("did you mean \"{candidate}\"?"),
        Some(_) => format!("known are {}", known.join(", ")),
        None => "nothing can be set here".to_owned(),
    }
}

fn is_near(word: &str, candidate: &str) -> bool {
    strsim::damerau_levenshtein(word, candidate) <= 1 + candidate.len() / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[test]
    fn a_misspelt_key_explains_what_is_missing() {
        let mut settings = Settings::new("accounts.iot");
        settings.insert("tokne", Setting::Text("hunter2".into()), Some(3));
        assert!(settings.required_credential("token").is_err());
        assert_eq!(
            settings.misspelt().unwrap().to_string(),
            "line 3: accounts.iot knows no key \"tokne\"; did you mean \"token\"?"
        );
    }

    #[test]
    fn a_program_hands_over_a_credential_that_it_holds() {
        let mut settings = Settings::new("accounts.iot");
        let held = Credential::fixed(Secret::new("hunter2"));
        settings.insert("token", Setting::Credential(held), None);
        assert!(settings.required_credential("token").is_ok());
        assert!(settings.finish().is_ok());
    }
}
