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
        // Whoever read the output has enough of it: nothing is wrong.
        Err(Stop::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Code::Well.into()
        }
        Err(Stop::Output(error)) => {
            let error = tokenfleet::Error::new(
                tokenfleet::ErrorKind::Other,
                tokenfleet::Fate::NotSent,
                format!("the output cannot be written ({error})"),
            );
            complain(format, &error);
            Code::Failed.into()
        }
    }
}

fn run(arguments: Arguments) -> Result<Code, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Stop::Output)?;
    let mut output = Output::new(Format::choose(arguments.global.output));
    let code = runtime.block_on(commands::run(arguments, &mut output))?;
    output.flush()?;
    Ok(code)
}
