//! A credential that a command prints, such as a password manager.

mod process;

use std::ffi::OsString;
use std::fmt;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::file::{Part, Problem, is_showable_path};
use crate::config::CredentialSource;
use crate::error::{Error, Result, quoted};
use crate::model::Secret;

/// The time that a command may take unless another one is configured.
pub(crate) const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// The time for which a command is not run again after it has repeated a rejected credential.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// A command, and what it has printed.
pub(crate) struct Command {
    program: PathBuf,
    arguments: Vec<OsString>,
    timeout: Duration,
    cool_down: Duration,
    state: Mutex<CommandState>,
}

#[derive(Default)]
struct CommandState {
    /// The last run, unless its credential was rejected.
    current: Option<Arc<Run>>,
    /// The last credential that was rejected, and when the command was to be run again for that.
    rejected: Option<(Secret, Instant)>,
}

/// A run of a command, which several readers may wait for.
#[derive(Default)]
struct Run(Mutex<RunState>);

/// The thread's end of a run: the run ends with it, whatever becomes of the thread.
struct Runner(Arc<Run>);

#[derive(Default)]
struct RunState {
    result: Option<Result<Zeroizing<Vec<u8>>, Problem>>,
    waiting: Vec<Waker>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Command {
    /// Creates a command from its words. `resolve` says where a path starts from that is written
    /// with a slash; a program without one is found in `PATH`.
    pub(crate) fn new<W: Into<OsString>>(
        words: impl IntoIterator<Item = W>,
        timeout: Duration,
        resolve: impl Fn(PathBuf) -> PathBuf,
    ) -> Self {
        let mut words = words.into_iter().map(Into::into);
        let program = PathBuf::from(words.next().unwrap_or_default());
        let is_path = program.components().count() > 1;
        Self {
            program: if is_path { resolve(program) } else { program },
            arguments: words.collect(),
            timeout,
            cool_down: COOL_DOWN,
            state: Mutex::default(),
        }
    }

    /// Returns the run that is in progress or that has printed the credential, or starts one.
    ///
    /// A failure is for those who waited for it: the next reader starts another run. Each run has a
    /// thread of its own, so that neither a slow command nor a reader that gives up holds anything
    /// up.
    fn run(&self, part: Part) -> Arc<Run> {
        let mut state = locked(&self.state);
        if let Some(run) = &state.current
            && !run.has_failed(part)
        {
            return Arc::clone(run);
        }
        let run = Arc::new(Run::default());
        state.current = Some(Arc::clone(&run));
        drop(state);
        let mut process = std::process::Command::new(&self.program);
        process.args(&self.arguments);
        let (timeout, runner) = (self.timeout, Runner(Arc::clone(&run)));
        let thread = std::thread::Builder::new().name("credential".to_owned());
        // If the system refuses a thread, the closure is dropped, and with it the runner.
        let _ = thread.spawn(move || runner.0.finish(process::output(process, timeout)));
        run
    }

    /// Forgets the credential if it is the current one, so that the next reader runs the command
    /// again. One that the command has just repeated is kept until the cool-down is over: whoever
    /// sends it is refused, but does not start the command for every request.
    fn reject(&self, secret: &Secret, part: Part) {
        let mut state = locked(&self.state);
        let is_current = |run: &Arc<Run>| run.has_printed(secret, part);
        if !state.current.as_ref().is_some_and(is_current) {
            return;
        }
        let is_repeated = state.rejected.as_ref().is_some_and(|(rejected, at)| {
            rejected.is_same(secret) && at.elapsed() < self.cool_down
        });
        if !is_repeated {
            state.rejected = Some((secret.duplicate(), Instant::now()));
            state.current = None;
        }
    }

    /// Returns the program for a message, or an empty text if it may be the credential itself.
    fn shown_program(&self) -> String {
        let name = self.program.to_string_lossy();
        let is_path = self.program.components().count() > 1;
        if is_path && is_showable_path(Path::new(&self.program)) {
            format!(" `{name}`")
        } else {
            quoted(&name, &[])
        }
    }
}

/// Shows neither the arguments nor the output: either may hold a secret.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.shown_program().trim_start())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let advice = "free memory or processes, and try again";
        self.0.finish(Err(("cannot be run".to_owned(), advice)));
    }
}

impl Run {
    /// Sets the result, unless there is one, and wakes all who wait for it.
    fn finish(&self, result: Result<Zeroizing<Vec<u8>>, Problem>) {
        let mut state = locked(&self.0);
        state.result.get_or_insert(result);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn poll(&self, context: &Context<'_>, part: Part) -> Poll<Result<Secret, Problem>> {
        let mut state = locked(&self.0);
        if let Some(result) = &state.result {
            return Poll::Ready(match result {
                Ok(printed) => part
                    .of(printed)
                    .map_err(|(problem, _)| (format!("printed a text that {problem}"), PRINT)),
                Err(problem) => Err(problem.clone()),
            });
        }
        let waker = context.waker();
        if !state.waiting.iter().any(|known| known.will_wake(waker)) {
            state.waiting.push(waker.clone());
        }
        Poll::Pending
    }

    /// Returns `true` if this run has ended without a credential.
    fn has_failed(&self, part: Part) -> bool {
        let state = locked(&self.0);
        let result = state.result.as_ref();
        result.is_some_and(|result| !matches!(result, Ok(printed) if part.of(printed).is_ok()))
    }

    /// Returns `true` if this run has printed that credential.
    fn has_printed(&self, secret: &Secret, part: Part) -> bool {
        match &locked(&self.0).result {
            Some(Ok(printed)) => part.of(printed).is_ok_and(|known| known.is_same(secret)),
            _ => false,
        }
    }
}

/// The advice for a command whose output is not a credential.
const PRINT: &str = "it must print only the credential on the first line";

/// A part of what a command prints.
#[derive(Debug)]
pub(super) struct Printed {
    command: Arc<Command>,
    part: Part,
}

impl Printed {
    pub(super) fn new(command: Arc<Command>, part: Part) -> Self {
        Self { command, part }
    }
}

#[async_trait]
impl CredentialSource for Printed {
    async fn secret(&self) -> Result<Secret> {
        let run = self.command.run(self.part);
        let read = poll_fn(|context| run.poll(context, self.part)).await;
        read.map_err(|(problem, advice)| {
            let program = self.command.shown_program();
            Error::configuration(format!("the command{program} {problem}")).with_advice(advice)
        })
    }

    fn refused(&self, secret: &Secret) {
        self.command.reject(secret, self.part);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
