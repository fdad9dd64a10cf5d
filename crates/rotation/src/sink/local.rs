//! What the sinks on this machine's disk have in common.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokenfleet_core::config::cause_text;
use tokenfleet_core::{Error, ErrorKind, Fate, Result, Secret};

use super::{Holding, SinkState, Stamp, Version};
use crate::atomic_file::{AtomicFile, DirectoryLock, Existing, follow_links, remove_superseded};
use crate::{file_owner, regular_file};

/// A place in a file that is replaced as a whole.
pub(super) trait LocalPlace: Clone + Send + 'static {
    /// Returns what the place in the file at `path` holds.
    fn holding(&self, path: &Path) -> Result<Holding, String>;

    /// Writes the new content of the file at `path` to `file`.
    fn write(
        &self,
        path: &Path,
        file: &mut AtomicFile,
        secret: &Secret,
        stamp: &Stamp,
    ) -> Result<(), String>;
}

/// A file, and the place in it.
#[derive(Debug, Clone)]
pub(super) struct LocalSink<P> {
    /// The place in the form for messages.
    pub(super) name: String,
    pub(super) adopt: bool,
    path: PathBuf,
    pub(super) place: P,
}

impl<P: LocalPlace> LocalSink<P> {
    pub(super) fn new(kind: &str, path: &Path, suffix: &str, place: P) -> Self {
        // A relative path means the same place whatever the current directory becomes.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            name: format!("{kind}:{}{suffix}", path.display()),
            adopt: false,
            path,
            place,
        }
    }

    pub(super) async fn read(&self) -> Result<SinkState> {
        let sink = self.clone();
        let found = in_thread(move || sink.holding(&follow_links(&sink.path))).await;
        found.map(Holding::into_state)
    }

    /// Checks that the place is one of a file whose directory exists and can be written.
    pub(super) async fn check(&self) -> Result<()> {
        let sink = self.clone();
        in_thread(move || sink.check_now()).await
    }

    fn check_now(&self) -> Result<()> {
        self.check_place()?;
        let path = follow_links(&self.path);
        let directory = path.parent().unwrap_or(Path::new("/"));
        if !directory.is_dir() {
            let error = self.failed("written", "its directory does not exist");
            return Err(error.with_advice(format!("create {}", directory.display())));
        }
        #[cfg(unix)]
        {
            use rustix::fs::{Access, access};

            // A file system that is mounted read-only counts, which the mode would not tell.
            access(directory, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
                let reason = cause_text(&io::Error::from(error));
                let reason = format!("its directory cannot be written: {reason}");
                let advice = format!("let this user write {}", directory.display());
                self.failed("written", &reason).with_advice(advice)
            })?;
        }
        Ok(())
    }

    pub(super) async fn write(
        &self,
        secret: &Secret,
        expected: &Version,
        stamp: &Stamp,
    ) -> Result<Version> {
        let sink = self.clone();
        let (secret, expected, stamp) = (secret.duplicate(), expected.clone(), stamp.clone());
        in_thread(move || sink.write_now(&secret, &expected, &stamp)).await
    }

    /// Rejects a place where a file would not get to whoever reads it.
    fn check_place(&self) -> Result<()> {
        regular_file::check_place(&self.path).map_err(|error| {
            let failed = self.failed("used", &cause_text(&error));
            match error.kind() {
                io::ErrorKind::InvalidInput => {
                    failed.with_advice("name a regular file, or one that does not exist yet")
                }
                _ => failed,
            }
        })
    }

    fn holding(&self, path: &Path) -> Result<Holding> {
        self.check_place()?;
        check_readers(path).map_err(|reason| self.failed("used", &reason))?;
        let found = self.place.holding(path);
        let found = found.map_err(|reason| self.failed("read", &reason))?;
        self.check_owner(&found)?;
        Ok(found)
    }

    /// Rejects a file that another user may have put there to get the secret. With a stamp that
    /// only this user or root can have written it was used before.
    fn check_owner(&self, found: &Holding) -> Result<()> {
        if self.adopt || found.is_stamped() {
            return Ok(());
        }
        let path = follow_links(&self.path);
        match file_owner::stranger(&self.path).or_else(|| file_owner::stranger(&path)) {
            None => Ok(()),
            Some(reason) => Err(self.failed("used", &reason).with_advice(
                "if that user is to have the secret, adopt the place (adopt = true in the table of \
                 the sink, or --adopt); a file with its stamp beside it needs that only once",
            )),
        }
    }

    fn write_now(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        let unwritten = |reason: &str| self.failed("written", reason);
        let io_failed = |error: io::Error| unwritten(&cause_text(&error));
        let path = follow_links(&self.path);
        let lock = DirectoryLock::acquire(&path).map_err(io_failed)?;
        if !lock.is_held() {
            return Err(unwritten("its file system has no locks")
                .with_advice("two processes could write at once; use another file system"));
        }
        // Whoever owns the folder may have kept the lock while a link changed.
        if follow_links(&self.path) != path {
            return Err(unwritten("a link that leads to it has changed; try again"));
        }
        // Before it is looked at: one that takes its place meanwhile gets nothing.
        let existing = path.metadata();
        let found = self.holding(&path)?;
        found.check(&self.name, expected, stamp, self.adopt)?;
        let mut file = create(&path, stamp).map_err(io_failed)?;
        if let Ok(existing) = existing {
            file.set_owner_of(&existing).map_err(|error| {
                io_failed(error).with_advice("it belongs to another user; run this as its owner")
            })?;
        }
        let written = self.place.write(&path, &mut file, secret, stamp);
        written.map_err(|reason| unwritten(&reason))?;
        // From here on it may be in its place.
        let persisted = file.persist(&path, Existing::Replace);
        persisted.map_err(|error| io_failed(error).with_fate(Fate::MaybeApplied))?;
        // Deliveries that were killed have left secrets which nobody will use any more.
        remove_superseded(&path);
        let written = self.holding(&path);
        let written = written.map_err(|error| error.with_fate(Fate::Applied))?;
        Ok(written.into_state().version)
    }

    /// Creates an error of which nothing was written.
    fn failed(&self, verb: &str, reason: &str) -> Error {
        let message = format!("{} cannot be {verb}: {reason}", self.name);
        Error::new(ErrorKind::Other, Fate::NotSent, message)
    }
}

/// Rejects a file that everybody may read. Its successor would be readable by fewer, and whoever
/// relies on that would lose the secret.
fn check_readers(path: &Path) -> Result<(), String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        const OTHERS_READ: u32 = 0o004;
        if path
            .metadata()
            .is_ok_and(|file| file.is_file() && file.mode() & OTHERS_READ != 0)
        {
            return Err(
                "every user may read it; give it to a group (chgrp), and run chmod o-r".to_owned(),
            );
        }
        if has_access_list(path) {
            return Err(
                "it has an access control list, which its successor would not have; give it to a \
                 group (chgrp), and run setfacl -b"
                    .to_owned(),
            );
        }
    }
    let _ = path;
    Ok(())
}

/// Returns `true` if a file has an access control list beside its mode.
#[cfg(unix)]
fn has_access_list(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        let mut list = [0_u8; 4096];
        match rustix::fs::getxattr(path, "system.posix_acl_access", &mut list[..]) {
            Ok(size) => size > 0,
            Err(error) => error == rustix::io::Errno::RANGE,
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        false
    }
}

/// Creates a file whose name tells the operation, if the stamp has the id of one.
pub(super) fn create(path: &Path, stamp: &Stamp) -> io::Result<AtomicFile> {
    match stamp.operation().parse() {
        Ok(operation) => AtomicFile::create_for_operation(path, operation),
        Err(_) => AtomicFile::create_for(path),
    }
}

/// Writes bytes and names the reason if that fails.
pub(super) fn write_all(file: &mut AtomicFile, bytes: &[u8]) -> Result<(), String> {
    file.write_all(bytes).map_err(|error| cause_text(&error))
}

/// Runs something that waits for the disk or a lock where that holds up nobody.
async fn in_thread<T: Send + 'static>(
    run: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(run).await.unwrap_or_else(|_| {
        let message = "the thread that writes files has ended";
        Err(Error::new(ErrorKind::Other, Fate::MaybeApplied, message))
    })
}
