//! Secrets on their way in and out.

use std::io;
use std::path::PathBuf;

use tokenfleet::{
    Account, Credential, Error, ErrorKind, Fate, IssuedToken, Operation, Result, Secret,
};

use crate::output::Output;
use crate::stop::{Code, Stop};

/// The secret that an option refers to. On the command line itself it would be seen by everyone on the machine.
pub(super) async fn referred_to(
    variable: Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<Secret>> {
    let credential = match (variable, file) {
        (Some(variable), _) => Credential::from_env(variable),
        (None, Some(file)) => Credential::from_file(file),
        (None, None) => return Ok(None),
    };
    credential.secret().await.map(Some)
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
    let message = format!("the secret of {id} was issued, but it cannot be written ({error})");
    Error::new(ErrorKind::Other, Fate::MaybeApplied, message)
        .with_account(account)
        .with_operation(operation)
        .with_advice("revoke or rotate that token: its secret is lost")
}
