//! Reading of a configuration file, with a digest of exactly what was read.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokenfleet::config::cause_text;
use tokenfleet::transport::Transport;
use tokenfleet::{Configuration, Error, Registry, Result};

use super::discovery::ConfigurationFile;
use super::nothing_sent::NothingSent;
use super::{command_files, ownership, reader};
use crate::regular_file;

/// The SHA-256 of the content of a file, and of what its commands run beside it.
pub(crate) type ContentHash = [u8; 32];

/// A configuration, and the file that it was read from.
pub(crate) struct Loaded {
    pub(crate) configuration: Configuration,
    pub(crate) file: ConfigurationFile,
    /// The hash of the content, unless somebody named the file.
    pub(crate) content: Option<ContentHash>,
}

impl ConfigurationFile {
    /// Reads the configuration. A file that nobody named must be the user's own.
    pub(crate) fn read(self) -> Result<Loaded> {
        let (configuration, content) = if self.is_named() {
            let read = reader().read(&self.path);
            let configuration = read.map_err(|error| match self.path.try_exists() {
                Ok(false) => error.with_advice("create it, or pass another file with --config"),
                _ => error,
            })?;
            (configuration, None)
        } else {
            let (configuration, content) = read_owned(&self.path)?;
            (configuration, Some(content))
        };
        Ok(Loaded {
            configuration,
            file: self,
            content,
        })
    }
}

/// Reads a configuration that nobody but the user and root can change, and hashes its content and
/// the files beside it that its commands name.
///
/// The open file is judged, hashed and parsed, so that no other can take its place meanwhile.
pub(crate) fn read_owned(path: &Path) -> Result<(Configuration, ContentHash)> {
    let unreadable = |error: io::Error| {
        let message = format!("cannot read {}: {}", path.display(), cause_text(&error));
        Error::configuration(message).with_source(error)
    };
    let file = regular_file::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => {
            let message = format!("{} is not a regular file", path.display());
            Error::configuration(message).with_advice("replace it by a file")
        }
        _ => unreadable(error),
    })?;
    ownership::check(&file.metadata().map_err(unreadable)?, path)?;
    let mut hashing = Hashing {
        reader: file,
        hash: Sha256::new(),
    };
    let configuration = reader().read_from(&mut hashing, path)?;
    command_files::hash(&mut hashing.hash, &configuration, path);
    Ok((configuration, hashing.hash.finalize().into()))
}

/// A reader that hashes what it reads.
struct Hashing<R> {
    reader: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.hash.update(&buffer[..length]);
        Ok(length)
    }
}

/// Checks that the text of a configuration can be parsed, and that its accounts can be opened.
pub(crate) fn check_text(text: &str, path: &Path) -> Result<()> {
    let configuration = reader().parse(text)?;
    let transport: Arc<dyn Transport> = Arc::new(NothingSent);
    for account in configuration.accounts() {
        Registry::with_builtin()
            .open(account, Arc::clone(&transport))
            .map_err(|error| error.with_message_prefix(&path.display().to_string()))?;
    }
    Ok(())
}
