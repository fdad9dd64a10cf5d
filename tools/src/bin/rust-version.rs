//! Checks that the Rust release that the workspace declares suffices for every locked package.
//!
//! Prints the declared release, so that a script can build with it.

use std::process::ExitCode;

use tokenfleet_tools::{Failure, metadata, packages};

/// A Rust release: major, minor and patch.
type Release = [u64; 3];

fn main() -> ExitCode {
    match check() {
        Ok(declared) => {
            println!("{declared}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("rust-version: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the declared release, or an error unless all members declare one that suffices.
fn check() -> Result<String, Failure> {
    let metadata = metadata(true)?;
    let mut declared: Option<String> = None;
    let mut highest: (Release, String) = ([0; 3], String::new());
    for package in packages(&metadata)? {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(version) = package["rust_version"].as_str() else {
            if package["source"].is_null() {
                return Err(format!("{name} declares no rust-version").into());
            }
            continue;
        };
        if package["source"].is_null() {
            if declared.get_or_insert_with(|| version.to_owned()) != version {
                return Err(format!("{name} declares another rust-version: {version}").into());
            }
        } else if parse(version)? > highest.0 {
            let package = format!("{name} {}", package["version"].as_str().unwrap_or_default());
            highest = (parse(version)?, package);
        }
    }
    let declared = declared.ok_or("the workspace has no members")?;
    if parse(&declared)? < highest.0 {
        let [major, minor, patch] = highest.0;
        return Err(format!(
            "{} needs Rust {major}.{minor}.{patch}, but Cargo.toml declares rust-version = {declared:?}",
            highest.1
        )
        .into());
    }
    Ok(declared)
}

/// Parses a release such as `1.88` or `1.88.0`.
fn parse(version: &str) -> Result<Release, Failure> {
    let mut release = [0; 3];
    for (number, text) in release.iter_mut().zip(version.split('.')) {
        *number = text
            .parse()
            .map_err(|_| format!("not a Rust release: {version}"))?;
    }
    Ok(release)
}
