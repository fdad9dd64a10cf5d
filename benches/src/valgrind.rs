//! Instruction counts, which do not depend on the load of the machine.

use std::error::Error;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Returns the number of instructions that a program executes with these arguments, without those
/// of the kernel.
///
/// # Errors
///
/// Returns an error if valgrind cannot be run, or if the program fails.
pub fn instructions(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let count = (stderr.lines())
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok())
        .filter(|_| output.status.success());
    count.ok_or_else(|| format!("{} was not counted: {stderr}", program.display()).into())
}
