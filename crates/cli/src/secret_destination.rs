//! The destination of a secret that a platform will issue, prepared before anything is sent.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tokenfleet::config::cause_text;
use tokenfleet::{Error, ErrorKind, Fate, Result, Secret};
use tokenfleet_rotation::env_file::EnvFile;

use crate::arguments::{Place, PlaceArguments, SecretArguments};
use crate::atomic_file::{AtomicFile, DirectoryLock, Existing, follow_links};
use crate::output::{Format, is_discarded};
use crate::{file_owner, regular_file};

/// The space for a secret, in bytes, that is reserved on the disk.
const RESERVED: usize = 64 << 10;

/// A place that takes one secret.
#[derive(Debug)]
pub(crate) enum SecretDestination {
    /// Standard output, with the record of the token or alone.
    StandardOutput { secret_only: bool },
    /// A file that appears with the secret in it.
    File { place: Place, target: Target },
}

/// The file that a secret goes to.
#[derive(Debug)]
pub(crate) struct Target {
    file: AtomicFile,
    path: PathBuf,
    variable: Option<EnvFile>,
}

/// A secret that did not get to its place.
#[derive(Debug)]
pub(crate) struct Undelivered {
    pub(crate) reason: String,
    /// A file under another name that holds the secret; it is deleted when this is dropped.
    pub(crate) file: Option<AtomicFile>,
}

impl From<io::Error> for Undelivered {
    fn from(error: io::Error) -> Self {
        Self {
            reason: cause_text(&error),
            file: None,
        }
    }
}

impl SecretDestination {
    /// Prepares the place of a secret.
    ///
    /// # Errors
    ///
    /// The secret would be shown on a terminal unasked, or lost, or the file cannot be written.
    pub(crate) fn prepare(
        arguments: &SecretArguments,
        requested_format: Option<Format>,
    ) -> Result<Self> {
        if arguments.secret_only {
            let problem = match (&arguments.place.to, requested_format) {
                (Some(Place::File(_) | Place::EnvFile(..)), _) => Some("--to with a file"),
                (_, Some(_)) => Some("--output"),
                _ => None,
            };
            if let Some(other) = problem {
                let message = format!("--secret-only and {other} cannot be used together");
                return Err(Error::invalid_input(message));
            }
        }
        Self::prepare_place(&arguments.place, arguments.secret_only)
    }

    /// Prepares the place of a secret that takes the place of a revoked one.
    pub(crate) fn prepare_place(arguments: &PlaceArguments, secret_only: bool) -> Result<Self> {
        let place = arguments.to.clone().unwrap_or(Place::StandardOutput);
        let target = match &place {
            Place::StandardOutput => {
                check_standard_output(arguments.show_secret)?;
                return Ok(Self::StandardOutput { secret_only });
            }
            Place::File(path) => Target::new_file(path)?,
            Place::EnvFile(path, name) => Target::env_file(path, name)?,
        };
        Ok(Self::File { place, target })
    }
}

/// Rejects standard output if nobody could read a secret there, or if others may look on.
fn check_standard_output(show_secret: bool) -> Result<()> {
    if is_discarded() {
        let message = "standard output is closed, discarded or no longer read, so the new secret \
                       would be lost";
        return Err(Error::new(ErrorKind::Other, Fate::NotSent, message)
            .with_advice("write it to a pipe or a file"));
    }
    if io::stdout().is_terminal() && !show_secret {
        let message = "a new secret is not shown on a terminal without --show-secret";
        return Err(Error::invalid_input(message)
            .with_advice("pass --to file:PATH to store it, or --show-secret to see it"));
    }
    Ok(())
}

fn cannot_write(path: &Path, reason: &str) -> Error {
    let message = format!("cannot write {}: {reason}", path.display());
    Error::invalid_input(message)
}

/// Rejects what is no place for a file, such as a stream of this process.
fn check_place(path: &Path) -> Result<()> {
    regular_file::check_place(path).map_err(|error| {
        let cause = cannot_write(path, &cause_text(&error));
        match error.kind() {
            io::ErrorKind::InvalidInput => {
                cause.with_advice("name a file, or `--to stdout` for standard output")
            }
            _ => cause,
        }
    })
}

fn create(path: &Path, reserved: usize) -> Result<AtomicFile> {
    let created = AtomicFile::create_for(path).and_then(|mut file| {
        file.reserve(reserved)?;
        Ok(file)
    });
    created.map_err(|error| {
        let cause = cannot_write(path, &cause_text(&error));
        match error.kind() {
            io::ErrorKind::NotFound => cause.with_advice("create its directory first"),
            _ => cause,
        }
    })
}

impl Target {
    /// Prepares a file that does not exist yet.
    fn new_file(path: &Path) -> Result<Self> {
        check_place(path)?;
        if path.symlink_metadata().is_ok() {
            return Err(cannot_write(path, "it exists already")
                .with_advice("choose another name, or delete it first"));
        }
        Ok(Self {
            file: create(path, RESERVED)?,
            path: path.to_owned(),
            variable: None,
        })
    }

    /// Prepares a file of environment variables, which may exist.
    fn env_file(path: &Path, name: &str) -> Result<Self> {
        let named = path;
        check_place(named)?;
        let path = follow_links(named);
        // Before it is looked at: one that takes its place meanwhile gets nothing.
        let existing = path.metadata();
        let stranger = file_owner::stranger(named).or_else(|| file_owner::stranger(&path));
        if let Some(reason) = stranger {
            return Err(cannot_write(named, &reason).with_advice(
                "run this as its owner; or, if that user is to have the secret, deliver it with \
                 `rotate --to` and --adopt",
            ));
        }
        let variable = EnvFile::new(name);
        let content = variable
            .read(&path)
            .map_err(|reason| cannot_write(&path, &reason))?;
        let file = create(&path, content.len() + RESERVED)?;
        if let Ok(existing) = existing {
            file.set_owner_of(&existing).map_err(|error| {
                cannot_write(&path, &cause_text(&error))
                    .with_advice("it belongs to another user; run this as its owner")
            })?;
        }
        Ok(Self {
            file,
            path,
            variable: Some(variable),
        })
    }

    /// Writes the secret and puts the file in its place.
    pub(crate) fn deliver(mut self, secret: &Secret) -> Result<(), Undelivered> {
        // Another process may set another variable, and both must stay.
        let lock = (self.variable.is_some()).then(|| DirectoryLock::acquire(&self.path));
        let written = match (&self.variable, lock.as_ref()) {
            (_, Some(Err(error))) => Err(cause_text(error)),
            (None, _) => Ok(self.file.write_all(secret.expose().as_bytes())),
            // It is read again, because somebody may have changed it meanwhile.
            (Some(variable), _) => variable.read(&self.path).and_then(|content| {
                let content = variable.set(&content, secret)?;
                Ok(self.file.write_all(content.as_bytes()))
            }),
        };
        let existing = match self.variable {
            None => Existing::Refuse,
            Some(_) => Existing::Replace,
        };
        // The lock is held until the file is in its place.
        let reason = match written {
            Ok(Ok(())) => match self.file.persist_or_return(&self.path, existing) {
                Ok(()) => return Ok(()),
                Err((error, file)) => {
                    self.file = file;
                    cause_text(&error)
                }
            },
            Ok(Err(error)) => cause_text(&error),
            Err(reason) => reason,
        };
        // The file that stays holds the secret alone.
        let rewritten = (self.file.clear()).and_then(|()| {
            self.file.write_all(secret.expose().as_bytes())?;
            self.file.flush()
        });
        Err(Undelivered {
            reason,
            file: rewritten.is_ok().then_some(self.file),
        })
    }
}
