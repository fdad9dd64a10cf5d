//! Secrets on their way in and out.

use std::io;
use std::path::PathBuf;

use tokenfleet::config::is_world_readable;
use tokenfleet::{
    Account, Credential, Error, ErrorKind, Fate, IssuedToken, Operation, Result, Secret,
};

use crate::output::{Output, warn};
use crate::stop::{Code, Stop};

/// The secret that an option refers to. On the command line itself it would be seen by everyone on the machine.
pub(super) async fn referred_to(
    variable: Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<Secret>> {
    // Its path is not repeated, as nothing that was given is.
    if file.as_deref().is_some_and(is_world_readable) {
        warn(
            "--secret-file: others may read that file; let its owner alone read it, as chmod 600 does",
        );
    }
    let (credential, option, place) = match (variable, file) {
        (Some(variable), _) => (
            Credential::from_env(variable),
            "--secret-env",
            "environment variable",
        ),
        (None, Some(file)) => (Credential::from_file(file), "--secret-file", "file"),
        (None, None) => return Ok(None),
    };
    match credential.secret().await {
        Ok(secret) => Ok(Some(secret)),
        // What was given is not repeated: too easily it is the secret itself.
        Err(error) => {
            let cause = std::error::Error::source(&error)
                .map(|cause| format!(" ({cause})"))
                .unwrap_or_default();
            Err(Error::configuration(format!(
                "{option} names no {place} that holds a secret{cause}"
            ))
            .with_advice("if the secret itself was given there, replace it: it was exposed"))
        }
    }
}

/// Prints a token with its secret at once. If nobody reads it the secret is lost, which is a failure.
pub(super) fn hand_over(
    output: &mut Output,
    account: &Account,
    operation: Operation,
    issued: &IssuedToken,
) -> Result<Code, Stop> {
    output
        .token(account, &issued.token, Some(&issued.secret))
        .and_then(|()| output.flush())
        .map_err(|error| lost(error, account, operation, issued))?;
    Ok(Code::Well)
}

pub(super) fn lost(
    error: io::Error,
    account: &Account,
    operation: Operation,
    issued: &IssuedToken,
) -> Error {
    let id = &issued.token.id;
    let message = format!("the answer with the secret of {id} cannot be written ({error})");
    Error::new(ErrorKind::Other, Fate::MaybeApplied, message)
        .with_account(account)
        .with_operation(operation)
        .with_advice("it was: revoke or rotate that token, its secret is lost")
}
