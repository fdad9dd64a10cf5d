//! The programs of this crate that other programs measure.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

/// Builds all programs of this crate for release, so that no outdated program is measured.
///
/// # Errors
///
/// Returns an error if cargo fails.
pub fn build_programs() -> Result<(), Box<dyn Error>> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet", "--bins"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("cannot build the programs of this crate".into())
    }
}

/// Returns the path of another program of this crate, in the directory of this one.
///
/// # Errors
///
/// Returns an error if the system does not report the path of this program.
pub fn program(name: &str) -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}
