//! The programs that other programs measure.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

/// Builds all programs of this crate for release, so that no outdated program is measured.
///
/// # Errors
///
/// Returns an error if cargo fails.
pub fn build_programs() -> Result<(), Box<dyn Error>> {
    build(&["--bins"])
}

/// Builds the program `tokenfleet` for release.
///
/// # Errors
///
/// Returns an error if cargo fails.
pub fn build_program() -> Result<(), Box<dyn Error>> {
    build(&["--package", "tokenfleet-cli", "--bin", "tokenfleet"])
}

/// Returns the path of the program `tokenfleet` that is measured: that of the variable `PROGRAM`,
/// or the one beside this program, which is built first.
///
/// # Errors
///
/// Returns an error if cargo fails, or if the system does not report the path of this program.
pub fn measured_program() -> Result<PathBuf, Box<dyn Error>> {
    match std::env::var_os("PROGRAM") {
        Some(path) => Ok(PathBuf::from(path)),
        None => {
            build_program()?;
            Ok(program("tokenfleet")?)
        }
    }
}

fn build(what: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The variables of this package are none of the built one's. To some build scripts, they are a
    // change, after which everything is compiled again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    let status = cargo
        .args(["build", "--release", "--quiet"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .args(what)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("cannot build {}", what.join(" ")).into())
    }
}

/// Returns the path of another program of this crate, or of `tokenfleet`, in the directory of this
/// one.
///
/// # Errors
///
/// Returns an error if the system does not report the path of this program.
pub fn program(name: &str) -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}
