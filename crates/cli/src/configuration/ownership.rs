//! Whose file a configuration is: nobody but the user and root may decide what it says.

use std::fs::Metadata;
use std::path::Path;

#[cfg(unix)]
use tokenfleet::Error;
use tokenfleet::Result;

/// Rejects a file that another user can change or replace, with the command that mends it.
///
/// `opened` describes the file that was opened, which may have another name by now.
///
/// # Errors
///
/// [`Configuration`](tokenfleet::ErrorKind::Configuration).
pub(crate) fn check(opened: &Metadata, path: &Path) -> Result<()> {
    check_or(opened, path, "name the configuration with --config")
}

/// Rejects such a file, with another way to vouch for it.
#[cfg(unix)]
pub(crate) fn check_or(opened: &Metadata, path: &Path, alternative: &str) -> Result<()> {
    unix::check(opened, path).map_err(|(message, advice)| {
        Error::configuration(message).with_advice(format!("{advice}, or {alternative}"))
    })
}

/// Rejects a file that somebody named and that another user can change.
#[cfg(unix)]
pub(crate) fn check_named(opened: &Metadata, path: &Path) -> Result<()> {
    let refused = |(message, advice): (String, String)| {
        Err(Error::configuration(message).with_advice(advice))
    };
    unix::check_file(opened, path).or_else(refused)
}

/// Accepts every file: the owner and the permissions are not known here.
#[cfg(not(unix))]
pub(crate) fn check_named(_opened: &Metadata, _path: &Path) -> Result<()> {
    Ok(())
}

/// Accepts every file: the owner and the permissions are not known here.
#[cfg(not(unix))]
pub(crate) fn check_or(_opened: &Metadata, _path: &Path, _alternative: &str) -> Result<()> {
    Ok(())
}

/// Returns a path as a word of a shell.
#[cfg(unix)]
fn shell_word(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    if !path.is_empty() && !path.starts_with('-') && path.chars().all(is_plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::shell_word;
    use rustix::process::geteuid;

    /// A result whose error is a message and the command that mends it.
    type Result<T> = std::result::Result<T, (String, String)>;

    const ROOT: u32 = 0;
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    /// The bit of a directory in which everybody removes only their own files, such as `/tmp`.
    const STICKY: u32 = 0o1000;

    pub(super) fn check_file(opened: &Metadata, path: &Path) -> Result<()> {
        check_owner(path, opened)?;
        if opened.mode() & WRITABLE_BY_OTHERS != 0 {
            return Err(writable(path, opened, ""));
        }
        Ok(())
    }

    pub(super) fn check(opened: &Metadata, path: &Path) -> Result<()> {
        check_file(opened, path)?;
        // Whoever made a link chose what it leads to.
        if let Ok(link) = path.symlink_metadata() {
            check_owner(path, &link)?;
        }
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let directory = match parent {
            Some(parent) => parent.to_owned(),
            None => std::env::current_dir().unwrap_or_else(|_| ".".into()),
        };
        let metadata = directory.metadata().map_err(|error| {
            let message = format!("cannot examine {} ({error})", directory.display());
            (message, "check its permissions".to_owned())
        })?;
        check_owner(&directory, &metadata)?;
        let mode = metadata.mode();
        if mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
            let consequence = format!(", so they can replace {}", path.display());
            return Err(writable(&directory, &metadata, &consequence));
        }
        Ok(())
    }

    fn check_owner(path: &Path, metadata: &Metadata) -> Result<()> {
        let own = geteuid().as_raw();
        if [own, ROOT].contains(&metadata.uid()) {
            return Ok(());
        }
        let message = format!(
            "{} belongs to another user (uid {}), who can change it",
            path.display(),
            metadata.uid()
        );
        let advice = format!("take it over with `chown -h {own} {}`", shell_word(path));
        Err((message, advice))
    }

    fn writable(path: &Path, metadata: &Metadata, consequence: &str) -> (String, String) {
        let message = format!(
            "other users can write to {} (mode {:04o}){consequence}",
            path.display(),
            metadata.mode() & 0o7777
        );
        let advice = format!("run `chmod go-w {}`", shell_word(path));
        (message, advice)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, word) in [
            ("/home/me/tokenfleet.toml", "/home/me/tokenfleet.toml"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
            ("-rf", "'-rf'"),
        ] {
            assert_eq!(shell_word(Path::new(path)), word);
        }
    }
}
