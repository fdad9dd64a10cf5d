//! Appending to a file that nobody else can write.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Appends a line with one write, and returns when it is on the disk.
///
/// The file, and its directory, are created for their owner alone. Several processes may append to
/// it: the operating system writes each line at the end that the file has then.
pub(super) fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    check_link(path)?;
    let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
    if let Some(directory) = directory {
        create_directory(directory)?;
    }
    let mut file = open(path)?;
    check(&file)?;
    let length = file.metadata()?.len();
    let is_torn = length > 0 && !ends_line(&mut file)?;
    // A line that a full disk cut off stays a line of its own.
    let text = [if is_torn { b"\n" } else { &b""[..] }, line].concat();
    file.write_all(&text)?;
    file.sync_all()?;
    #[cfg(unix)]
    if length == 0 {
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

fn ends_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(directory)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Rejects a link that another user made, who could lead the log into a file of ours.
fn check_link(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Ok(found) = std::fs::symlink_metadata(path)
        && found.is_symlink()
        && !is_ours(&found)
    {
        return Err(refusal("it is a link that belongs to another user"));
    }
    let _ = path;
    Ok(())
}

/// Rejects what is no file, and a file that others could change.
fn check(file: &File) -> io::Result<()> {
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refusal("it is not a regular file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if !is_ours(&found) {
            return Err(refusal("it belongs to another user"));
        }
        if found.mode() & 0o022 != 0 {
            return Err(refusal(
                "other users may write it; remove their permission (chmod go-w)",
            ));
        }
    }
    Ok(())
}

/// Returns `true` for what belongs to the user of this process, or to the administrator.
#[cfg(unix)]
fn is_ours(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    [rustix::process::geteuid().as_raw(), 0].contains(&found.uid())
}

fn refusal(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}
