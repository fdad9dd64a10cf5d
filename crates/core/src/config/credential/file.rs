//! A credential in a file.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::config::CredentialSource;
use crate::error::{Error, Result};
use crate::model::Secret;

/// The maximum size of a credential file, in bytes.
pub(super) const MAX_FILE_SIZE: usize = 64 << 10;

/// The path of a file that holds a credential.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// `true` if the credential is the whole content, and not the first line.
    pub(super) whole: bool,
}

/// A problem with a file, and what to do about it.
pub(super) type Problem = (String, &'static str);

#[async_trait]
impl CredentialSource for File {
    async fn secret(&self) -> Result<Secret> {
        let path = self.path.display();
        let content = read(&self.path).map_err(|(problem, advice)| {
            Error::configuration(format!("the credential file {path} {problem}"))
                .with_advice(advice)
        })?;
        let (credential, part) = if self.whole {
            (content.as_str(), "")
        } else {
            let first_line = content.lines().next().unwrap_or_default();
            (first_line.trim(), "the first line of ")
        };
        if credential.trim().is_empty() {
            let message = format!("{part}the credential file {path} is empty");
            return Err(
                Error::configuration(message).with_advice("write the credential on the first line")
            );
        }
        Ok(Secret::new(credential))
    }
}

/// Reads a whole file into memory that is wiped when dropped.
///
/// The type of the file is checked before it is opened, because opening a pipe would wait for a
/// writer.
fn read(path: &Path) -> Result<Zeroizing<String>, Problem> {
    let metadata = std::fs::metadata(path).map_err(|error| describe(&error))?;
    if metadata.is_dir() {
        return Err(("is a directory".to_owned(), "give the path of a file"));
    }
    if !metadata.is_file() {
        return Err((
            "is not a regular file".to_owned(),
            "store the credential in a regular file or in an environment variable",
        ));
    }
    let file = std::fs::File::open(path).map_err(|error| describe(&error))?;
    // The buffer has its final size from the start, because growing it would leave behind copies
    // that are not wiped.
    let mut content = Zeroizing::new(String::with_capacity(MAX_FILE_SIZE + 1));
    file.take(MAX_FILE_SIZE as u64 + 1)
        .read_to_string(&mut content)
        .map_err(|error| describe(&error))?;
    if content.len() > MAX_FILE_SIZE {
        return Err((
            format!("is larger than {} KiB", MAX_FILE_SIZE >> 10),
            "give the path of a file that contains only the credential",
        ));
    }
    Ok(content)
}

/// Describes the failure to read a file.
pub(super) fn describe(error: &io::Error) -> Problem {
    use io::ErrorKind::{InvalidData, NotFound, PermissionDenied};
    match error.kind() {
        NotFound => (
            "does not exist".to_owned(),
            "create it, or correct the path",
        ),
        PermissionDenied => (
            "is not readable by this user".to_owned(),
            "make it readable by this user only",
        ),
        InvalidData => (
            "is not valid UTF-8".to_owned(),
            "write the credential as text on the first line",
        ),
        other => (
            format!("cannot be read ({other})"),
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
