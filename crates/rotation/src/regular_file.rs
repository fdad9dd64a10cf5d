//! Opening of files that must be regular ones.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::atomic_file::links;

/// The names of the streams of a process, and the folders in which it finds them. No file can be
/// put there.
const STREAMS: [&str; 5] = [
    "/dev/fd",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/proc",
];

/// Opens a regular file for reading.
///
/// Anything else is an error: a pipe would be waited for, and a device may never end.
///
/// # Errors
///
/// It does not exist, cannot be read, or is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    // Opening a device may already do something.
    check(&path.metadata()?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        // A pipe that took the name meanwhile is not waited for either.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Checks that a path is that of a regular file, or free for one.
///
/// Links are followed. A stream of a process is refused whatever it leads to: what is written there
/// may reach anybody, and a file that takes its place reaches nobody.
///
/// # Errors
///
/// It is a stream or the path of a folder, or something else than a regular file is there.
pub fn check_place(path: &Path) -> io::Result<()> {
    if links(path).any(|path| is_stream(&path)) {
        let message = "it is a stream of a process, and no file can be put there";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let bytes = path.as_os_str().as_encoded_bytes();
    let names_folder = bytes.ends_with(b"/") || bytes.ends_with(b"/.");
    match path.metadata() {
        Ok(found) => check(&found),
        Err(error) if error.kind() == io::ErrorKind::NotFound && names_folder => {
            let message = "it is the path of a folder";
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_stream(path: &Path) -> bool {
    // `/dev/fd` may be a link itself.
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    let is_in_streams = |path: &Path| STREAMS.iter().any(|stream| path.starts_with(stream));
    is_in_streams(path) || folder.is_some_and(|folder| is_in_streams(&folder))
}

fn check(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let message = "it is not a regular file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}
