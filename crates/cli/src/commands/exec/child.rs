//! The program that `exec` runs.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokenfleet::{Error, Result, Secret};
use tokio::process::{Child, Command};

use crate::exit::Exit;
use crate::signal::PassedOn;

/// The number that a shell adds to that of the signal that has ended a command.
#[cfg(unix)]
const SIGNAL_BASE: i32 = 128;

/// A program that was found, with its arguments.
pub(super) struct Program {
    path: PathBuf,
    words: Vec<OsString>,
}

/// A program that runs.
pub(super) struct RunningProgram {
    child: Child,
    signals: PassedOn,
}

impl Program {
    /// Finds a program as a shell does: by its path, or in the directories of `PATH`.
    pub(super) fn find(words: &[OsString]) -> Result<Self> {
        let name = words.first().cloned().unwrap_or_default();
        let is_path = Path::new(&name).components().count() > 1;
        let mut candidates = if is_path {
            vec![PathBuf::from(&name)]
        } else {
            let directories = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&directories)
                .map(|directory| directory.join(&name))
                .collect()
        };
        if let Some(found) = candidates.iter().position(|path| is_executable(path)) {
            return Ok(Self {
                path: candidates.swap_remove(found),
                words: words.to_vec(),
            });
        }
        let problem = match candidates.iter().find(|path| path.exists()) {
            Some(path) => format!("{} is not executable", path.display()),
            None => format!("there is no command {}", Path::new(&name).display()),
        };
        Err(Error::invalid_input(problem).with_advice("nothing was sent"))
    }

    /// Returns the name of the program, as it was typed.
    pub(super) fn shown_name(&self) -> String {
        let name = self.words.first().map(Path::new);
        name.unwrap_or(&self.path).display().to_string()
    }

    /// Starts the program with a variable that holds the secret, and without those `withheld`.
    pub(super) fn start(
        &self,
        (variable, secret): (&str, &Secret),
        withheld: &[&str],
        signals: PassedOn,
    ) -> io::Result<RunningProgram> {
        let mut command = Command::new(&self.path);
        #[cfg(unix)]
        if let Some(name) = self.words.first() {
            command.arg0(name);
        }
        for withheld in withheld {
            command.env_remove(withheld);
        }
        let arguments = self.words.iter().skip(1);
        let child = command
            .args(arguments)
            .env(variable, secret.expose())
            .spawn()?;
        Ok(RunningProgram { child, signals })
    }
}

fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else {
        return false;
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        const EXECUTE: u32 = 0o111;
        metadata.is_file() && metadata.permissions().mode() & EXECUTE != 0
    }
    #[cfg(not(unix))]
    {
        metadata.is_file()
    }
}

impl RunningProgram {
    /// Waits for the end of the program and passes signals on to it meanwhile.
    pub(super) async fn wait(mut self) -> io::Result<Exit> {
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status?,
                signal = self.signals.next() => send(&self.child, signal),
            }
        };
        Ok(exit(status))
    }
}

/// Sends a signal to a program. One that has ended meanwhile needs none.
fn send(child: &Child, signal: i32) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process};

        let id = child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(process) = id.and_then(Pid::from_raw)
            && let Some(signal) = Signal::from_named_raw(signal)
        {
            let _ = kill_process(process, signal);
        }
    }
    #[cfg(not(unix))]
    {
        let _ = (child, signal);
    }
}

fn exit(status: ExitStatus) -> Exit {
    let code = status.code();
    #[cfg(unix)]
    let code = code.or_else(|| {
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        signal.map(|signal| SIGNAL_BASE + signal)
    });
    match code.map(u8::try_from) {
        Some(Ok(0)) => Exit::Success,
        Some(Ok(code)) => Exit::Command(code),
        _ => Exit::Failed,
    }
}
