//! A lock between the processes that change a file.

use std::io;
use std::path::Path;

/// A lock on the directory of a file, held while the file is read, changed and replaced.
///
/// The file itself cannot be locked, because another one takes its place. The lock holds between
/// processes of this program; where there are no locks, nothing is locked.
#[derive(Debug)]
pub struct DirectoryLock {
    #[cfg(unix)]
    _directory: std::fs::File,
    is_held: bool,
}

impl DirectoryLock {
    /// Returns `true` if other processes are locked out, and `false` where there are no locks.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.is_held
    }
}

#[cfg(unix)]
impl DirectoryLock {
    /// Locks the directory of a file. Waits for other processes, but not forever.
    ///
    /// # Errors
    ///
    /// The directory does not exist or cannot be read, or another process keeps it locked.
    pub fn acquire(path: &Path) -> io::Result<Self> {
        use std::time::{Duration, Instant};

        use rustix::fs::{FlockOperation, flock};
        use rustix::io::Errno;

        const PATIENCE: Duration = Duration::from_secs(30);
        const INTERVAL: Duration = Duration::from_millis(10);

        let directory = std::fs::File::open(super::directory_of(path))?;
        let deadline = Instant::now() + PATIENCE;
        let is_held = loop {
            match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break true,
                // Some file systems have no locks.
                Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK) => break false,
                Err(Errno::WOULDBLOCK) if Instant::now() < deadline => {
                    std::thread::sleep(INTERVAL);
                }
                Err(Errno::WOULDBLOCK) => {
                    let message = "another program keeps its directory locked";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, message));
                }
                Err(error) => return Err(error.into()),
            }
        };
        Ok(Self {
            _directory: directory,
            is_held,
        })
    }
}

#[cfg(not(unix))]
impl DirectoryLock {
    /// Locks nothing, because directories cannot be locked here.
    ///
    /// # Errors
    ///
    /// None.
    pub fn acquire(_path: &Path) -> io::Result<Self> {
        Ok(Self { is_held: false })
    }
}
