//! Secrets that the user refers to, and secrets that a platform has issued.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use tokenfleet::config::{cause_text, is_world_readable};
use tokenfleet::{
    Credential, Error, ErrorKind, Fate, IssuedToken, Operation, Result, Secret, TokenProvider,
};

use crate::exit::{Exit, Failure};
use crate::output::{Output, is_discarded, print_warning};

/// The name of standard input in the place of a file.
const STANDARD_INPUT: &str = "-";

/// Reads the secret that `--secret-env` or `--secret-file` refers to, if one of them is given.
///
/// A secret on the command line itself would be visible to everyone on the machine.
pub(super) async fn read_secret(
    variable: Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<Secret>> {
    let (option, credential, is_there) = match (variable, file) {
        (Some(variable), _) => {
            let is_there = std::env::var_os(&variable).is_some();
            ("--secret-env", Ok(Credential::from_env(variable)), is_there)
        }
        (None, Some(file)) if file.as_os_str() == STANDARD_INPUT => {
            ("--secret-file", from_standard_input(), true)
        }
        (None, Some(file)) => {
            if is_world_readable(&file) {
                print_warning(
                    "--secret-file: other users can read that file; restrict it to its owner \
                     (chmod 600)",
                );
            }
            let is_there = file.exists();
            ("--secret-file", Ok(Credential::from_file(file)), is_there)
        }
        (None, None) => return Ok(None),
    };
    let secret = match credential {
        Ok(credential) => credential.secret().await,
        Err(error) => Err(error),
    };
    let secret = secret.map_err(|error| {
        let error = error.with_message_prefix(option);
        if is_there {
            error
        } else {
            error.with_advice("if you passed the secret itself, replace it, because it was exposed")
        }
    });
    secret.map(Some)
}

/// Reads a secret from standard input, unless somebody would have to type it.
fn from_standard_input() -> Result<Credential> {
    if io::stdin().is_terminal() {
        return Err(Error::configuration("the input is a terminal")
            .with_advice("pass the secret through a pipe"));
    }
    Credential::from_reader(io::stdin().lock())
}

/// Rejects a command that issues a secret, before anything is sent, if nobody could read it.
pub(super) fn require_output() -> Result<()> {
    if !is_discarded() {
        return Ok(());
    }
    let message = "standard output is closed or discarded, so the new secret would be lost";
    Err(Error::new(ErrorKind::Other, Fate::NotSent, message)
        .with_advice("write it to a pipe or a file"))
}

/// Prints an issued token with its secret, immediately: a secret that is not written is lost.
pub(super) fn print_issued(
    output: &mut Output,
    provider: &dyn TokenProvider,
    operation: Operation,
    issued: &IssuedToken,
) -> Result<Exit, Failure> {
    write_issued(output, provider, issued)
        .map_err(|error| lost_secret(error, provider, operation, issued))?;
    Ok(Exit::Success)
}

/// Writes an issued token with its secret.
pub(super) fn write_issued(
    output: &mut Output,
    provider: &dyn TokenProvider,
    issued: &IssuedToken,
) -> io::Result<()> {
    output.token(provider.account(), &issued.token, Some(&issued.secret))?;
    output.flush()
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
    Error::new(ErrorKind::Other, Fate::Applied, message)
        .with_account(provider.account())
        .with_operation(operation)
        .with_advice(format!(
            "the token exists, but its secret is lost: {remedy}"
        ))
}
