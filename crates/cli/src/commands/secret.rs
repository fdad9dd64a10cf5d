//! Secrets that the user refers to, and secrets that a platform has issued.

use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use tokenfleet::config::{cause_text, is_world_readable};
use tokenfleet::{
    Credential, Error, ErrorKind, Fate, IssuedToken, Operation, Result, Secret, TokenProvider,
};
use zeroize::Zeroizing;

use crate::atomic_file::AtomicFile;
use crate::exit::{Exit, Failure};
use crate::journals::Journals;
use crate::output::{Output, print_warning};
use crate::secret_destination::{SecretDestination, Undelivered};

/// The name of standard input in the place of a file.
pub(super) const STANDARD_INPUT: &str = "-";

/// The bytes that are read of an input at most: more than a credential may have.
const MAX_INPUT: u64 = 1 << 20;

/// Reads the secret like [`read_secret`], and rejects several lines of input: each may be a secret,
/// and nobody would notice that only the first one counts.
pub(super) async fn read_only_secret(
    variable: Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<Secret>> {
    match file {
        Some(file) if file.as_os_str() == STANDARD_INPUT => {
            let mut text = Zeroizing::new(Vec::new());
            check_input()
                .and_then(|()| {
                    let read = io::stdin().lock().take(MAX_INPUT).read_to_end(&mut text);
                    read.map_err(|error| {
                        let message = format!("cannot read the input: {}", cause_text(&error));
                        Error::configuration(message).with_source(error)
                    })
                })
                .map_err(|error| error.with_message_prefix("--secret-file"))?;
            only_line(&text).await.map(Some)
        }
        Some(file) if variable.is_none() => {
            let text = read_from("--secret-file", Credential::from_untrimmed_file, file).await?;
            only_line(text.expose().as_bytes()).await.map(Some)
        }
        file => read_secret(variable, file).await,
    }
}

/// Returns the secret on the only line of a text.
async fn only_line(text: &[u8]) -> Result<Secret> {
    let lines = text.split(|byte| *byte == b'\n');
    let count = lines.filter(|line| !line.trim_ascii().is_empty()).count();
    let secret = match count {
        0 | 1 => Credential::from_reader(text),
        _ => Err(
            Error::invalid_input(format!("{count} lines, but only one secret is located"))
                .with_advice("pass each secret alone"),
        ),
    };
    let secret = secret.map_err(|error| error.with_message_prefix("--secret-file"))?;
    secret.secret().await
}

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
            let secret = read_from("--secret-file", Credential::from_file, file).await?;
            return Ok(Some(secret));
        }
        (None, None) => return Ok(None),
    };
    let secret = match credential {
        Ok(credential) => credential.secret().await,
        Err(error) => Err(error),
    };
    secret
        .map(Some)
        .map_err(|error| explained(error, option, is_there))
}

/// Reads a credential file, and warns if others can read it too.
async fn read_from(
    option: &str,
    credential: fn(PathBuf) -> Credential,
    file: PathBuf,
) -> Result<Secret> {
    let (is_there, is_open) = (file.exists(), is_world_readable(&file));
    let secret = credential(file).secret().await;
    if secret.is_ok() && is_open {
        print_warning(&format!(
            "{option}: other users can read that file; restrict it to its owner (chmod 600)"
        ));
    }
    secret.map_err(|error| explained(error, option, is_there))
}

/// Names the option in an error, and warns of what may be a secret in the place of its source.
fn explained(error: Error, option: &str, is_there: bool) -> Error {
    let error = error.with_message_prefix(option);
    if is_there {
        error
    } else {
        error.with_advice("if you passed the secret itself, replace it, because it was exposed")
    }
}

/// Reads a secret from standard input, unless somebody would have to type it.
fn from_standard_input() -> Result<Credential> {
    check_input()?;
    Credential::from_reader(io::stdin().lock())
}

/// Rejects a terminal as standard input: what is typed there can be seen.
fn check_input() -> Result<()> {
    if io::stdin().is_terminal() {
        return Err(Error::configuration("the input is a terminal")
            .with_advice("pass the secret through a pipe"));
    }
    Ok(())
}

/// The reason why an issued token was not written as it should be.
#[derive(Debug)]
pub(super) enum WriteFailure {
    /// The secret did not get to its place.
    Secret(Undelivered),
    /// The secret did, but its record cannot be written.
    Record(io::Error),
}

/// Writes an issued token with its secret, immediately: a secret that is not written is lost.
pub(super) async fn print_issued(
    output: &mut Output,
    destination: SecretDestination,
    journals: &Journals,
    provider: &dyn TokenProvider,
    operation: Operation,
    issued: &IssuedToken,
) -> Result<Exit, Failure> {
    let written = match write_issued(output, destination, provider, issued) {
        Ok(()) => Ok(()),
        Err(WriteFailure::Record(error)) => Err(error),
        Err(WriteFailure::Secret(undelivered)) => {
            let lost = undelivered_secret(undelivered, journals, provider, operation, issued);
            return Err(lost.await.into());
        }
    };
    let (account, id) = (provider.account(), &issued.token.id);
    journals.delivered(account, id).await;
    Exit::Success.after_writing(written)
}

/// Writes an issued token, and its secret to its destination.
pub(super) fn write_issued(
    output: &mut Output,
    destination: SecretDestination,
    provider: &dyn TokenProvider,
    issued: &IssuedToken,
) -> Result<(), WriteFailure> {
    let account = provider.account();
    match destination {
        SecretDestination::StandardOutput { secret_only } => {
            let written = if secret_only {
                output.secret(&issued.secret)
            } else {
                output.token(account, &issued.token, Some(&issued.secret))
            };
            let written = written.and_then(|()| output.flush());
            written.map_err(|error| WriteFailure::Secret(error.into()))
        }
        SecretDestination::File { place, target } => {
            target
                .deliver(&issued.secret)
                .map_err(WriteFailure::Secret)?;
            (output.stored_token(account, &issued.token, &place.to_string()))
                .and_then(|()| output.flush())
                .map_err(WriteFailure::Record)
        }
    }
}

/// Creates an error for an issued secret that did not get to its place, with what remains of it.
///
/// A secret that is kept in another file may be used, so the journals hear that it was delivered.
pub(super) async fn undelivered_secret(
    undelivered: Undelivered,
    journals: &Journals,
    provider: &dyn TokenProvider,
    operation: Operation,
    issued: &IssuedToken,
) -> Error {
    let advice = match undelivered.file.and_then(AtomicFile::keep) {
        Some(path) => {
            let (account, id) = (provider.account(), &issued.token.id);
            journals.delivered(account, id).await;
            format!(
                "the token exists, and its secret is in {}: move it to its place",
                path.display()
            )
        }
        None => format!(
            "the token exists, but its secret is lost: {}",
            remedy(provider)
        ),
    };
    cannot_write(
        &undelivered.reason,
        Fate::Applied,
        provider,
        operation,
        issued,
    )
    .with_advice(advice)
}

/// Creates an error for a secret that cannot be written.
pub(super) fn cannot_write(
    reason: &str,
    fate: Fate,
    provider: &dyn TokenProvider,
    operation: Operation,
    issued: &IssuedToken,
) -> Error {
    let id = &issued.token.id;
    let message = format!("cannot write the secret of token {id} ({reason})");
    Error::new(ErrorKind::Other, fate, message)
        .with_account(provider.account())
        .with_operation(operation)
}

/// Returns what to do about a token whose secret nobody has.
pub(super) fn remedy(provider: &dyn TokenProvider) -> &'static str {
    let capabilities = provider.capabilities();
    let is_revocable = (capabilities.revoke.as_ref()).is_some_and(|revoke| revoke.by_id);
    match (is_revocable, capabilities.rotate) {
        (true, true) => "revoke or rotate it",
        (true, false) => "revoke it",
        (false, true) => "rotate it",
        (false, false) => "it stays alive until it expires",
    }
}
