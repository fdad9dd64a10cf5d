//! The name of the program that runs in this process.

use std::sync::OnceLock;

pub(crate) const DEFAULT_NAME: &str = "tokenfleet";

static NAME: OnceLock<&str> = OnceLock::new();

/// Sets the name, once in a process.
pub(crate) fn set(name: &'static str) {
    let _ = NAME.set(name);
}

/// Returns the name, for commands that the program advises to run.
pub(crate) fn get() -> &'static str {
    NAME.get().copied().unwrap_or(DEFAULT_NAME)
}
