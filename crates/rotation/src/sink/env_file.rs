//! A variable in a file of environment variables as a sink.

use std::io::ErrorKind;
use std::path::Path;

use async_trait::async_trait;
use tokenfleet_core::config::cause_text;
use tokenfleet_core::{Error, Result, Secret};
use zeroize::Zeroizing;

use super::local::{LocalPlace, LocalSink, write_all};
use super::{
    Holding, Readable, SealedStamp, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};
use crate::atomic_file::AtomicFile;
use crate::env_file::EnvFile;
use crate::file_owner::is_of_others;
use crate::regular_file;

/// A variable in a file of environment variables, as systemd, Docker and shells read it.
///
/// All other lines are kept byte for byte. The value is quoted only where all these readers need
/// it, and a secret that they would read differently is refused. The stamp is a comment above the
/// variable, and is believed only in a file of the user of this process or of root that nobody else
/// may write, or if the sink may replace what others wrote. Apart from that it is like a
/// [`FileSink`](super::FileSink).
#[derive(Debug, Clone)]
pub struct EnvFileSink(LocalSink<Variable>);

/// The variable in its file.
#[derive(Debug, Clone)]
struct Variable {
    file: EnvFile,
    /// `true` if the sink may replace what others wrote: a stamp of theirs gains them nothing then,
    /// and its own stamps must be found again in a file of theirs.
    adopts: bool,
}

impl EnvFileSink {
    /// Creates a sink of a variable in the file at `path`. Neither need exist.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) for what is no name of a
    /// variable.
    pub fn new(path: impl AsRef<Path>, variable: &str) -> Result<Self> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name =
            variable.chars().all(is_word) && variable.starts_with(|c: char| !c.is_ascii_digit());
        if !is_name {
            return Err(Error::configuration(
                "a variable has letters, digits and underscores, and does not begin with a digit",
            ));
        }
        let suffix = format!("#{variable}");
        let place = Variable {
            file: EnvFile::new(variable),
            adopts: false,
        };
        Ok(Self(LocalSink::new(
            "env-file",
            path.as_ref(),
            &suffix,
            place,
        )))
    }

    /// Lets the sink replace a secret that somebody else wrote.
    #[must_use]
    pub fn with_adoption(mut self) -> Self {
        self.0.adopt = true;
        self.0.place.adopts = true;
        self
    }
}

impl LocalPlace for Variable {
    fn holding(&self, path: &Path) -> Result<Holding, String> {
        let (content, is_of_others) = match regular_file::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => (Zeroizing::default(), false),
            Err(error) => return Err(cause_text(&error)),
            Ok(file) => {
                let found = file.metadata().map_err(|error| cause_text(&error))?;
                (self.file.read_open(file)?, is_of_others(&found))
            }
        };
        let secret = (self.file)
            .value(&content)
            .filter(|secret| !secret.expose().is_empty());
        // Whoever else writes the file may have written the stamp for a secret of their own.
        let note = (self.file)
            .note(&content)
            .filter(|_| self.adopts || !is_of_others);
        let sealed = note.and_then(SealedStamp::parse);
        // Other variables may change without a conflict.
        let stamp = sealed.as_ref().map(ToString::to_string).unwrap_or_default();
        let version = match &secret {
            Some(secret) => Version::from_content(&[secret.expose().as_bytes(), stamp.as_bytes()]),
            None => Version::from_content(&[stamp.as_bytes()]),
        };
        Ok(Holding::new(version, secret, sealed))
    }

    fn write(
        &self,
        path: &Path,
        file: &mut AtomicFile,
        secret: &Secret,
        stamp: &Stamp,
    ) -> Result<(), String> {
        let content = self.file.read(path)?;
        let sealed = SealedStamp::new(stamp, secret);
        let content = self
            .file
            .set_with_note(&content, secret, &sealed.to_string())?;
        write_all(file, content.as_bytes())
    }
}

#[async_trait]
impl SecretSink for EnvFileSink {
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
