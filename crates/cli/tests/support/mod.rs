//! Running the real program.

// Not every test file uses everything.
#![allow(dead_code)]

pub(crate) mod account;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tokenfleet");

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The run, if it ended with that code.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Its output, read as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Its one line on standard error.
    #[track_caller]
    pub(crate) fn complaint(&self) -> &str {
        let line = self.stderr.strip_suffix('\n').unwrap_or(&self.stderr);
        assert!(!line.is_empty() && !line.contains('\n'), "{self:#?}");
        line
    }

    /// The run, if it shows none of these anywhere.
    #[track_caller]
    pub(crate) fn hiding(self, secrets: &[&str]) -> Self {
        for secret in secrets {
            let shown = self.stdout.contains(secret) || self.stderr.contains(secret);
            assert!(!shown, "{secret} is shown: {self:#?}");
        }
        self
    }
}

/// Runs the program to its end, without a terminal.
pub(crate) fn tokenfleet(arguments: &[&str]) -> Run {
    tokenfleet_knowing(&[], arguments)
}

/// Runs the program with these environment variables.
pub(crate) fn tokenfleet_knowing(variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    run(program(arguments).envs(variables.iter().copied()))
}

fn program(arguments: &[&str]) -> Command {
    let mut program = Command::new(PROGRAM);
    program
        .args(arguments)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    program
}

fn run(program: &mut Command) -> Run {
    let output = program.output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the program to its end, and nobody reads what it prints.
///
/// Not through a pipe whose reader is dropped: a process that another test is just starting holds that end too, for a moment.
#[cfg(unix)]
pub(crate) fn unread(arguments: &[&str]) -> Run {
    use std::net::Shutdown;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    let (written, reader) = UnixStream::pair().unwrap();
    reader.shutdown(Shutdown::Both).unwrap();
    let mut program = program(arguments);
    run(program.stdout(OwnedFd::from(written)))
}

/// A configuration file of this content; its path.
pub(crate) fn configuration(content: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{number}.toml", std::process::id());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `tokenfleet simulate …`, running.
#[derive(Debug)]
pub(crate) struct Simulate {
    child: Child,
    pub(crate) servers: Vec<Value>,
}

impl Simulate {
    /// Starts it and reads the lines of that many servers.
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

    /// Its server for that platform.
    pub(crate) fn server(&self, provider: &str) -> &Value {
        let mut servers = self.servers.iter();
        servers
            .find(|server| server["provider"] == provider)
            .unwrap()
    }

    /// Closes its standard input and waits for its end.
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
