//! Counting instructions, which does not depend on how busy the machine is.

use std::error::Error;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// How many instructions a program takes with these arguments. What the kernel does for it is not counted.
///
/// # Errors
///
/// When valgrind cannot be run, or the program fails.
pub fn instructions(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("valgrind, which counts, cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = (said.lines())
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok())
        .filter(|_| output.status.success());
    counted.ok_or_else(|| format!("{} was not counted: {said}", program.display()).into())
}
