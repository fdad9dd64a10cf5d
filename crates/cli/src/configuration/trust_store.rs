//! The configurations that the user has trusted, each with its content.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokenfleet::config::cause_text;
use tokenfleet::{Error, Result};

use super::ownership;
use super::reading::{ContentHash, read_owned};
use crate::atomic_file::{AtomicFile, Existing};
use crate::directories;

/// A directory with one file for each trusted configuration: its name is a hash of path and
/// content, and it holds the path.
#[derive(Debug)]
pub(crate) struct TrustStore {
    directory: PathBuf,
}

/// A configuration that was trusted.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The path of the configuration.
    pub(crate) path: String,
    /// `true` if the content is the one that was trusted, and `None` if it cannot be read.
    pub(crate) is_unchanged: Option<bool>,
    file: PathBuf,
}

impl TrustStore {
    /// Finds the directory, which need not exist.
    pub(crate) fn open() -> Result<Self> {
        let directory = directories::state_directory()?.join("trusted");
        Ok(Self { directory })
    }

    /// Returns `true` if the file was trusted with this content.
    pub(crate) fn contains(&self, path: &Path, content: &ContentHash) -> bool {
        let file = self.directory.join(entry_name(&place(path), content));
        let metadata = fs::metadata(&file);
        metadata.is_ok_and(|metadata| ownership::check(&metadata, &file).is_ok())
    }

    /// Returns `true` if the file was trusted with this or another content.
    pub(crate) fn knows(&self, path: &Path) -> bool {
        let path = place(path).display().to_string();
        let entries = self.entries().unwrap_or_default();
        entries.iter().any(|entry| entry.path == path)
    }

    /// Trusts the file with this content, and no longer with any other.
    pub(crate) fn add(&self, path: &Path, content: &ContentHash) -> Result<()> {
        self.remove(path)?;
        let path = place(path);
        let file = self.directory.join(entry_name(&path, content));
        let write = || {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(&self.directory)?;
            let mut entry = AtomicFile::create_for(&file)?;
            writeln!(entry, "{}", path.display())?;
            entry.persist(&file, Existing::Replace)
        };
        write().map_err(|error| self.unusable(error))
    }

    /// Stops trusting the file, and returns `true` if it was trusted.
    pub(crate) fn remove(&self, path: &Path) -> Result<bool> {
        let path = place(path).display().to_string();
        let mut was_trusted = false;
        for entry in self.entries()? {
            if entry.path == path {
                fs::remove_file(&entry.file).map_err(|error| self.unusable(error))?;
                was_trusted = true;
            }
        }
        Ok(was_trusted)
    }

    /// Returns all trusted configurations, in the order of their paths.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>> {
        let files = match fs::read_dir(&self.directory) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.unusable(error)),
        };
        let files = files.filter_map(Result::ok).map(|file| file.path());
        let mut entries: Vec<_> = files.filter_map(read_entry).collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    fn unusable(&self, error: io::Error) -> Error {
        let message = format!(
            "cannot use the directory of trusted configurations, {}: {}",
            self.directory.display(),
            cause_text(&error)
        );
        let advice = "make it writable by this user, or name the configuration with --config";
        Error::configuration(message)
            .with_source(error)
            .with_advice(advice)
    }
}

/// Reads an entry. Other files, such as one that is being written, are none.
fn read_entry(file: PathBuf) -> Option<Entry> {
    let name = file.file_name()?.to_str()?;
    if name.len() != 64 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let text = fs::read_to_string(&file).ok()?;
    let path = text.strip_suffix('\n')?.to_owned();
    let is_unchanged = match read_owned(Path::new(&path)) {
        Ok((_, content)) => Some(entry_name(Path::new(&path), &content) == name),
        Err(_) => Path::new(&path).exists().then_some(false),
    };
    Some(Entry {
        is_unchanged,
        path,
        file,
    })
}

/// Returns the path as one that is the same in every working directory.
fn place(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (absolute.parent(), absolute.file_name()) {
        (Some(directory), Some(name)) => match directory.canonicalize() {
            Ok(directory) => directory.join(name),
            Err(_) => absolute,
        },
        _ => absolute,
    }
}

fn entry_name(path: &Path, content: &ContentHash) -> String {
    let mut hash = Sha256::new();
    hash.update(path.as_os_str().as_encoded_bytes());
    hash.update([0]);
    hash.update(content);
    let hash: ContentHash = hash.finalize().into();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
