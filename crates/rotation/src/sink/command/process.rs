//! The process of a command: bounded in its time and in its output.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokenfleet_core::config::cause_text;
use tokenfleet_core::{Error, ErrorKind, Fate, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

/// The maximum size of an output, in bytes.
const MAX_SIZE: usize = 64 << 10;

/// The time for which the rest of an output is read after its process has ended. It is in the pipe
/// by then, and another process may keep the pipe open.
const REST: Duration = Duration::from_millis(50);

/// The reason why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    reason: String,
    /// `true` if the command ran.
    has_run: bool,
}

impl Failure {
    fn after_start(reason: String) -> Self {
        let has_run = true;
        Self { reason, has_run }
    }

    pub(super) fn of_read(self, place: &str) -> Error {
        let fate = if self.has_run {
            Fate::Rejected
        } else {
            Fate::NotSent
        };
        let message = format!("the check of {place} {}", self.reason);
        Error::new(ErrorKind::Other, fate, message)
            .with_advice("run it yourself to see why: its output is not shown here")
    }

    pub(super) fn of_write(self, place: &str) -> Error {
        let message = format!("{place} {}", self.reason);
        if self.has_run {
            Error::new(ErrorKind::Other, Fate::MaybeApplied, message)
                .with_advice("run it yourself to see why: its output is not shown here")
        } else {
            Error::new(ErrorKind::Other, Fate::NotSent, message)
                .with_advice("check its path and its permissions")
        }
    }
}

/// Returns `false` if a command cannot be started: there is no such program in its place, or in
/// none of the directories of `PATH`, or this user may not execute it.
#[cfg(unix)]
pub(super) fn can_be_started(command: &Command) -> bool {
    use std::env;
    use std::path::Path;

    use rustix::fs::{Access, access};

    let is_program = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    let program = command.as_std().get_program();
    if program.as_encoded_bytes().contains(&b'/') {
        return is_program(Path::new(program));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| is_program(&directory.join(program)))
}

/// Returns `true`: what makes a program is known to the system alone.
#[cfg(not(unix))]
pub(super) fn can_be_started(_: &Command) -> bool {
    true
}

/// Runs a command to its end with a secret on its standard input.
pub(super) async fn deliver(
    mut command: Command,
    secret: &Secret,
    timeout: Duration,
) -> Result<(), Failure> {
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut process = Process::start(command)?;
    let input = process.child.stdin.take();
    let run = async {
        let written = async {
            let Some(mut input) = input else {
                return Ok(());
            };
            input.write_all(secret.expose().as_bytes()).await?;
            // It is closed here, so that the command sees the end of the secret.
            input.shutdown().await
        };
        tokio::join!(written, process.child.wait())
    };
    let (written, ended) = in_time(timeout, run).await?;
    process.has_ended = true;
    succeeded(ended)?;
    written.map_err(|_| Failure::after_start("did not read the secret".to_owned()))
}

/// Runs a command to its end, and returns what it has printed on standard output until then.
pub(super) async fn output(
    mut command: Command,
    timeout: Duration,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = Process::start(command)?;
    let output = process.child.stdout.take();
    let mut printed = Zeroizing::new(Vec::with_capacity(MAX_SIZE + 1));
    let ended = {
        let read = async {
            if let Some(output) = output {
                let mut output = output.take(MAX_SIZE as u64 + 1);
                while output.read_buf(&mut *printed).await? > 0 {}
            }
            Ok(printed.len() > MAX_SIZE)
        };
        let run = async {
            tokio::pin!(read);
            let is_too_long: io::Result<bool> = tokio::select! {
                ended = process.child.wait() => {
                    // What is missing then was not printed by this process.
                    let rest = tokio::time::timeout(REST, read).await;
                    return Ok((ended, matches!(rest, Ok(Ok(true)))));
                }
                read = &mut read => read,
            };
            match is_too_long {
                Ok(true) => Err(too_long()),
                Ok(false) => Ok((process.child.wait().await, false)),
                Err(error) => {
                    let reason = format!("cannot be read: {}", cause_text(&error));
                    Err(Failure::after_start(reason))
                }
            }
        };
        in_time(timeout, run).await??
    };
    process.has_ended = true;
    let (ended, is_too_long) = ended;
    succeeded(ended)?;
    if is_too_long {
        return Err(too_long());
    }
    Ok(printed)
}

fn too_long() -> Failure {
    Failure::after_start(format!("prints more than {} KiB", MAX_SIZE >> 10))
}

async fn in_time<T>(timeout: Duration, run: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(timeout, run).await.map_err(|_| {
        let seconds = timeout.as_secs_f32();
        Failure::after_start(format!("did not end within {seconds} s and was stopped"))
    })
}

fn succeeded(ended: io::Result<ExitStatus>) -> Result<(), Failure> {
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::after_start(format!("failed ({status})"))),
        Err(error) => {
            let reason = format!("cannot be awaited: {}", cause_text(&error));
            Err(Failure::after_start(reason))
        }
    }
}

/// A process that does not outlive this value, unless it has ended.
struct Process {
    child: Child,
    has_ended: bool,
}

impl Process {
    fn start(mut command: Command) -> Result<Self, Failure> {
        command.stderr(Stdio::null()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        match command.spawn() {
            Ok(child) => Ok(Self {
                child,
                has_ended: false,
            }),
            Err(error) => Err(Failure {
                reason: format!("cannot be started: {}", cause_text(&error)),
                has_run: false,
            }),
        }
    }
}

impl Drop for Process {
    /// Kills the group of a process that still runs. The group keeps its number until its leader
    /// was waited for.
    fn drop(&mut self) {
        #[cfg(unix)]
        if !self.has_ended {
            use rustix::process::{Pid, Signal, kill_process_group};

            let id = self.child.id().and_then(|id| i32::try_from(id).ok());
            if let Some(group) = id.and_then(Pid::from_raw) {
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
    }
}
