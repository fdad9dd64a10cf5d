//! The file of annotations beside the configuration.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tokenfleet::config::{Settings, cause_text};
use tokenfleet::{Annotation, Annotations, Configuration, Error, Result};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use crate::atomic_file::{AtomicFile, DirectoryLock, Existing, follow_links};
use crate::configuration::{check_ownership_of, tables};
use crate::regular_file;

const DEFAULT_FILE: &str = "annotations.toml";

/// The key of the tables in the file.
const ENTRIES: &str = "annotation";

/// The file of annotations, whether it exists or not.
#[derive(Debug)]
pub(crate) struct AnnotationFile {
    path: PathBuf,
    /// `true` if the configuration names the file, which must exist then.
    is_named: bool,
}

impl AnnotationFile {
    /// Reads the table `[annotations]`.
    pub(crate) fn new(configuration: &Configuration) -> Result<Self> {
        let table = configuration
            .table(tables::ANNOTATIONS)
            .cloned()
            .unwrap_or_default();
        let file = file_setting(table).map_err(|error| configuration.locate(error))?;
        Ok(Self {
            is_named: file.is_some(),
            path: configuration.file_path(file.as_deref().unwrap_or(DEFAULT_FILE)),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the annotations, of which there are none without a file.
    pub(crate) fn read(&self) -> Result<Annotations> {
        let text = self.text()?;
        Annotations::parse(&text.unwrap_or_default()).map_err(|error| self.locate(error))
    }

    /// Reads the text of the file, if it exists or must exist.
    ///
    /// A file that nobody named must be the user's own, as a configuration must be (decision 0033).
    fn text(&self) -> Result<Option<String>> {
        let unreadable = |error: io::Error| self.error("read", &error);
        let mut file = match regular_file::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_named => {
                return Ok(None);
            }
            opened => opened.map_err(unreadable)?,
        };
        if !self.is_named {
            let opened = file.metadata().map_err(unreadable)?;
            check_ownership_of(&opened, &self.path, "name it in the table [annotations]")?;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unreadable)?;
        Ok(Some(text))
    }

    /// Sets the fields of an annotation that are given, or adds it after all others.
    pub(crate) fn set(&self, annotation: &Annotation) -> Result<()> {
        let until = annotation.until.map(|until| until.to_string());
        self.edit(|entries| {
            let position = entries.iter().position(|entry| is_about(entry, annotation));
            let position = position.unwrap_or_else(|| {
                let mut entry = Table::new();
                if annotation.account != "*" {
                    entry["account"] = value(&annotation.account);
                }
                entry[annotation.token.key()] = value(annotation.token.as_str());
                entries.push(entry);
                entries.len() - 1
            });
            let Some(entry) = entries.get_mut(position) else {
                return false;
            };
            for (key, text) in [
                ("owner", &annotation.owner),
                ("team", &annotation.team),
                ("purpose", &annotation.purpose),
                ("until", &until),
            ] {
                if let Some(text) = text {
                    entry[key] = value(text);
                }
            }
            true
        })
        .map(|_| ())
    }

    /// Removes an annotation, and returns `true` if there was one.
    pub(crate) fn remove(&self, annotation: &Annotation) -> Result<bool> {
        self.edit(|entries| {
            let before = entries.len();
            entries.retain(|entry| !is_about(entry, annotation));
            entries.len() < before
        })
    }

    /// Changes the file as a whole, and keeps its comments. A change that returns `false` changes
    /// nothing.
    fn edit(&self, change: impl FnOnce(&mut ArrayOfTables) -> bool) -> Result<bool> {
        if !self.is_named && self.path.is_symlink() {
            let path = self.path.display();
            let message = format!("{path} is a link, which may lead to a file of another purpose");
            return Err(Error::configuration(message)
                .with_advice("name its file in the table [annotations], or replace it by a file"));
        }
        let path = follow_links(&self.path);
        let locked = DirectoryLock::acquire(&path);
        let _lock = locked.map_err(|error| self.error("write", &error))?;
        // What cannot be read is not overwritten.
        let text = match path.try_exists() {
            Ok(false) => String::new(),
            _ => self.text()?.unwrap_or_default(),
        };
        Annotations::parse(&text).map_err(|error| self.locate(error))?;
        let parsed = text.parse::<DocumentMut>();
        let mut document =
            parsed.map_err(|_| self.locate(Error::configuration("the file is not valid TOML")))?;
        let entries = document.entry(ENTRIES);
        let entries = entries.or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let Some(entries) = entries.as_array_of_tables_mut() else {
            let error = Error::configuration("`annotation` is not written as tables");
            let error = error.with_advice("write each as a table [[annotation]]");
            return Err(self.locate(error));
        };
        if !change(entries) {
            return Ok(false);
        }
        let text = document.to_string();
        Annotations::parse(&text).map_err(|error| self.locate(error))?;
        replace(&path, &text).map_err(|error| self.error("write", &error))?;
        Ok(true)
    }

    fn locate(&self, error: Error) -> Error {
        error.with_message_prefix(&self.path.display().to_string())
    }

    fn error(&self, verb: &str, error: &io::Error) -> Error {
        let path = self.path.display();
        Error::configuration(format!("cannot {verb} {path}: {}", cause_text(error)))
    }
}

/// Replaces the file, which keeps its permissions.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let permissions = std::fs::metadata(path).map(|found| found.permissions());
    let mut file = AtomicFile::create_for(path)?;
    file.write_all(text.as_bytes())?;
    file.persist(path, Existing::Replace)?;
    match permissions {
        Ok(permissions) => std::fs::set_permissions(path, permissions),
        Err(_) => Ok(()),
    }
}

fn file_setting(mut table: Settings) -> Result<Option<String>> {
    let file = table.text("file")?;
    table.finish()?;
    Ok(file)
}

/// Returns `true` if an entry of the file has the account and the token of an annotation.
fn is_about(entry: &Table, annotation: &Annotation) -> bool {
    let text = |key| entry.get(key).and_then(Item::as_str);
    text("account").unwrap_or("*") == annotation.account
        && text(annotation.token.key()) == Some(annotation.token.as_str())
}
