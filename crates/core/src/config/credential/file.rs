//! A credential in a file.

use std::fmt;
use std::fs::FileType;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::content::{checked, checked_token, text, without_packaging};
use crate::config::CredentialSource;
use crate::error::{Error, Result, cause_text, contains_credential};
use crate::model::Secret;

/// The maximum size of a credential file, in bytes.
pub(super) const MAX_FILE_SIZE: usize = 64 << 10;

/// A file that holds a credential.
pub(super) struct File {
    path: PathBuf,
    /// The path as it was written, which may be relative to another directory.
    written: PathBuf,
    part: Part,
    /// The content of a pipe, which can be read only once.
    piped: OnceLock<Secret>,
}

/// The part of a file, a variable or an output that is the credential.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    FirstLine,
    /// The first line, which holds a token: what no token contains is refused.
    Token,
    Whole,
}

impl Part {
    /// Returns this part of what a file, a stream or a command contains.
    pub(super) fn of(self, content: &Zeroizing<Vec<u8>>) -> Result<Secret, Problem> {
        let content = text(content).map_err(|problem| {
            let advice = "write the credential as text on the first line";
            (problem.to_owned(), advice)
        })?;
        let content_without_mark = without_packaging(content);
        if content_without_mark.trim().is_empty() {
            let advice = "write the credential on the first line";
            return Err(("is empty".to_owned(), advice));
        }
        match self {
            // The line break at the end of a PEM text belongs to it.
            Self::Whole => Ok(Secret::new(content.trim_start_matches('\u{feff}'))),
            Self::FirstLine | Self::Token => {
                let line = content_without_mark.lines().next().unwrap_or_default();
                let advice = "write only the credential on the first line";
                match line.trim() {
                    "" => Err((
                        "has an empty first line".to_owned(),
                        "write the credential on the first line",
                    )),
                    credential => self
                        .checked(credential)
                        .map_err(|problem| (problem, advice)),
                }
            }
        }
    }

    /// Returns the credential in a text, or describes what it contains that no such credential
    /// does.
    pub(super) fn checked(self, credential: &str) -> Result<Secret, String> {
        match self {
            Self::Token => checked_token(credential),
            Self::FirstLine | Self::Whole => checked(credential),
        }
    }
}

/// A problem with a file, and what to do about it.
pub(super) type Problem = (String, &'static str);

impl File {
    pub(super) fn new(path: PathBuf, written: PathBuf, part: Part) -> Self {
        Self {
            path,
            written,
            part,
            piped: OnceLock::new(),
        }
    }

    /// Returns the path for a message, or an empty text if it may be the credential itself.
    fn shown_path(&self) -> String {
        if can_be_shown(&self.path, &self.written) {
            format!(" {}", self.path.display())
        } else {
            String::new()
        }
    }

    pub(super) fn read(&self) -> Result<Secret, Problem> {
        if let Some(secret) = self.piped.get() {
            return Ok(secret.duplicate());
        }
        let metadata = std::fs::metadata(&self.path).map_err(|error| describe(&error))?;
        if metadata.is_dir() {
            return Err(("is a directory".to_owned(), "give the path of a file"));
        }
        let is_pipe = is_pipe(metadata.file_type());
        if !metadata.is_file() && !is_pipe {
            return Err((
                "is neither a regular file nor a pipe".to_owned(),
                "store the credential in a regular file or in an environment variable",
            ));
        }
        let file = std::fs::File::open(&self.path).map_err(|error| describe(&error))?;
        let secret = read(file, self.part)?;
        if is_pipe {
            let _ = self.piped.set(secret.duplicate());
        }
        Ok(secret)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("path", &self.shown_path().trim_start())
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialSource for File {
    async fn secret(&self) -> Result<Secret> {
        self.read().map_err(|(problem, advice)| {
            let message = format!("the credential file{} {problem}", self.shown_path());
            Error::configuration(message).with_advice(advice)
        })
    }
}

/// Returns `true` for a path that cannot be the credential itself, written in the place of a path:
/// something is there, or in the directory that it names.
fn can_be_shown(path: &Path, written: &Path) -> bool {
    let names_a_directory = |parent: &Path| {
        let mut components = parent.components();
        components.any(|component| matches!(component, Component::Normal(_)))
    };
    let is_in_a_directory = written.parent().is_some_and(names_a_directory)
        && path.parent().is_some_and(Path::is_dir)
        && !written
            .file_name()
            .is_some_and(|name| contains_credential(&name.to_string_lossy()));
    path.exists() || is_in_a_directory
}

/// Returns `true` for a path that an error may repeat: it cannot be a credential that was written
/// in the place of a path, because a file is there, or in the directory that it names, or because
/// its name ends like that of a configuration or a certificate.
#[must_use]
pub fn is_showable_path(path: &Path) -> bool {
    const EXTENSIONS: [&str; 4] = ["toml", "pem", "crt", "cer"];
    let has_known_extension = path
        .extension()
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
        && !contains_credential(&path.to_string_lossy());
    has_known_extension || can_be_shown(path, path)
}

fn is_pipe(kind: FileType) -> bool {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileTypeExt::is_fifo(&kind)
    }
    #[cfg(not(unix))]
    {
        let _ = kind;
        false
    }
}

/// Reads a credential, up to the maximum size. Everything that was read is wiped from memory.
pub(super) fn read(reader: impl Read, part: Part) -> Result<Secret, Problem> {
    let content = read_bounded(reader).map_err(|error| describe(&error))?;
    if content.len() > MAX_FILE_SIZE {
        return Err((
            format!("is larger than {} KiB", MAX_FILE_SIZE >> 10),
            "give the path of a file that contains only the credential",
        ));
    }
    part.of(&content)
}

/// Reads to the end, or one byte more than the maximum size.
pub(super) fn read_bounded(reader: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // The buffer has its final size from the start, because growing it would leave behind copies
    // that are not wiped.
    let mut content = Zeroizing::new(Vec::with_capacity(MAX_FILE_SIZE + 1));
    reader
        .take(MAX_FILE_SIZE as u64 + 1)
        .read_to_end(&mut content)?;
    Ok(content)
}

/// Describes the failure to read a file.
pub(super) fn describe(error: &io::Error) -> Problem {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match error.kind() {
        NotFound => (
            "does not exist".to_owned(),
            "create it, or correct the path",
        ),
        PermissionDenied => (
            "is not readable by this user".to_owned(),
            "make it readable by this user only",
        ),
        NotADirectory => (
            "does not exist: a part of its path is not a directory".to_owned(),
            "correct the path",
        ),
        _ => (
            format!("cannot be read: {}", cause_text(error)),
            "check the path and the file system",
        ),
    }
}

/// Returns `true` if users other than its owner can read a file.
///
/// It returns `false` for a file that does not exist, and always on systems other than Unix. Warn
/// the user if a credential file is readable by others.
#[must_use]
pub fn is_world_readable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        const GROUP_OR_OTHERS_READ: u32 = 0o044;
        std::fs::metadata(path)
            .is_ok_and(|file| file.permissions().mode() & GROUP_OR_OTHERS_READ != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}
