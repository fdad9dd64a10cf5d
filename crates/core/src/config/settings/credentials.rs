//! Reading of credentials, which settings only refer to.

use super::Entry;
use super::errors::alternatives;
use crate::config::credential::{is_variable_name, is_world_readable};
use crate::config::{Credential, Setting, Settings};
use crate::error::Result;

/// The key before the name of an environment variable.
const ENV: &str = "env";
/// The key before the path of a file.
const FILE: &str = "file";

impl Settings {
    /// Reads a reference to a credential: `{ env = "NAME" }` or `{ file = "PATH" }`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the value is anything else, above all
    /// the credential itself. The error does not repeat the value.
    pub fn credential(&mut self, key: &'static str) -> Result<Option<Credential>> {
        self.credential_reference(key, false)
    }

    /// Reads a reference to a credential of several lines, such as a PEM key: like
    /// [`credential`](Self::credential), but with the whole content of a file.
    ///
    /// # Errors
    ///
    /// The same as [`credential`](Self::credential).
    pub fn untrimmed_credential(&mut self, key: &'static str) -> Result<Option<Credential>> {
        self.credential_reference(key, true)
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
        is_whole: bool,
    ) -> Result<Option<Credential>> {
        let table = match self.take(key).map(|entry| entry.value) {
            None => return Ok(None),
            Some(Setting::Credential(credential)) => return Ok(Some(credential)),
            Some(Setting::Table(table)) => table,
            Some(_) => return Err(self.exposed(key, "is a credential in plain text")),
        };
        let mut entries = table.into_iter();
        let credential = match (entries.next(), entries.next()) {
            (Some((source, variable)), None) if source == ENV => {
                if !is_variable_name(&variable) {
                    return Err(self.exposed(
                        key,
                        "is not the name of an environment variable, but perhaps the credential",
                    ));
                }
                Credential::from_env(variable)
            }
            (Some((source, path)), None) if source == FILE => {
                Credential::from_written_path(self.file_path(&path), path.into(), is_whole)
            }
            // The error does not repeat the key that was found: it may be the credential.
            _ => return Err(self.invalid(key, &alternatives(&[ENV, FILE]))),
        };
        Ok(Some(credential.located_at(self.place(key))))
    }

    /// Returns every credential that the settings refer to and that was not read yet.
    #[must_use]
    pub fn credentials(&self) -> Vec<Credential> {
        let credential = |(key, entry): (&String, &Entry)| match &entry.value {
            Setting::Credential(credential) => Some(credential.clone()),
            Setting::Table(table) if table.len() == 1 => {
                let credential = match (table.get(ENV), table.get(FILE)) {
                    (Some(variable), _) => Credential::from_env(variable),
                    (_, Some(path)) => {
                        Credential::from_written_path(self.file_path(path), path.into(), true)
                    }
                    (None, None) => return None,
                };
                Some(credential.located_at(self.place(key)))
            }
            _ => None,
        };
        self.entries.iter().filter_map(credential).collect()
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
            let path = self.file_path(table.get(FILE)?);
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
