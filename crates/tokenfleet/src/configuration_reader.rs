//! Reading of a configuration file, with tables that belong to the program.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::config::{cause_text, is_showable_path};
use crate::document::DeclaredTables;
use crate::{Configuration, Error, Result, toml};

/// The maximum size of a configuration file, in bytes.
const MAX_FILE_SIZE: u64 = 16 << 20;

/// A reader of a `tokenfleet.toml` that also holds tables of your program.
///
/// Without a declaration such a table is an unknown key, which is an error.
///
/// ```
/// use tokenfleet::ConfigurationReader;
///
/// let configuration = ConfigurationReader::new()
///     .with_table("audit")
///     .with_named_tables("checks")
///     .parse("[audit]\nfile = 'audit.jsonl'\n[checks.stale]\nunused_for = '90d'")?;
/// let mut audit = configuration.table("audit").cloned().unwrap_or_default();
/// assert_eq!(audit.text("file")?.as_deref(), Some("audit.jsonl"));
/// audit.finish()?;
/// let names: Vec<_> = configuration.named_tables("checks").map(|(name, _)| name).collect();
/// assert_eq!(names, ["stale"]);
/// # Ok::<(), tokenfleet::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ConfigurationReader {
    declared: DeclaredTables,
}

impl ConfigurationReader {
    /// Creates a reader of the tables `accounts`, `queries` and `transport`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table `[NAME]`, which [`Configuration::table`] returns.
    #[must_use]
    pub fn with_table(mut self, name: impl Into<String>) -> Self {
        self.declared.single.push(name.into());
        self
    }

    /// Adds a group of tables `[GROUP.NAME]`, which [`Configuration::named_tables`] returns.
    #[must_use]
    pub fn with_named_tables(mut self, group: impl Into<String>) -> Self {
        self.declared.named.push(group.into());
        self
    }

    /// Parses the text of a `tokenfleet.toml`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the line. The error text shows
    /// keys of the document but no values, so it cannot leak a credential that was written into it.
    pub fn parse(&self, text: &str) -> Result<Configuration> {
        toml::parse(text, &self.declared)
    }

    /// Reads and parses a `tokenfleet.toml` of at most 16 MiB. Relative paths in it start from its
    /// directory.
    ///
    /// # Errors
    ///
    /// The errors of [`parse`](Self::parse), naming the file, and an error if the file cannot be
    /// read.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Configuration> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        self.read_from(file, path)
    }

    /// Reads and parses a `tokenfleet.toml` that is open already, such as one whose owner was
    /// checked. Apart from that it is like [`read`](Self::read): `path` names it in errors, and
    /// relative paths in it start from the directory of `path`.
    ///
    /// # Errors
    ///
    /// The same as [`read`](Self::read).
    pub fn read_from(&self, file: impl Read, path: impl AsRef<Path>) -> Result<Configuration> {
        let path = path.as_ref();
        let text = read_text(file).map_err(|error| unreadable(path, error))?;
        let origin = origin(path);
        let mut configuration = self
            .parse(&text)
            .map_err(|error| error.with_message_prefix(&origin))?;
        // A pipe has no directory that its content could refer to.
        let directory = path.parent().filter(|_| path.is_file());
        configuration.set_origin(origin, directory.unwrap_or(Path::new("")));
        Ok(configuration)
    }
}

/// Returns how errors call the file.
fn origin(path: &Path) -> String {
    if is_showable_path(path) {
        path.display().to_string()
    } else {
        "the configuration file".to_owned()
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    let message = format!("cannot read {}: {}", origin(path), cause_text(&error));
    let error = Error::configuration(message).with_source(error);
    if is_missing {
        error.with_advice("create it")
    } else {
        error
    }
}

fn read_text(file: impl Read) -> io::Result<String> {
    let mut text = String::new();
    file.take(MAX_FILE_SIZE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_SIZE {
        let message = format!("it is larger than {} MiB", MAX_FILE_SIZE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

impl Configuration {
    /// Parses the text of a `tokenfleet.toml`.
    ///
    /// [`ConfigurationReader`] also reads tables of your program.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the line. The error text shows
    /// keys of the document but no values, so it cannot leak a credential that was written into it.
    pub fn parse(text: &str) -> Result<Self> {
        ConfigurationReader::new().parse(text)
    }

    /// Reads and parses a `tokenfleet.toml` of at most 16 MiB. Relative paths in it start from its
    /// directory.
    ///
    /// # Errors
    ///
    /// The errors of [`parse`](Self::parse), naming the file, and an error if the file cannot be
    /// read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        ConfigurationReader::new().read(path)
    }
}
