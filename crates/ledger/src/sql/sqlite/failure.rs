//! Errors of SQLite, in words that say what to do.

use std::path::Path;

use rusqlite::ErrorCode;
use tokenfleet_core::{Error, ErrorKind, Fate};

/// Returns the error for a failure of SQLite. Its text names the file and no value.
pub(super) fn describe(error: rusqlite::Error, path: &Path) -> Error {
    described(error, path, Fate::NotSent)
}

/// Returns the error for a commit that failed. A disk that fails may have written it nevertheless.
pub(super) fn uncertain(error: rusqlite::Error, path: &Path) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt) => {
            described(error, path, Fate::MaybeApplied)
                .with_advice("look at the ledger before you try again: it may have been written")
        }
        _ => describe(error, path),
    }
}

/// Returns true if another connection holds a lock that was needed.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn described(error: rusqlite::Error, path: &Path, fate: Fate) -> Error {
    let path = path.display();
    let (kind, what, advice) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            "is in use by another process",
            "try again when it has finished; nothing was written",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            ErrorKind::Configuration,
            "cannot be written",
            "allow writing to the file and to its folder, or name another file",
        ),
        Some(ErrorCode::CannotOpen) => (
            ErrorKind::Configuration,
            "cannot be opened",
            "check that its folder exists and can be written, or name another file",
        ),
        Some(ErrorCode::NotADatabase) => not_a_ledger(),
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Other,
            "is damaged",
            "keep a copy of the file for its readable parts, and restore a backup",
        ),
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::TooBig) => (
            ErrorKind::Unavailable,
            "cannot be written: the disk is full or fails, or the file may not grow",
            "make room and try again; nothing of this was written",
        ),
        _ => (
            ErrorKind::Other,
            "cannot be used",
            "check that no other program changes the file",
        ),
    };
    Error::new(kind, fate, format!("the ledger {path} {what}"))
        .with_source(error)
        .with_advice(advice)
}

fn not_a_ledger() -> (ErrorKind, &'static str, &'static str) {
    (
        ErrorKind::Configuration,
        "is not a ledger",
        "name another file; this one was left as it is",
    )
}

/// Creates the error for a database of another program.
pub(super) fn foreign(path: &Path) -> Error {
    let (kind, what, advice) = not_a_ledger();
    let message = format!("the ledger {} {what}", path.display());
    Error::new(kind, Fate::NotSent, message).with_advice(advice)
}

/// Creates the error for a file that is open to other users.
#[cfg(unix)]
pub(super) fn exposed(path: &Path, what: &str) -> Error {
    Error::configuration(format!("the ledger {} {what}", path.display()))
        .with_advice("make it yours alone (chown, chmod 600), or name another file")
}

/// Creates the error for a file system on which SQLite cannot write ahead.
pub(super) fn no_log(path: &Path) -> Error {
    let message = format!("the ledger {} cannot be shared safely", path.display());
    Error::configuration(message).with_advice("put it on a local disk")
}

/// Creates the error for a file that the system does not let us create.
pub(super) fn uncreatable(error: std::io::Error, path: &Path) -> Error {
    let message = format!("the ledger {} cannot be created", path.display());
    Error::configuration(message)
        .with_source(error)
        .with_advice("check the permissions of its folder, or name another file")
}

/// Creates the error for a thread that has ended.
pub(super) fn gone(path: &Path) -> Error {
    let message = format!("the ledger {} was closed unexpectedly", path.display());
    Error::new(ErrorKind::Unavailable, Fate::NotSent, message).with_advice("try again")
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_disk_that_fails_during_a_commit_leaves_it_undecided() {
        for (code, fate) in [
            (ffi::SQLITE_IOERR_FSYNC, Fate::MaybeApplied),
            (ffi::SQLITE_FULL, Fate::NotSent),
            (ffi::SQLITE_BUSY, Fate::NotSent),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(uncertain(error, Path::new("ledger.db")).fate(), fate);
        }
    }
}
