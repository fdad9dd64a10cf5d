//! The users who own files, and those who may put files into a folder.

use std::fs::Metadata;
use std::path::Path;

/// Returns a sentence about a file, or a link that leads to it, which belongs to another user than
/// the one of this process and than root: whoever owns it reads what is written there.
///
/// A file that does not exist belongs to nobody. Where files have no owners, the result is `None`.
#[must_use]
pub fn stranger(path: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        const MAX_LINKS: usize = 40;

        let own = rustix::process::geteuid().as_raw();
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let found = path.symlink_metadata().ok()?;
            if found.uid() != own && found.uid() != 0 {
                let what = if found.is_symlink() { "the link " } else { "" };
                return Some(format!(
                    "{what}{} belongs to another user (uid {})",
                    path.display(),
                    found.uid()
                ));
            }
            let target = path.read_link().ok()?;
            path = path.parent().unwrap_or(Path::new("/")).join(target);
        }
    }
    let _ = path;
    None
}

/// Returns `true` if a file belongs to another user than the one of this process and than root, or
/// others may write it: what it says may be theirs.
pub(crate) fn is_of_others(file: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        const OTHERS_WRITE: u32 = 0o022;

        let own = rustix::process::geteuid().as_raw();
        (file.uid() != own && file.uid() != 0) || file.mode() & OTHERS_WRITE != 0
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// Returns `true` if users other than that of this process and root may put files of their own in
/// the place of those in a folder.
#[must_use]
pub fn is_open_to_others(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        const STICKY: u32 = 0o1000;
        const GROUP_WRITES: u32 = 0o020;
        const OTHERS_WRITE: u32 = 0o002;

        let Ok(found) = folder.metadata() else {
            return false;
        };
        // Many systems give each user a group of their own.
        let is_own_group = found.gid() == rustix::process::getegid().as_raw();
        let others_write =
            found.mode() & OTHERS_WRITE != 0 || found.mode() & GROUP_WRITES != 0 && !is_own_group;
        others_write && found.mode() & STICKY == 0
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}
