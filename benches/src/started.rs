//! The instructions that the program executes from its start to the end of a short command.

use std::error::Error;
use std::fs;

use crate::{instructions, program};

/// The commands that send nothing, by the names of their counts.
const STARTED: [(&str, &[&str]); 3] = [
    ("the program starts for --help", &["--help"]),
    ("the program starts for --version", &["--version"]),
    (
        "the program starts for accounts",
        &["accounts", "--output", "json"],
    ),
];
/// The smallest configuration; its credential is not read.
const CONFIGURATION: &str = "[accounts.one]\nprovider = 'losant'\ntoken = { env = 'TOKEN' }\n";

/// Returns the names of the short commands of the program.
pub fn started_names() -> impl Iterator<Item = &'static str> {
    STARTED.iter().map(|(name, _)| *name)
}

/// Returns the instructions of a whole process of the program for the short command of that name,
/// if there is one.
///
/// The program must be [built](crate::build_program).
///
/// # Errors
///
/// Returns an error if the configuration cannot be written, or if the program or valgrind cannot be
/// run.
pub fn started_instructions(name: &str) -> Result<Option<u64>, Box<dyn Error>> {
    let Some((_, words)) = STARTED.iter().find(|(started, _)| *started == name) else {
        return Ok(None);
    };
    let file = format!("tokenfleet-benches-{}-start.toml", std::process::id());
    let file = std::env::temp_dir().join(file);
    fs::write(&file, CONFIGURATION)?;
    let path = file.to_string_lossy();
    let arguments = words.iter().copied().chain(["--config", &*path]);
    let counted = instructions(&program("tokenfleet")?, arguments);
    fs::remove_file(&file)?;
    counted.map(Some)
}
