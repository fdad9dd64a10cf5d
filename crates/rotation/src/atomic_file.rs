//! Files that are written as a whole or not at all.

mod directory_lock;

use std::fs::DirEntry;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::{Builder, NamedTempFile};
use tokenfleet_core::journal::OperationId;

pub use self::directory_lock::DirectoryLock;

/// A file that appears under its name only when everything is written.
///
/// Only its owner may read it, unless it is [made public](Self::make_public). It is deleted if it
/// is dropped before it is [put in place](Self::persist).
#[derive(Debug)]
pub struct AtomicFile {
    file: NamedTempFile,
}

/// The treatment of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Takes its place.
    Replace,
    /// Fails with [`io::ErrorKind::AlreadyExists`].
    Refuse,
}

impl AtomicFile {
    /// Creates the file in the directory that it will be in, under a name that begins with a dot
    /// and the name that it will have, and ends in `.partial`.
    ///
    /// # Errors
    ///
    /// The directory does not exist or cannot be written.
    pub fn create_for(path: &Path) -> io::Result<Self> {
        Self::create(path, PARTIAL)
    }

    /// Creates the file like [`create_for`](Self::create_for), under a name that tells the
    /// operation that writes it. If it is left, nobody needs it once the operation, or another one,
    /// has put something else there: see [`remove_superseded`].
    ///
    /// # Errors
    ///
    /// The directory does not exist or cannot be written.
    pub fn create_for_operation(path: &Path, operation: OperationId) -> io::Result<Self> {
        Self::create(path, &format!(".{operation}{PARTIAL}"))
    }

    fn create(path: &Path, suffix: &str) -> io::Result<Self> {
        let mut builder = Builder::new();
        let prefix = partial_prefix(path);
        builder.prefix(&prefix).suffix(suffix);
        let file = builder.tempfile_in(directory_of(path))?;
        Ok(Self { file })
    }

    /// Lets every user read the file. It must not contain a secret.
    ///
    /// # Errors
    ///
    /// The operating system refuses it.
    pub fn make_public(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::fs::Permissions;
            use std::os::unix::fs::PermissionsExt;
            let permissions = Permissions::from_mode(0o644);
            self.file.as_file().set_permissions(permissions)?;
        }
        Ok(())
    }

    /// Reserves space on the disk, so that a full one is noticed before there is anything to
    /// write.
    ///
    /// # Errors
    ///
    /// The disk is full or fails.
    pub fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        self.file.write_all(&vec![0; bytes])?;
        self.file.as_file().sync_all()?;
        self.file.rewind()
    }

    /// Lets the group of another file read this one if that belongs to another user, who would not
    /// be able to read it otherwise. Nobody but its owner may write it.
    ///
    /// # Errors
    ///
    /// This process may not give files to that group.
    pub fn show_to_group_of(&self, other: &std::fs::Metadata) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::fs::Permissions;
            use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

            if self.file.as_file().metadata()?.uid() != other.uid() {
                fchown(self.file.as_file(), None, Some(other.gid()))?;
                let permissions = Permissions::from_mode(0o640);
                self.file.as_file().set_permissions(permissions)?;
            }
        }
        let _ = other;
        Ok(())
    }

    /// Gives the file to the owner and the group of another one.
    ///
    /// The group may read it if it could before and nobody else could: then somebody chose it.
    /// Nobody may write it if nobody could.
    ///
    /// # Errors
    ///
    /// The other owner is another user, and this process may not give files away.
    pub fn set_owner_of(&self, other: &std::fs::Metadata) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::fs::Permissions;
            use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

            let own = self.file.as_file().metadata()?;
            if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
                fchown(self.file.as_file(), Some(other.uid()), Some(other.gid()))?;
            }
            let group = if other.mode() & 0o044 == 0o040 {
                0o040
            } else {
                0
            };
            let owner = if other.mode() & 0o222 == 0 {
                0o400
            } else {
                0o600
            };
            let permissions = Permissions::from_mode(owner | group);
            self.file.as_file().set_permissions(permissions)?;
        }
        let _ = other;
        Ok(())
    }

    /// Puts the file in its place, when its content is on the disk.
    ///
    /// # Errors
    ///
    /// The file could not be put there, or it is not certain that it stays there after a crash.
    pub fn persist(self, path: &Path, existing: Existing) -> io::Result<()> {
        self.put(path, existing).map_err(|(error, _)| error)?;
        sync_directory(path)
    }

    /// Puts the file in its place, or returns it with the error, because nobody else has its
    /// content.
    ///
    /// # Errors
    ///
    /// The file could not be put there.
    pub fn persist_or_return(
        self,
        path: &Path,
        existing: Existing,
    ) -> Result<(), (io::Error, Self)> {
        self.put(path, existing)?;
        // It is in its place.
        let _ = sync_directory(path);
        Ok(())
    }

    /// Leaves the file under the name of its own, and returns its path if it is still there.
    #[must_use]
    pub fn keep(mut self) -> Option<PathBuf> {
        let length = self.file.stream_position().ok()?;
        self.file.as_file().set_len(length).ok()?;
        let (_, path) = self.file.keep().ok()?;
        path.exists().then_some(path)
    }

    /// Drops everything that was written, also what is reserved.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn clear(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.file.as_file().set_len(0)
    }

    fn put(mut self, path: &Path, existing: Existing) -> Result<(), (io::Error, Self)> {
        // What was reserved but not written does not belong to the content.
        let written = (self.file.stream_position())
            .and_then(|length| self.file.as_file().set_len(length))
            .and_then(|()| self.file.as_file().sync_all());
        if let Err(error) = written {
            return Err((error, self));
        }
        let put = match existing {
            Existing::Replace => self.file.persist(path),
            Existing::Refuse => self.file.persist_noclobber(path),
        };
        match put {
            Ok(_) => Ok(()),
            Err(error) => Err((error.error, Self { file: error.file })),
        }
    }
}

/// Returns the path that is left when each link is followed, so that a link stays one when the file
/// is replaced.
#[must_use]
pub fn follow_links(path: &Path) -> PathBuf {
    links(path).last().unwrap_or_else(|| path.to_owned())
}

/// Returns a path, and the one that is left when each link is followed, one after the other.
pub(crate) fn links(path: &Path) -> impl Iterator<Item = PathBuf> {
    const MAX_LINKS: usize = 40;

    let follow = |path: &PathBuf| Some(directory_of(path).join(path.read_link().ok()?));
    std::iter::successors(Some(path.to_owned()), follow).take(MAX_LINKS + 1)
}

/// The end of the name of a file that is not complete.
const PARTIAL: &str = ".partial";

/// The number of characters of a name that leaves room for the rest of the longest one.
const MAX_CHARACTERS: usize = 50;

/// The number of characters of a longer name that stay, before what tells it from others that begin
/// like it.
const KEPT_CHARACTERS: usize = 32;

/// Returns the beginning of the names of files that are to be put at this path, which is that of no
/// other path in the directory.
fn partial_prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.chars().count() <= MAX_CHARACTERS {
        return format!(".{name}.");
    }
    let kept: String = name.chars().take(KEPT_CHARACTERS).collect();
    let digest = Sha256::digest(name.as_bytes());
    let digest: String = (digest.iter().take(8))
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(".{kept}~{digest}.")
}

/// A file that was to be put at a path and is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartialFile {
    /// The path that it has meanwhile.
    pub path: PathBuf,
    /// The operation that writes it; `None` if it was not
    /// [created for one](AtomicFile::create_for_operation).
    pub operation: Option<OperationId>,
}

/// Returns the files that were to be put at this path and have not changed for this long: writes
/// that were killed, or that failed and left their content to somebody.
///
/// A directory that cannot be read has none.
#[must_use]
pub fn left_partial(path: &Path, unchanged_for: Duration) -> Vec<PartialFile> {
    let prefix = partial_prefix(path);
    let entries = std::fs::read_dir(directory_of(path)).into_iter().flatten();
    let is_old = |entry: &DirEntry| {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        modified.is_ok_and(|at| at.elapsed().is_ok_and(|elapsed| elapsed >= unchanged_for))
    };
    let left = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let rest = name.strip_prefix(&prefix)?.strip_suffix(PARTIAL)?;
        let (random, operation) = match rest.split_once('.') {
            Some((random, operation)) => (random, Some(operation.parse().ok()?)),
            None => (rest, None),
        };
        // Not that of a longer name.
        let is_own = random.chars().all(char::is_alphanumeric);
        (is_own && is_old(&entry)).then(|| PartialFile {
            path: entry.path(),
            operation,
        })
    });
    left.collect()
}

/// Removes the files that operations were to put at this path.
///
/// Whoever calls it holds the [lock](DirectoryLock) of the directory, so that nobody is at work on
/// them, and has just put something else there, so that nobody needs them.
pub fn remove_superseded(path: &Path) {
    let left = left_partial(path, Duration::ZERO).into_iter();
    for partial in left.filter(|partial| partial.operation.is_some()) {
        // One that cannot be removed is found again.
        let _ = std::fs::remove_file(partial.path);
    }
}

fn directory_of(path: &Path) -> &Path {
    let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
    directory.unwrap_or(Path::new("."))
}

/// Makes the name of a file survive a crash, where the operating system can do that.
fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::fs::File::open(directory_of(path))?.sync_all()?;
    }
    let _ = path;
    Ok(())
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_appears_complete_and_only_for_its_owner_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let report = directory.path().join("report");
        let path = report.clone();
        let mut file = AtomicFile::create_for(&path).unwrap();
        file.write_all(b"first").unwrap();
        assert!(!path.exists());
        file.persist(&path, Existing::Refuse).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }

        let mut second = AtomicFile::create_for(&path).unwrap();
        second.write_all(b"second").unwrap();
        let error = second.persist(&path, Existing::Refuse).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        let mut third = AtomicFile::create_for(&path).unwrap();
        third.write_all(b"third").unwrap();
        third.persist(&path, Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        drop(AtomicFile::create_for(&path).unwrap());
        let mut fourth = AtomicFile::create_for(&path).unwrap();
        fourth.reserve(1 << 16).unwrap();
        fourth.write_all(b"fourth").unwrap();
        let (_, fourth) = fourth
            .persist_or_return(&path, Existing::Refuse)
            .unwrap_err();
        let kept = fourth.keep().unwrap();
        assert_eq!(fs::read(&kept).unwrap(), b"fourth");
        let old = Duration::from_secs(60);
        let left = |path: &Path| left_partial(path, Duration::ZERO);
        let (path, operation) = (kept, None);
        assert_eq!(left(&report), [PartialFile { path, operation }]);
        assert!(left_partial(&report, old).is_empty());
        assert!(left(&directory.path().join("repor")).is_empty());
        // What nobody but an operation needs is told apart, and removed.
        let operation = OperationId::random();
        let file = AtomicFile::create_for_operation(&report, operation).unwrap();
        let named = file.keep().unwrap();
        let operations: Vec<_> = left(&report).iter().map(|left| left.operation).collect();
        assert!(operations.contains(&Some(operation)) && operations.len() == 2);
        remove_superseded(&directory.path().join("repor"));
        assert!(named.exists());
        remove_superseded(&report);
        assert!(!named.exists());
        for partial in left(&report) {
            fs::remove_file(partial.path).unwrap();
        }
        let long = directory.path().join("n".repeat(60));
        let file = AtomicFile::create_for_operation(&long, operation).unwrap();
        remove_superseded(&directory.path().join("n".repeat(61)));
        file.persist(&long, Existing::Refuse).unwrap();
        fs::remove_file(long).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_an_operation_has_left_is_found_and_removed_however_long_the_name_is() {
        let directory = tempfile::tempdir().unwrap();
        let operation = OperationId::random();
        for (length, letter) in [
            (1, "n"),
            (50, "n"),
            (51, "n"),
            (248, "n"),
            (62, "\u{10348}"),
        ] {
            let path = directory.path().join(letter.repeat(length));
            let file = AtomicFile::create_for_operation(&path, operation).unwrap();
            let left = file.keep().unwrap();
            let longer = directory.path().join(letter.repeat(length + 1));
            assert!(left_partial(&longer, Duration::ZERO).is_empty(), "{length}");
            remove_superseded(&longer);
            let found = left_partial(&path, Duration::ZERO);
            assert_eq!(found.len(), 1, "{length}");
            assert_eq!(found[0].operation, Some(operation));
            remove_superseded(&path);
            assert!(!left.exists(), "{length}");
        }
    }
}
