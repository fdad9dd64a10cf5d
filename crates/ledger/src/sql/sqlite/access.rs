//! A file that no other user may read or write.

use std::fs;
use std::io;
use std::path::Path;

use tokenfleet_core::Result;

/// Creates a file that only its owner may read, unless it exists, with its folders.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut folders = fs::DirBuilder::new();
    folders.recursive(true);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        folders.mode(0o700);
        options.mode(0o600);
    }
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        folders.create(folder)?;
    }
    options.open(path).map(drop)
}

/// The device and the number of a file, by which one that was put in its place is told apart.
#[cfg(unix)]
pub(super) type Identity = (u64, u64);

/// Returns which file is at a path.
#[cfg(unix)]
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Nothing: no file is put in the place of an open one.
#[cfg(not(unix))]
pub(super) type Identity = ();

/// Returns nothing if a file is at a path.
#[cfg(not(unix))]
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(drop)
}

/// Rejects a link of another user, who could lead the ledger into a file of ours, before anything
/// is created where it leads.
#[cfg(unix)]
pub(super) fn check_link(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() && !is_ours(&found) => Err(super::failure::exposed(
            path,
            "is a link that belongs to another user",
        )),
        _ => Ok(()),
    }
}

/// Returns `true` for what belongs to the user of this process, or to the administrator.
#[cfg(unix)]
fn is_ours(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    [rustix::process::geteuid().as_raw(), 0].contains(&found.uid())
}

/// Rejects a file that other users own, read or write, and closes those beside it.
#[cfg(unix)]
pub(super) fn check_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::failure::exposed;

    // SQLite says what is wrong with that which is no file.
    let Some(found) = fs::metadata(path).ok().filter(fs::Metadata::is_file) else {
        return Ok(());
    };
    if !is_ours(&found) {
        return Err(exposed(path, "belongs to another user"));
    }
    if found.mode() & 0o066 != 0 {
        return Err(exposed(path, "can be read or written by other users"));
    }
    for end in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        let Ok(found) = fs::symlink_metadata(&beside) else {
            continue;
        };
        if !found.is_file() || !is_ours(&found) {
            return Err(exposed(Path::new(&beside), "belongs to another user"));
        }
        if found.mode() & 0o077 != 0 {
            // It may be gone by now, because the last connection removes it.
            let _ = fs::set_permissions(&beside, fs::Permissions::from_mode(0o600));
        }
    }
    Ok(())
}

/// Accepts every link.
#[cfg(not(unix))]
pub(super) fn check_link(_: &Path) -> Result<()> {
    Ok(())
}

/// Accepts every file: what others may do with it is for the system to say.
#[cfg(not(unix))]
pub(super) fn check_private(_: &Path) -> Result<()> {
    Ok(())
}
