//! A worker of a fleet: a process of the program, with a clock and of a version that are drawn.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::random::Random;

/// The variable with the path of another version of the program.
const OTHER_PROGRAM: &str = "TOKENFLEET_OTHER_PROGRAM";

/// The library that lets a process see another time, if it is installed.
static FAKE_TIME: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    libraries.find(|library| library.exists())
});

/// The other version of the program.
static OTHER: LazyLock<Option<String>> = LazyLock::new(|| std::env::var(OTHER_PROGRAM).ok());

/// Says which faults are not tried on this machine.
pub(crate) fn say_what_is_not_tried() {
    if FAKE_TIME.is_none() {
        println!("NOT TRIED: workers whose clocks differ: apt-get install faketime");
    }
    if OTHER.is_none() {
        println!("NOT TRIED: two versions of the program: {OTHER_PROGRAM} is not set");
    }
}

/// A worker that serves.
pub(crate) struct Worker {
    child: Child,
    /// The number of the worker in its fleet, and what is special about it.
    pub(crate) name: String,
    pub(crate) is_skewed: bool,
    pub(crate) is_other: bool,
    stderr: PathBuf,
    /// The time at which it goes on, if it is stopped.
    continues_at: Option<Instant>,
}

impl Worker {
    /// Starts a worker by a command of this version of the program, or of another one if it may be.
    pub(crate) fn start(
        number: usize,
        folder: &Path,
        mut program: Command,
        may_be_other: bool,
        random: &mut Random,
    ) -> Self {
        let mut name = format!("worker {number}");
        let is_other = OTHER.is_some() && random.below(2) == 0 && may_be_other;
        if let Some(other) = OTHER.as_ref().filter(|_| is_other) {
            program = with_program(other, &program);
            name += ", of the other version";
        }
        let skew = [None, Some("+1h"), Some("-1h")][usize::try_from(random.below(3)).unwrap()];
        // Versions before decision 0070 go by the clock of their machine.
        let skew = skew.filter(|_| !is_other);
        let mut is_skewed = false;
        if let (Some(skew), Some(library)) = (skew, FAKE_TIME.as_ref()) {
            // The clocks that nobody sets are left alone, as when somebody sets the other one.
            program
                .env("LD_PRELOAD", library)
                .env("FAKETIME", skew)
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1")
                .env("FAKETIME_DISABLE_SHM", "1")
                .env("NO_FAKE_STAT", "1");
            is_skewed = true;
            name += &format!(", {skew}");
        }
        let stderr = folder.join(format!("stderr-{number}"));
        let stdout = File::create(folder.join(format!("stdout-{number}"))).unwrap();
        let program = program
            .stdout(stdout)
            .stderr(File::create(&stderr).unwrap());
        Self {
            child: program.spawn().unwrap(),
            name,
            is_skewed,
            is_other,
            stderr,
            continues_at: None,
        }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn stop_for(&mut self, time: Duration) {
        self.send(Signal::STOP);
        self.continues_at = Some(Instant::now() + time);
    }

    /// Lets it go on if its time has come.
    pub(crate) fn continue_if_due(&mut self) {
        if self.continues_at.is_some_and(|at| at <= Instant::now()) {
            self.continue_now();
        }
    }

    pub(crate) fn continue_now(&mut self) {
        if self.continues_at.take().is_some() {
            self.send(Signal::CONT);
        }
    }

    /// Returns how it ended, if it has ended by itself.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Asks it to end.
    pub(crate) fn ask_to_end(&mut self) {
        self.continue_now();
        self.send(Signal::TERM);
    }

    fn send(&self, signal: Signal) {
        // It may have ended.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Returns what it has reported.
    pub(crate) fn errors(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the same command with another program.
fn with_program(other: &str, command: &Command) -> Command {
    let mut program = Command::new(other);
    program.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => program.env(name, value),
            None => program.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        program.current_dir(folder);
    }
    program.stdin(std::process::Stdio::null());
    program
}
