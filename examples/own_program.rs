//! Builds the whole `tokenfleet` program with a provider of one's own.
//!
//! `cargo run -p tokenfleet-examples --example own_program -- --config examples/own_program.toml
//! inventory`

use std::process::ExitCode;

use tokenfleet_cli::Program;
use tokenfleet_examples::Directory;

fn main() -> ExitCode {
    Program::new()
        .with_name("own_program", env!("CARGO_PKG_VERSION"))
        .with_provider("directory", Directory::open)
        .run()
}
