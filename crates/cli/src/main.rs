//! The `tokenfleet` program, with the built-in providers.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokenfleet_cli::Program::new().run()
}
