//! The places where a configuration is looked for.

use std::io;
use std::path::{Path, PathBuf};

use tokenfleet::{Error, Result};

use crate::{directories, program_name};

pub(crate) const FILE_NAME: &str = "tokenfleet.toml";

/// The way in which a configuration file was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The option `--config` names it.
    Option,
    /// An environment variable names it.
    Variable,
    /// It was found in the working directory.
    WorkingDirectory,
    /// It was found in the directory of the user's configuration.
    UserDirectory,
}

/// A configuration file, and how it was chosen.
#[derive(Debug, Clone)]
pub(crate) struct ConfigurationFile {
    pub(crate) path: PathBuf,
    pub(crate) origin: Origin,
}

impl ConfigurationFile {
    /// Returns `true` if somebody named the file, and so vouches for it.
    pub(crate) fn is_named(&self) -> bool {
        matches!(self.origin, Origin::Option | Origin::Variable)
    }

    /// Returns the reason why this file is used.
    pub(crate) fn reason(&self) -> String {
        match self.origin {
            Origin::Option => "named by --config".to_owned(),
            Origin::Variable => format!("named by {}", variable()),
            Origin::WorkingDirectory => "found in the working directory".to_owned(),
            Origin::UserDirectory => "found in the directory of your configuration".to_owned(),
        }
    }
}

/// Finds the configuration: the one that the option names, or else the one that the variable names,
/// or else the one in the working directory, or else the user's.
///
/// A directory above the working directory is not searched: who may write there is rarely known.
///
/// # Errors
///
/// [`Configuration`](tokenfleet::ErrorKind::Configuration), with every place that was looked at.
pub(crate) fn find(option: Option<&Path>) -> Result<ConfigurationFile> {
    let chosen = |path: PathBuf, origin| Ok(ConfigurationFile { path, origin });
    if let Some(path) = option {
        return chosen(path.to_owned(), Origin::Option);
    }
    // An empty variable is how a shell unsets one for a single command.
    let named = std::env::var_os(variable()).filter(|path| !path.is_empty());
    if let Some(path) = named {
        return chosen(path.into(), Origin::Variable);
    }
    if exists(Path::new(FILE_NAME)) {
        return chosen(FILE_NAME.into(), Origin::WorkingDirectory);
    }
    let user_file = user_file();
    match &user_file {
        Ok(path) if exists(path) => chosen(path.clone(), Origin::UserDirectory),
        _ => Err(not_found(user_file.as_deref())),
    }
}

/// Returns the path of the user's configuration file, which need not exist.
fn user_file() -> Result<PathBuf> {
    Ok(directories::configuration_directory()?.join(FILE_NAME))
}

fn variable() -> String {
    program_name::variable("CONFIG")
}

/// Returns `true` if something has that name, even if it cannot be read: that is then an error, and
/// no other file is taken in its place.
fn exists(path: &Path) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), NotFound | NotADirectory),
    }
}

fn not_found(user_file: Result<&Path, &Error>) -> Error {
    let user_file = match user_file {
        Ok(path) => format!("and no {}", path.display()),
        Err(_) => "and the home directory is unknown".to_owned(),
    };
    let variable = variable();
    let message = format!(
        "no configuration found: neither --config nor {variable} names one, there is no \
         ./{FILE_NAME}, {user_file}"
    );
    let mut advice = format!("create one with `{} init`", program_name::get());
    if cfg!(feature = "simulate") {
        advice += ", or try --simulate";
    }
    Error::configuration(message).with_advice(advice)
}
