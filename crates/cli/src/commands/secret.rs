//! Secrets that the user refers to, and secrets that a platform has issued.

use std::io;
use std::path::{Path, PathBuf};

use tokenfleet::config::is_world_readable;
use tokenfleet::{
    Credential, Error, ErrorKind, Fate, IssuedToken, Operation, Result, Secret, TokenProvider,
};

use crate::exit::{Exit, Failure};
use crate::output::{AppliedWrite, Output, cause_text, print_warning};

/// Reads the secret that `--secret-env` or `--secret-file` refers to, if one of them is given.
///
/// A secret on the command line itself would be visible to everyone on the machine.
pub(super) async fn read_secret(
    variable: Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<Secret>> {
    // The messages do not repeat what was typed, because it may be the secret itself.
    if file.as_deref().is_some_and(is_world_readable) {
        print_warning(
            "--secret-file: other users can read that file; restrict it to its owner (chmod 600)",
        );
    }
    let (credential, problem) = match (variable, file) {
        (Some(variable), _) => {
            let problem = variable_problem(&variable);
            (Credential::from_env(variable), problem)
        }
        (None, Some(file)) => {
            let problem = file_problem(&file);
            (Credential::from_file(file), problem)
        }
        (None, None) => return Ok(None),
    };
    match credential.secret().await {
        Ok(secret) => Ok(Some(secret)),
        Err(error) => {
            let cause = std::error::Error::source(&error)
                .map(|cause| format!(" ({})", cause_text(cause)))
                .unwrap_or_default();
            let error = Error::configuration(format!("{problem}{cause}"));
            Err(error
                .with_advice("if you passed the secret itself, replace it, because it was exposed"))
        }
    }
}

/// Returns the most likely reason why an environment variable yields no secret.
fn variable_problem(name: &str) -> &'static str {
    if std::env::var_os(name).is_none() {
        "--secret-env: that environment variable is not set"
    } else {
        "--secret-env: that environment variable contains no usable secret"
    }
}

/// Returns the most likely reason why a file yields no secret.
fn file_problem(path: &Path) -> &'static str {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            "--secret-file: that file does not exist"
        }
        Err(_) => "--secret-file: that file cannot be read",
        Ok(metadata) if !metadata.is_file() => "--secret-file: that path is not a regular file",
        Ok(metadata) if metadata.len() == 0 => "--secret-file: that file is empty",
        Ok(_) => "--secret-file: that file cannot be read, or contains no usable secret",
    }
}

/// Prints an issued token with its secret, immediately: a secret that is not written is lost.
pub(super) fn print_issued(
    output: &mut Output,
    provider: &dyn TokenProvider,
    operation: Operation,
    issued: &IssuedToken,
) -> Result<Exit, Failure> {
    output
        .token(provider.account(), &issued.token, Some(&issued.secret))
        .and_then(|()| output.flush())
        .map_err(|error| lost_secret(error, provider, operation, issued))?;
    Ok(Exit::Success)
}

/// Creates an error for an issued secret that cannot be written.
pub(super) fn lost_secret(
    error: io::Error,
    provider: &dyn TokenProvider,
    operation: Operation,
    issued: &IssuedToken,
) -> Error {
    let id = &issued.token.id;
    let message = format!(
        "cannot write the secret of token {id} ({})",
        cause_text(&error)
    );
    let capabilities = provider.capabilities();
    let is_revocable = (capabilities.revoke.as_ref()).is_some_and(|revoke| revoke.by_id);
    let remedy = match (is_revocable, capabilities.rotate) {
        (true, true) => "revoke or rotate it",
        (true, false) => "revoke it",
        (false, true) => "rotate it",
        (false, false) => "it stays alive until it expires",
    };
    Error::new(ErrorKind::Other, Fate::MaybeApplied, message)
        .with_source(AppliedWrite)
        .with_account(provider.account())
        .with_operation(operation)
        .with_advice(format!(
            "the token exists, but its secret is lost: {remedy}"
        ))
}
