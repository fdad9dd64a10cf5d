//! A home directory and a working directory of their own, in which the program looks for files.

#[cfg(unix)]
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{PROGRAM, Run, command, run};

/// The home of a user, with a working directory in it.
#[derive(Debug)]
pub(crate) struct Home {
    directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = Self { directory };
        std::fs::create_dir(home.work()).unwrap();
        home.restrict(&home.work());
        home
    }

    /// Returns the home directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the working directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    /// Returns the user's configuration file.
    pub(crate) fn user_file(&self) -> PathBuf {
        self.path().join(".config/tokenfleet/tokenfleet.toml")
    }

    /// Writes a file, which only its owner may change, whatever the umask.
    pub(crate) fn write(&self, path: impl AsRef<Path>, content: &str) -> PathBuf {
        let path = self.work().join(path);
        let directory = path.parent().unwrap();
        std::fs::create_dir_all(directory).unwrap();
        self.restrict(directory);
        std::fs::write(&path, content).unwrap();
        self.restrict(&path);
        path
    }

    fn restrict(&self, path: &Path) {
        #[cfg(unix)]
        {
            let mode = if path.is_dir() { 0o755 } else { 0o644 };
            set_mode(path, mode);
        }
        let _ = path;
    }

    /// Returns the program in the working directory, without the variables that it reads.
    pub(crate) fn program(&self, words: &[&str]) -> Command {
        let mut program = command(PROGRAM);
        program
            .args(words)
            .current_dir(self.work())
            .env("HOME", self.path())
            .stdin(Stdio::null());
        program
    }

    /// Runs the program in the working directory.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        run(&mut self.program(words))
    }

    /// Runs the program with these environment variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], words: &[&str]) -> Run {
        run(self.program(words).envs(variables.iter().copied()))
    }
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Gives a file to another user, or returns `false` where only root could.
#[cfg(unix)]
pub(crate) fn give_away(path: &Path) -> bool {
    const ANOTHER_USER: u32 = 54_321;
    let given = std::os::unix::fs::lchown(path, Some(ANOTHER_USER), None);
    if given.is_err() {
        let note = format!("not tried: only root can give {} away\n", path.display());
        // Not captured, so that nobody takes the case for tried.
        let _ = std::io::stderr().write_all(note.as_bytes());
    }
    given.is_ok()
}
