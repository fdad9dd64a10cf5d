//! The instructions of the program for each token that it lists.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::{instructions, program};

/// The listings of the program, by the names of their counts: the simulator and the format.
const LISTED: [(&str, &str, &str); 6] = [
    ("the program lists Foreman as csv", "foreman", "csv"),
    ("the program lists Foreman as ndjson", "foreman", "ndjson"),
    ("the program lists Foreman as table", "foreman", "table"),
    ("the program lists Losant as csv", "losant", "csv"),
    ("the program lists Losant as ndjson", "losant", "ndjson"),
    ("the program lists Losant as table", "losant", "table"),
];
/// The tokens of the two listings whose difference is counted, without the start of the program.
const FEW: u64 = 2_000;
const MANY: u64 = 12_000;

/// Returns the names of the listings of the program.
pub fn listed_names() -> impl DoubleEndedIterator<Item = &'static str> {
    LISTED.iter().map(|(name, ..)| *name)
}

/// Returns the instructions that the program executes for each token of a listing, if there is one
/// of that name.
///
/// The program must be [built](crate::build_program).
///
/// # Errors
///
/// Returns an error if the program or valgrind cannot be run.
pub fn listed_instructions(name: &str) -> Result<Option<u64>, Box<dyn Error>> {
    let Some((_, platform, format)) = LISTED.iter().find(|(listed, ..)| *listed == name) else {
        return Ok(None);
    };
    let count = |tokens| SimulatedByProgram::start(platform, tokens)?.count(format);
    let (few, many) = (count(FEW)?, count(MANY)?);
    Ok(Some(many.saturating_sub(few) / (MANY - FEW)))
}

/// A platform that the program itself simulates in another process.
struct SimulatedByProgram {
    process: Child,
    configuration: PathBuf,
}

impl SimulatedByProgram {
    fn start(platform: &str, tokens: u64) -> Result<Self, Box<dyn Error>> {
        let name = format!(
            "tokenfleet-benches-{}-{platform}-{tokens}.toml",
            std::process::id()
        );
        let configuration = std::env::temp_dir().join(name);
        let mut process = Command::new(program("tokenfleet")?)
            .args(["simulate", platform, "--tokens", &tokens.to_string()])
            .arg("--write-config")
            .arg(&configuration)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        // It prints a line once it listens.
        let announced = process.stdout.take().ok_or("the simulator has no output")?;
        let started = Self {
            process,
            configuration,
        };
        let mut line = String::new();
        BufReader::new(announced).read_line(&mut line)?;
        if line.is_empty() {
            return Err("the simulator did not start".into());
        }
        Ok(started)
    }

    fn count(&self, format: &str) -> Result<u64, Box<dyn Error>> {
        let configuration = self.configuration.to_string_lossy();
        let arguments = ["--config", &configuration, "list", "--output", format];
        let pages = ["--page-size", "1000"];
        instructions(&program("tokenfleet")?, arguments.into_iter().chain(pages))
    }
}

/// Ends the simulator, which removes its configuration once its input is closed.
impl Drop for SimulatedByProgram {
    fn drop(&mut self) {
        let _ = self.process.wait();
    }
}
