//! A file that a command writes besides its output.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tokenfleet::config::{cause_text, is_showable_path};
use tokenfleet::{Error, ErrorKind, Fate};

use crate::atomic_file::{AtomicFile, Existing, follow_links};

/// A report that appears when it is written, and replaces the one before unless told otherwise.
///
/// It is created before anything is sent, so that a wrong path costs nothing.
#[derive(Debug)]
pub(crate) struct ReportFile {
    /// The option that names the file.
    option: &'static str,
    path: PathBuf,
    file: BufWriter<Target>,
    existing: Existing,
}

/// The file that is written.
#[derive(Debug)]
enum Target {
    /// A file that appears, or replaces the one before.
    Replacement(AtomicFile),
    /// A device or a pipe, which stays what it is.
    Existing(File),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Replacement(file) => file.write(bytes),
            Self::Existing(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Replacement(file) => file.flush(),
            Self::Existing(file) => file.flush(),
        }
    }
}

impl ReportFile {
    /// Creates a file that only its owner may read.
    pub(crate) fn create(option: &'static str, path: &Path) -> Result<Self, Error> {
        Self::open(option, path, Existing::Replace, false)
    }

    /// Creates a file that every user may read.
    pub(crate) fn create_public(option: &'static str, path: &Path) -> Result<Self, Error> {
        Self::open(option, path, Existing::Replace, true)
    }

    /// Creates a file that replaces no other.
    pub(crate) fn create_new(option: &'static str, path: &Path) -> Result<Self, Error> {
        if path.symlink_metadata().is_ok() {
            let error = io::Error::new(io::ErrorKind::AlreadyExists, "it exists already");
            let error = failed(option, path, &error);
            return Err(error.with_advice("choose another name, or delete it first"));
        }
        Self::open(option, path, Existing::Refuse, false)
    }

    fn open(
        option: &'static str,
        path: &Path,
        existing: Existing,
        is_public: bool,
    ) -> Result<Self, Error> {
        let create = || {
            if let Some(file) = open_existing(path)? {
                return Ok((Target::Existing(file), path.to_owned()));
            }
            let path = follow_links(path);
            let file = AtomicFile::create_for(&path)?;
            if is_public {
                file.make_public()?;
            }
            Ok((Target::Replacement(file), path))
        };
        let (file, path) = create()
            .map_err(|error| failed(option, path, &error).with_kind(ErrorKind::InvalidInput))?;
        Ok(Self {
            option,
            path,
            file: BufWriter::new(file),
            existing,
        })
    }

    /// Writes the content and puts the file in its place.
    pub(crate) fn write(mut self, text: &str) -> Result<(), Error> {
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| failed(self.option, &self.path, &error))?;
        self.finish()
    }

    /// Writes the content by a function, and puts the file in its place.
    pub(crate) fn write_with(
        mut self,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        let written = content(&mut self.file);
        written.map_err(|error| failed(self.option, &self.path, &error))?;
        self.finish()
    }

    /// Puts the file, whose content was written, in its place.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let Self {
            option,
            path,
            file,
            existing,
        } = self;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error);
        let persisted = file.and_then(|file| match file {
            Target::Replacement(file) => file.persist(&path, existing),
            Target::Existing(_) => Ok(()),
        });
        persisted.map_err(|error| failed(option, &path, &error))
    }
}

impl Write for ReportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens what a report must not replace: anything that is no regular file, and the streams of this
/// process, whatever they lead to.
fn open_existing(path: &Path) -> io::Result<Option<File>> {
    const STREAMS: [&str; 4] = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];

    let Ok(found) = path.metadata() else {
        return Ok(None);
    };
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let is_stream = STREAMS.iter().any(|stream| path.starts_with(stream));
    if found.is_file() && !is_stream {
        return Ok(None);
    }
    open_for_writing(path).map(Some)
}

/// Opens a device or a pipe, which must have a reader: it is not waited for.
#[cfg(unix)]
fn open_for_writing(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use rustix::io::Errno;

    let mut options = File::options();
    options.append(true);
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path).map_err(|error| {
        if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) {
            io::Error::new(io::ErrorKind::NotConnected, "no program reads it")
        } else {
            error
        }
    })?;
    // A slow reader is waited for.
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_for_writing(path: &Path) -> io::Result<File> {
    File::options().append(true).open(path)
}

fn failed(option: &str, path: &Path, error: &io::Error) -> Error {
    let shown = if is_showable_path(path) {
        path.display().to_string()
    } else {
        "the file".to_owned()
    };
    let kind = match error.kind() {
        io::ErrorKind::AlreadyExists => ErrorKind::InvalidInput,
        _ => ErrorKind::Other,
    };
    let message = format!("{option}: cannot write {shown}: {}", cause_text(error));
    Error::new(kind, Fate::NotSent, message)
}
