//! A file as a sink.

use std::fs::Metadata;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokenfleet_core::config::cause_text;
use tokenfleet_core::{Result, Secret};
use zeroize::Zeroizing;

use super::local::{LocalPlace, LocalSink, create, write_all};
use super::{
    Holding, Readable, SealedStamp, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};
use crate::atomic_file::{AtomicFile, Existing, remove_superseded};
use crate::file_owner::{is_of_others, stranger};
use crate::regular_file;

/// The maximum size of a file with a secret or with its stamps, in bytes.
const MAX_SIZE: usize = 64 << 10;

/// A file that holds the secret and nothing else, without a line break at its end.
///
/// The file is replaced as a whole, under a lock on its directory, which the program holds for its
/// own files as well. A new file belongs to its owner alone. One that exists keeps its owner, and
/// its group may still read it. The stamp is in a second file, which ends in `.stamp`, belongs to
/// the user of this process, and is believed only if it belongs to that user or to root, and nobody
/// else may write it.
///
/// A file that every user may read is refused. Where a file system has no locks, nothing is
/// written. The owner of the secret must read the file anew after each rotation.
///
/// ```
/// use tokenfleet_core::{Secret, TokenId};
/// use tokenfleet_rotation::sink::{FileSink, SecretSink, Stamp};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("token");
/// let sink = FileSink::new(&path);
/// let found = sink.read().await?;
/// let stamp = Stamp::new("op-1", 1, TokenId::new("65f0"));
/// sink.write(&Secret::new("SK-PrjW98OTY1h8QTY9hUA"), &found.version, &stamp).await?;
/// assert_eq!(std::fs::read_to_string(path)?, "SK-PrjW98OTY1h8QTY9hUA");
/// assert_eq!(sink.read().await?.stamp, Some(stamp));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FileSink(LocalSink<WholeFile>);

#[derive(Debug, Clone)]
struct WholeFile;

impl FileSink {
    /// Creates a sink of the file at `path`, which need not exist. Its directory must.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self(LocalSink::new("file", path.as_ref(), "", WholeFile))
    }

    /// Lets the sink replace a secret that somebody else wrote.
    #[must_use]
    pub fn with_adoption(mut self) -> Self {
        self.0.adopt = true;
        self
    }
}

impl LocalPlace for WholeFile {
    fn holding(&self, path: &Path) -> Result<Holding, String> {
        let content = read(path)?;
        let stamps = stamps(path)?;
        let text = content.as_ref().map(|content| {
            let text = content.trim_end_matches(['\r', '\n']);
            Secret::new(text)
        });
        let secret = text.filter(|secret| !secret.expose().is_empty());
        let own = secret
            .as_ref()
            .and_then(|secret| stamps.iter().find(|stamp| stamp.is_of(secret)));
        let sealed = own.or(stamps.first()).cloned();
        let stamp_text = own.map(ToString::to_string).unwrap_or_default();
        let version = match content {
            Some(content) => Version::from_content(&[content.as_bytes(), stamp_text.as_bytes()]),
            None => Version::new("absent"),
        };
        Ok(Holding::new(version, secret, sealed))
    }

    /// Writes the stamps of the old and the new secret first: the one whose secret is in the file
    /// is valid, whether the file itself is replaced or not.
    fn write(
        &self,
        path: &Path,
        file: &mut AtomicFile,
        secret: &Secret,
        stamp: &Stamp,
    ) -> Result<(), String> {
        if secret.expose().len() > MAX_SIZE {
            return Err("the secret is larger than 64 KiB".to_owned());
        }
        write_all(file, secret.expose().as_bytes())?;
        let old = self.holding(path)?.into_sealed();
        let stamps: Vec<_> = [Some(SealedStamp::new(stamp, secret)), old]
            .into_iter()
            .flatten()
            .collect();
        let text = serde_json::to_string(&stamps).map_err(|error| error.to_string())?;
        let stamp_path = stamp_path(path);
        let written = create(&stamp_path, stamp).and_then(|mut stamp_file| {
            if let Ok(existing) = path.metadata() {
                stamp_file.show_to_group_of(&existing)?;
            }
            stamp_file.write_all(text.as_bytes())?;
            stamp_file.persist(&stamp_path, Existing::Replace)?;
            remove_superseded(&stamp_path);
            Ok(())
        });
        written.map_err(|error| format!("{}: {}", stamp_path.display(), cause_text(&error)))
    }
}

/// Returns the path of the file with the stamps.
fn stamp_path(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".stamp");
    path.into()
}

/// Reads the stamps of the last two writes, the later one first. What is no stamp is ignored, and
/// so are those that somebody else may have written beside a secret of theirs: then the secret
/// counts as written by somebody else.
fn stamps(path: &Path) -> Result<Vec<SealedStamp>, String> {
    let path = stamp_path(path);
    let found = read_with_owner(&path);
    let found = found.map_err(|reason| format!("{}: {reason}", path.display()))?;
    let is_believed = |found: &(_, Metadata)| !is_of_others(&found.1) && stranger(&path).is_none();
    Ok(found
        .filter(is_believed)
        .map(|(text, _)| text)
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

/// Reads a file, if there is one.
fn read(path: &Path) -> Result<Option<Zeroizing<String>>, String> {
    Ok(read_with_owner(path)?.map(|(text, _)| text))
}

/// Reads a file, if there is one, and who owns it and may write it.
fn read_with_owner(path: &Path) -> Result<Option<(Zeroizing<String>, Metadata)>, String> {
    let file = match regular_file::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cause_text(&error)),
    };
    let found = file.metadata().map_err(|error| cause_text(&error))?;
    // The buffer never grows, because that would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_SIZE + 1));
    match file.take(MAX_SIZE as u64 + 1).read_to_string(&mut text) {
        Ok(length) if length > MAX_SIZE => Err("it is larger than 64 KiB".to_owned()),
        Ok(_) => Ok(Some((text, found))),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err("it is not valid UTF-8".to_owned())
        }
        Err(error) => Err(cause_text(&error)),
    }
}

#[async_trait]
impl SecretSink for FileSink {
    fn place(&self) -> &str {
        &self.0.name
    }

    fn capabilities(&self) -> SinkCapabilities {
        SinkCapabilities::new(Readable::Secret)
            .with_compare_and_swap()
            .with_adoption(self.0.adopt)
    }

    async fn read(&self) -> Result<SinkState> {
        self.0.read().await
    }

    async fn check(&self) -> Result<()> {
        self.0.check().await
    }

    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        self.0.write(secret, expected, stamp).await
    }
}
