//! The name of the program that runs in this process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub(crate) const DEFAULT_NAME: &str = "tokenfleet";

static NAME: OnceLock<&str> = OnceLock::new();

/// The configuration that the command line names.
static CONFIGURATION: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Sets the name, once in a process.
pub(crate) fn set(name: &'static str) {
    let _ = NAME.set(name);
}

/// Returns the name, for commands that the program advises to run.
pub(crate) fn get() -> &'static str {
    NAME.get().copied().unwrap_or(DEFAULT_NAME)
}

/// Keeps the configuration that the command line names, for [`command_line`].
pub(crate) fn set_configuration(path: Option<&Path>) {
    let _ = CONFIGURATION.set(path.map(Path::to_path_buf));
}

/// Returns a command line of the program that a shell runs with the same configuration, for
/// advice.
pub(crate) fn command_line(words: &str) -> String {
    command_line_with(words, CONFIGURATION.get().and_then(Option::as_deref))
}

/// Returns a command line of the program that a shell runs with a configuration.
pub(crate) fn command_line_with(words: &str, configuration: Option<&Path>) -> String {
    let name = get();
    match configuration {
        Some(path) => format!(
            "{name} {words} --config {}",
            shell_quoted(&path.to_string_lossy())
        ),
        None => format!("{name} {words}"),
    }
}

/// Returns a text as one word of a POSIX shell.
pub(crate) fn shell_quoted(text: &str) -> String {
    // Neither an argument nor a path contains a null character.
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), Into::into)
}

/// Returns the environment variable of the program for a setting: `TOKENFLEET_CONFIG` for `CONFIG`.
pub(crate) fn variable(setting: &str) -> String {
    let name = get().to_uppercase();
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    format!("{name}_{setting}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_names_its_configuration_as_a_word_of_a_shell() {
        for (path, expected) in [
            (None, "tokenfleet list"),
            (Some("a/b.toml"), "tokenfleet list --config a/b.toml"),
            (
                Some("my fleet.toml"),
                "tokenfleet list --config 'my fleet.toml'",
            ),
            (Some("it's.toml"), "tokenfleet list --config \"it's.toml\""),
        ] {
            assert_eq!(command_line_with("list", path.map(Path::new)), expected);
        }
        assert_eq!(shell_quoted("!studio"), "'!studio'");
    }
}
