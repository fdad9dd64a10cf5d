//! The marks of processes that change tokens: what a process is still doing is not resumed.
//!
//! A mark is a locked file in a directory beside the ledger, named after the run. Whoever opens the
//! ledger sees it, whatever the home directory. The system unlocks it when the process ends,
//! however it ends. Processes of other machines cannot be seen.

use std::io;
use std::path::Path;

#[cfg(unix)]
use std::fs::{self, File};
#[cfg(unix)]
use std::path::PathBuf;

#[cfg(unix)]
use rustix::fs::{FlockOperation, flock};
#[cfg(unix)]
use rustix::io::Errno;

/// The mark of this process, which is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Mark {
    #[cfg(unix)]
    path: PathBuf,
    #[cfg(unix)]
    _file: File,
}

#[cfg(unix)]
impl Mark {
    /// Sets the mark of a run in the directory of the marks.
    pub(crate) fn set(directory: &Path, run: &str) -> io::Result<Option<Self>> {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

        let path = path_of(directory, run).ok_or(io::ErrorKind::InvalidInput)?;
        let mut directories = fs::DirBuilder::new();
        directories.recursive(true).mode(0o700);
        directories.create(directory)?;
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false).mode(0o600);
        let file = file.open(&path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Some(Self { path, _file: file }))
    }
}

#[cfg(unix)]
impl Drop for Mark {
    fn drop(&mut self) {
        // One that stays is not locked, and is removed by whoever looks at it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns `true` if a process of this machine is at work on the run, or if a mark is there that
/// this user may not look at.
#[cfg(unix)]
pub(crate) fn is_running(directory: &Path, run: &str) -> bool {
    let Some(path) = path_of(directory, run) else {
        return false;
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) => return error.kind() == io::ErrorKind::PermissionDenied,
    };
    // Shared, so that two who look do not take each other for the process.
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            let _ = fs::remove_file(path);
            false
        }
        Err(error) => error == Errno::WOULDBLOCK,
    }
}

#[cfg(unix)]
fn path_of(directory: &Path, run: &str) -> Option<PathBuf> {
    let is_name = !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_name.then(|| directory.join(run))
}

#[cfg(not(unix))]
impl Mark {
    /// Sets no mark: files are not locked here.
    pub(crate) fn set(_directory: &Path, _run: &str) -> io::Result<Option<Self>> {
        Ok(None)
    }
}

/// Returns `false`: nothing is known of other processes here.
#[cfg(not(unix))]
pub(crate) fn is_running(_directory: &Path, _run: &str) -> bool {
    false
}
