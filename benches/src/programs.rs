//! The programs of this crate that others measure.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

/// Builds all programs of this crate for release, so that none is measured that is older than its sources.
///
/// # Errors
///
/// When cargo fails.
pub fn build_programs() -> Result<(), Box<dyn Error>> {
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet", "--bins"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .status()?;
    match built.success() {
        true => Ok(()),
        false => Err("the programs of this crate cannot be built".into()),
    }
}

/// Another program of this crate, which lies beside this one.
///
/// # Errors
///
/// When the system does not say where this one lies.
pub fn program(name: &str) -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}
