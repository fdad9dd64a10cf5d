//! The program: its providers, its runtime, and how it ends.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::StyledStr;
use clap::{CommandFactory, FromArgMatches};
use tokenfleet::config::Settings;
use tokenfleet::transport::Transport;
use tokenfleet::{Error, ErrorKind, Fate, Registry, TokenProvider};

use crate::arguments::{Arguments, Command};
use crate::exit::{Exit, Failure};
use crate::output::{Color, Format, Output, print_error};
use crate::program_name::{self, DEFAULT_NAME};
use crate::{commands, completions, configuration, logging, manual, progress, usage_error};

/// The threads that read connections, besides the one that runs the command.
const WORKER_THREADS: usize = 4;

/// The longest time for which a flooded connection may hold up the others.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

/// The `tokenfleet` program, with the built-in providers and any others.
///
/// ```no_run
/// use std::process::ExitCode;
/// use tokenfleet_cli::Program;
/// # use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
///
/// fn main() -> ExitCode {
///     Program::new()
///         .with_name("ourfleet", env!("CARGO_PKG_VERSION"))
///         .with_provider("ours", |_account, settings, _transport| {
///             let url = settings.required_text("base_url")?;
///             // Create your provider here.
/// #           let _ = url;
/// #           Ok(MemoryProvider::new(MemoryProfile::deleting()))
///         })
///         .run()
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Program {
    registry: Registry,
    /// The names of the providers that were added.
    own_providers: Vec<String>,
    name: &'static str,
    version: &'static str,
}

impl Program {
    /// Creates the program with the built-in providers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            registry: Registry::with_builtin(),
            own_providers: Vec::new(),
            name: DEFAULT_NAME,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Adds a provider under the name that configurations use, replacing any other of that name.
    ///
    /// [`Registry::register`] describes the factory.
    #[must_use]
    pub fn with_provider<P: TokenProvider>(
        mut self,
        name: impl Into<String>,
        factory: impl Fn(&str, &mut Settings, Arc<dyn Transport>) -> tokenfleet::Result<P>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let name = name.into();
        self.own_providers.push(name.clone());
        self.registry.register(name, factory);
        self
    }

    /// Sets the name and the version that `--help`, `--version` and advice show.
    #[must_use]
    pub fn with_name(mut self, name: &'static str, version: &'static str) -> Self {
        (self.name, self.version) = (name, version);
        self
    }

    /// Runs the command of the command line, and returns the exit code for `main`.
    ///
    /// It prints the output and every error. It starts an async runtime, so call it outside of one,
    /// and once.
    #[must_use = "the exit code says whether the command succeeded"]
    pub fn run(self) -> ExitCode {
        program_name::set(self.name);
        configuration::set_own_providers(self.own_providers);
        Color::find(std::env::args_os().skip(1)).set();
        let command = Arguments::command().name(self.name).version(self.version);
        let command = named_in_help(command, self.name);
        if let Some(code) = completions::answer(self.name, &command) {
            return code;
        }
        let parsed = command.clone().try_get_matches();
        let arguments = match parsed.and_then(|found| Arguments::from_arg_matches(&found)) {
            Ok(arguments) => arguments,
            Err(error) => return usage_error::report(&error),
        };
        arguments.global.color.set();
        program_name::set_configuration(arguments.global.config.as_deref());
        let requested_format = arguments.global.output;
        logging::init(arguments.global.verbose);
        if arguments.global.quiet {
            progress::turn_off();
        }
        match run(arguments, self.registry, &command) {
            Ok(exit) => exit.into(),
            Err(failure) => {
                if let Some(error) = failure.error_to_print() {
                    print_error(requested_format, &error);
                }
                failure.exit().into()
            }
        }
    }
}

impl Default for Program {
    fn default() -> Self {
        Self::new()
    }
}

/// Puts the name of the program into the commands that its help shows.
fn named_in_help(mut command: clap::Command, name: &str) -> clap::Command {
    if name == DEFAULT_NAME {
        return command;
    }
    let renamed = |help: Option<&StyledStr>| {
        help.map(|help| {
            let commands = format!("{DEFAULT_NAME} ");
            let help = help.to_string().replace(&commands, &format!("{name} "));
            let help = help.replace("$TOKENFLEET_", &format!("${}", program_name::variable("")));
            let directory = |name: &str| format!("/.config/{name}/");
            help.replace(&directory(DEFAULT_NAME), &directory(name))
        })
    };
    if let Some(text) = renamed(command.get_about()) {
        command = command.about(text);
    }
    if let Some(text) = renamed(command.get_long_about()) {
        command = command.long_about(text);
    }
    if let Some(text) = renamed(command.get_after_help()) {
        command = command.after_help(text);
    }
    command
        .mut_args(|mut argument| {
            if let Some(text) = renamed(argument.get_help()) {
                argument = argument.help(text);
            }
            if let Some(text) = renamed(argument.get_long_help()) {
                argument = argument.long_help(text);
            }
            argument
        })
        .mut_subcommands(|subcommand| named_in_help(subcommand, name))
}

fn run(arguments: Arguments, registry: Registry, command: &clap::Command) -> Result<Exit, Failure> {
    let format = Format::for_stdout(arguments.global.output);
    let mut output = Output::new(format, arguments.global.quiet);
    let written = match &arguments.command {
        Command::Completions(completions) => {
            completions::print_script(program_name::get(), completions.shell, &mut output)?;
            output.flush()
        }
        Command::Schema => {
            output.text(configuration::SCHEMA.as_bytes())?;
            output.flush()
        }
        Command::Man(man) => {
            manual::print(command, man.directory.as_deref(), &mut output)?;
            output.flush()
        }
        _ => return run_async(arguments, registry, output),
    };
    Exit::Success.after_writing(written)
}

fn run_async(
    arguments: Arguments,
    registry: Registry,
    mut output: Output,
) -> Result<Exit, Failure> {
    // Connections are read on threads of their own: a server that floods one holds up no account.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(|error| {
            let message = format!("cannot start the async runtime ({error})");
            Error::new(ErrorKind::Other, Fate::NotSent, message)
        })?;
    keep_watch(runtime.handle().clone());
    let exit = runtime.block_on(commands::run(arguments, registry, &mut output));
    // Whoever floods a connection does not hold up the end either.
    runtime.shutdown_background();
    let exit = exit?;
    exit.after_writing(output.flush())
}

/// Wakes a thread of the runtime again and again.
///
/// The runtime lets one of its threads wait for all connections and timers. If that one reads a
/// connection that a server floods, nobody waits for the others until another thread is woken.
fn keep_watch(runtime: tokio::runtime::Handle) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(WATCH_INTERVAL);
            runtime.spawn(std::future::ready(()));
        }
    });
}
