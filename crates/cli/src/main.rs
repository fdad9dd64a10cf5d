//! The `tokenfleet` program.
//!
//! What scripts rely on: its commands, configuration, JSON and exit codes.

mod accounts;
mod arguments;
mod commands;
mod duration;
mod listening;
mod output;
mod progress;
mod refusal;
mod signal;
mod simulation;
mod stop;

use std::process::ExitCode;

use clap::Parser;
use tokenfleet::{Error, ErrorKind, Fate};

use crate::arguments::Arguments;
use crate::output::{Format, Output, complain};
use crate::stop::{Code, Stop};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refusal) => return refusal::refuse(&refusal),
    };
    let format = arguments.global.output;
    listening::listen(arguments.global.verbose);
    match run(arguments) {
        Ok(code) => code.into(),
        Err(Stop::Failed(error)) => {
            complain(format, &error);
            Code::of(&error).into()
        }
        Err(Stop::Incomplete(error)) => {
            complain(format, &error);
            Code::Incomplete.into()
        }
        // Whoever read the output has enough of it: nothing is wrong with that.
        Err(Stop::Output { error, code }) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            code.into()
        }
        Err(Stop::Output { error, code }) => {
            complain(
                format,
                &failure(format!("the output cannot be written ({error})")),
            );
            match code {
                Code::Well => Code::Failed.into(),
                code => code.into(),
            }
        }
    }
}

fn run(arguments: Arguments) -> Result<Code, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failure(format!("the program cannot begin ({error})")))?;
    let mut output = Output::new(Format::choose(arguments.global.output));
    let code = runtime.block_on(commands::run(arguments, &mut output))?;
    code.if_written(output.flush())
}

/// What fails beside every operation.
fn failure(message: String) -> Error {
    Error::new(ErrorKind::Other, Fate::NotSent, message)
}
