//! The `tokenfleet` program: inventory, create, rotate and revoke API tokens.
//!
//! Scripts rely on its commands, configuration, JSON and exit codes.

mod accounts;
mod arguments;
mod commands;
mod exit;
mod logging;
mod output;
mod progress;
mod signal;
#[cfg(feature = "simulate")]
mod simulation;
mod time;
mod usage_error;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokenfleet::{Error, ErrorKind, Fate};

use crate::arguments::Arguments;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error};

/// The threads that read connections, besides the one that runs the command.
const WORKER_THREADS: usize = 4;

/// The longest time for which a flooded connection may hold up the others.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage_error::report(&error),
    };
    let requested_format = arguments.global.output;
    logging::init(arguments.global.verbose);
    match run(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if let Some(error) = failure.error_to_print() {
                print_error(requested_format, &error);
            }
            failure.exit().into()
        }
    }
}

fn run(arguments: Arguments) -> Result<Exit, Failure> {
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
    let mut output = Output::new(Format::for_stdout(arguments.global.output));
    let exit = runtime.block_on(commands::run(arguments, &mut output));
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
