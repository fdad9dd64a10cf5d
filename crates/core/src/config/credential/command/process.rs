//! The process of a command: bounded in its time and in its output.

use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::super::file::{MAX_FILE_SIZE, Problem};
use crate::error::cause_text;

/// The pause between two looks whether a process has printed something or has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// The advice for a command that fails. What it says on standard error may hold a secret.
const RUN_IT: &str = "run it yourself to see why: its output is not shown here";

/// Runs a command to its end, and returns what it has printed on standard output until then.
///
/// A command that takes too long or prints too much is killed, with all processes of its group. A
/// process that it leaves behind, such as an agent that keeps the keys unlocked, is not waited for.
pub(super) fn output(
    mut command: Command,
    timeout: Duration,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let started = Instant::now();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut process = Process(command.spawn().map_err(|error| describe(&error))?);
    let stdout = process.0.stdout.take().map(without_waiting).transpose();
    let mut printed = Printed {
        stdout: stdout.map_err(|error| unreadable(&error))?,
        content: Zeroizing::new(Vec::with_capacity(MAX_FILE_SIZE + 1)),
    };
    loop {
        // What a process has printed is in the pipe once the process has ended.
        let ended = process.0.try_wait().map_err(|error| {
            let problem = format!("cannot be awaited: {}", cause_text(&error));
            (problem, RUN_IT)
        })?;
        printed.read().map_err(|error| unreadable(&error))?;
        if printed.content.len() > MAX_FILE_SIZE {
            let problem = format!("prints more than {} KiB", MAX_FILE_SIZE >> 10);
            return Err((problem, super::PRINT));
        }
        match ended {
            Some(status) if status.success() => return Ok(printed.content),
            Some(status) => return Err((format!("failed ({status})"), RUN_IT)),
            None if started.elapsed() < timeout => std::thread::sleep(PAUSE),
            None => return Err(timed_out(timeout)),
        }
    }
}

/// A process that does not outlive this value.
struct Process(Child);

impl Drop for Process {
    /// Kills the process with its group, and waits until it is gone, unless it has ended.
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        // The group keeps its number until its leader was waited for.
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};

            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The output of a process so far.
struct Printed<R> {
    /// The output, unless it was closed.
    stdout: Option<R>,
    /// The buffer has its final size from the start, because growing it would leave behind copies
    /// that are not wiped.
    content: Zeroizing<Vec<u8>>,
}

impl<R: Read> Printed<R> {
    /// Reads what is there, up to one byte more than the maximum size.
    fn read(&mut self) -> io::Result<()> {
        let Some(stdout) = &mut self.stdout else {
            return Ok(());
        };
        let rest = (MAX_FILE_SIZE + 1 - self.content.len()) as u64;
        match stdout.take(rest).read_to_end(&mut self.content) {
            Ok(_) => self.stdout = None,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Returns the output so that reading it fails instead of waiting for what is not printed yet.
#[cfg(unix)]
fn without_waiting(stdout: ChildStdout) -> io::Result<ChildStdout> {
    rustix::io::ioctl_fionbio(&stdout, true)?;
    Ok(stdout)
}

/// Returns the output so that reading it waits only a moment for what is not printed yet.
///
/// A thread reads it. It outlives a command that leaves its output open to another process.
#[cfg(not(unix))]
fn without_waiting(mut stdout: ChildStdout) -> io::Result<impl Read> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().name("credential output".to_owned());
    thread.spawn(move || {
        loop {
            let mut part = Zeroizing::new([0; 1024]);
            let read = stdout.read(&mut part[..]);
            let is_last = !matches!(read, Ok(1..));
            if sender.send(read.map(|length| (part, length))).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(Received {
        receiver,
        part: (Zeroizing::new([0; 1024]), 0..0),
    })
}

/// The output that a thread reads, in parts.
#[cfg(not(unix))]
struct Received {
    receiver: std::sync::mpsc::Receiver<io::Result<(Zeroizing<[u8; 1024]>, usize)>>,
    part: (Zeroizing<[u8; 1024]>, std::ops::Range<usize>),
}

#[cfg(not(unix))]
impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::sync::mpsc::RecvTimeoutError;

        if self.part.1.is_empty() {
            match self.receiver.recv_timeout(Duration::from_millis(100)) {
                Ok(read) => {
                    let (part, length) = read?;
                    self.part = (part, 0..length);
                }
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let length = self.part.1.len().min(buffer.len());
        let start = self.part.1.start;
        buffer[..length].copy_from_slice(&self.part.0[start..start + length]);
        self.part.1.start += length;
        Ok(length)
    }
}

fn unreadable(error: &io::Error) -> Problem {
    let problem = format!("cannot be read: {}", cause_text(error));
    (problem, RUN_IT)
}

fn timed_out(timeout: Duration) -> Problem {
    let problem = format!(
        "did not end within {} s and was stopped",
        timeout.as_secs_f32()
    );
    let advice = "it cannot ask for a password on the terminal; unlock it beforehand, or give it \
                  more time with timeout = \"2m\"";
    (problem, advice)
}

fn describe(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::NotFound => (
            "does not exist".to_owned(),
            "install it, or correct its path",
        ),
        _ => (
            format!("cannot be started: {}", cause_text(error)),
            "check its path and its permissions",
        ),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_process_ends_with_the_thread_that_waits_for_it() {
        let mut command = Command::new("sleep");
        let child = command.arg("60").spawn().unwrap();
        let id = rustix::process::Pid::from_child(&child);
        let process = Process(child);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _process = process;
            panic!("the thread ends here");
        }));
        assert!(panicked.is_err());
        // Nothing of it is left to be waited for either.
        assert!(rustix::process::test_kill_process(id).is_err());
    }
}
