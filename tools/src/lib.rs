//! Checks of tokenfleet's public API and of the Rust release that it declares.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The error of a tool: a text for the person who runs it.
pub type Failure = Box<dyn Error>;

/// Returns the root of the main workspace.
pub fn workspace_root() -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR"));
    tools.parent().unwrap_or(tools).to_path_buf()
}

/// Returns the cargo that runs this tool, without the variables of the tool's own package: to some
/// build scripts they are a change, after which everything is compiled again.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command.current_dir(workspace_root());
    command
}

/// Returns what `cargo metadata` says of the main workspace, with every locked package if
/// `dependencies`.
pub fn metadata(dependencies: bool) -> Result<Value, Failure> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--locked"]);
    if !dependencies {
        command.arg("--no-deps");
    }
    let output = command.output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo metadata failed: {}", message.trim()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Returns the packages in the output of `cargo metadata`.
pub fn packages(metadata: &Value) -> Result<&Vec<Value>, Failure> {
    let packages = metadata["packages"].as_array();
    packages.ok_or_else(|| "cargo metadata lists no packages".into())
}
