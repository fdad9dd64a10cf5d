//! The place that a new secret goes to.

use std::fmt;
use std::path::PathBuf;

use clap::Args;

/// The options of a command that may issue a secret.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PlaceArguments {
    /// Place of the new secret: file:PATH for a new file that only you can read,
    /// env-file:PATH#NAME to set a variable in an environment file, or stdout [default: stdout]
    #[arg(long, value_name = "PLACE", value_parser = parse_place)]
    pub(crate) to: Option<Place>,
    /// Print the new secret although standard output is a terminal
    #[arg(long)]
    pub(crate) show_secret: bool,
}

/// The options of a command that issues a secret.
#[derive(Debug, Clone, Args)]
pub(crate) struct SecretArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Print only the new secret, e.g. for TOKEN=$(…)
    #[arg(long)]
    pub(crate) secret_only: bool,
}

/// The place that a new secret goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    StandardOutput,
    File(PathBuf),
    /// A file of environment variables, and the name of one.
    EnvFile(PathBuf, String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardOutput => f.write_str("stdout"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::EnvFile(path, name) => write!(f, "env-file:{}#{name}", path.display()),
        }
    }
}

fn parse_place(text: &str) -> Result<Place, String> {
    match text.split_once(':') {
        None if text == "stdout" => Ok(Place::StandardOutput),
        Some(("file", path)) => Ok(Place::File(parse_path(path)?)),
        Some(("env-file", place)) => {
            let (path, name) = place
                .rsplit_once('#')
                .ok_or("expected env-file:PATH#NAME, such as env-file:.env#LOSANT_TOKEN")?;
            Ok(Place::EnvFile(parse_path(path)?, parse_variable(name)?))
        }
        _ => Err("expected file:PATH, env-file:PATH#NAME or stdout".to_owned()),
    }
}

fn parse_path(path: &str) -> Result<PathBuf, String> {
    if path.starts_with("~/") {
        return Err("shells do not expand ~ there; write \"file:$HOME/…\"".to_owned());
    }
    let path = PathBuf::from(path);
    if path.file_name().is_none() {
        return Err("expected the path of a file".to_owned());
    }
    Ok(path)
}

/// Parses the name of an environment variable.
pub(super) fn parse_variable(name: &str) -> Result<String, String> {
    let is_valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_valid {
        Ok(name.to_owned())
    } else {
        Err("expected a variable name of letters, digits and underscores".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_parsed_and_shown_as_it_is_written() {
        for text in ["stdout", "file:a b/c:d#e", "env-file:/x#y/.env#TOKEN_2"] {
            assert_eq!(parse_place(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "STDOUT",
            "/run/token",
            "file:",
            "file:/",
            "file:..",
            "file:~/token",
            "env-file:.env",
            "env-file:.env#",
            "env-file:.env#2X",
            "env-file:.env#A-B",
            "env-file:#X",
            "exec:x",
        ] {
            assert!(parse_place(text).is_err(), "{text}");
        }
    }
}
