//! Runs the real program.

// Not every test file uses everything.
#![allow(dead_code)]

pub(crate) mod account;
pub(crate) mod fleet;
pub(crate) mod home;
pub(crate) mod platforms;
pub(crate) mod remembered;
pub(crate) mod rotating;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tokenfleet_tests::READ_VARIABLES;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tokenfleet");

/// The operating system's message for a file that does not exist.
pub(crate) const NO_SUCH_FILE: &str = if cfg!(windows) {
    "The system cannot find the file specified."
} else {
    "No such file or directory"
};

/// The exit code and the output of a run of the program.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Parses standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Returns the only line on standard error.
    #[track_caller]
    pub(crate) fn error_line(&self) -> &str {
        let line = self.stderr.strip_suffix('\n').unwrap_or(&self.stderr);
        assert!(!line.is_empty() && !line.contains('\n'), "{self:#?}");
        line
    }

    /// Returns the only line on standard error, whose commands name no configuration.
    #[track_caller]
    pub(crate) fn advice_line(&self) -> String {
        without_config(self.error_line())
    }

    /// Asserts that none of these secrets is shown anywhere.
    #[track_caller]
    pub(crate) fn hiding(self, secrets: &[&str]) -> Self {
        for secret in secrets {
            let shown = self.stdout.contains(secret) || self.stderr.contains(secret);
            assert!(!shown, "{secret} is shown: {self:#?}");
        }
        self
    }
}

/// Takes the configuration out of the commands that a text advises.
pub(crate) fn without_config(text: &str) -> String {
    let mut parts = text.split(" --config ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let end = part.find(['`', ' ']).unwrap_or(part.len());
        text + &part[end..]
    })
}

/// Runs the program without a terminal until it exits.
pub(crate) fn tokenfleet(arguments: &[&str]) -> Run {
    tokenfleet_with_env(&[], arguments)
}

/// Runs the program with these environment variables.
pub(crate) fn tokenfleet_with_env(variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    run(program(arguments).envs(variables.iter().copied()))
}

/// Returns the program, without the variables that it reads, to be started otherwise.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut program = command(PROGRAM);
    program
        .args(arguments)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        // Not the audit log of whoever runs the tests.
        .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    program
}

/// Returns a command without the variables that the program reads.
pub(crate) fn command(name: &str) -> Command {
    let mut command = Command::new(name);
    for variable in READ_VARIABLES {
        command.env_remove(variable);
    }
    command
}

fn run(program: &mut Command) -> Run {
    let output = program.output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the program until it exits, with a standard output that nobody reads.
///
/// A pipe whose reader is dropped would not do: a process that another test is starting may hold
/// that end for a moment.
#[cfg(unix)]
pub(crate) fn run_unread(arguments: &[&str]) -> Run {
    run_unread_with_env(&[], arguments)
}

/// Runs the program with these environment variables and a standard output that nobody reads.
#[cfg(unix)]
pub(crate) fn run_unread_with_env(variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    use std::net::Shutdown;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    let (written, reader) = UnixStream::pair().unwrap();
    reader.shutdown(Shutdown::Both).unwrap();
    let mut program = program(arguments);
    program.envs(variables.iter().copied());
    run(program.stdout(OwnedFd::from(written)))
}

/// Writes a configuration, plan or secret to a new file and returns its path.
pub(crate) fn temporary_file(content: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{number}.toml", std::process::id());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A running `tokenfleet simulate …`.
#[derive(Debug)]
pub(crate) struct Simulate {
    child: Child,
    pub(crate) servers: Vec<Value>,
}

impl Simulate {
    /// Starts it and reads the lines of this many servers.
    pub(crate) fn start(arguments: &[&str], servers: usize) -> Self {
        let mut child = Command::new(PROGRAM)
            .arg("simulate")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let servers = (0..servers)
            .map(|_| serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap())
            .collect();
        Self { child, servers }
    }

    /// Returns the server for a platform.
    pub(crate) fn server(&self, provider: &str) -> &Value {
        let mut servers = self.servers.iter();
        servers
            .find(|server| server["provider"] == provider)
            .unwrap()
    }

    /// Closes its standard input and returns the exit code.
    pub(crate) fn close(mut self) -> i32 {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Simulate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program as [`tokenfleet_with_env`] does, and returns the peak of its memory in bytes
/// where the operating system tells it.
pub(crate) fn measured(variables: &[(&str, &str)], arguments: &[&str]) -> (Run, Option<u64>) {
    let mut child = program(arguments)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |stream: &mut dyn std::io::Read| {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    std::thread::scope(|scope| {
        let stdout = scope.spawn(move || read(&mut stdout));
        let stderr = scope.spawn(move || read(&mut stderr));
        let mut peak = None;
        let code = loop {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
            let size = size.and_then(|size| size.parse::<u64>().ok());
            peak = size.map(|size| size << 10).or(peak);
            if let Some(status) = child.try_wait().unwrap() {
                break status.code().unwrap_or(-1);
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        let run = Run {
            code,
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        };
        (run, peak)
    })
}
