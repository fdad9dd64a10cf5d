//! `renew`: a later expiry for the same secret.

use tokenfleet::capability::{OperationCall, RenewedSecret};
use tokenfleet::{Error, IssuedToken, Operation, Result, Secret, TokenProvider};

use super::secret;
use super::subject::Subject;
use super::write::Write;
use crate::accounts::Accounts;
use crate::arguments::{Place, PlaceArguments, RenewArguments, SecretArguments};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_note};
use crate::secret_destination::SecretDestination;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: RenewArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = accounts.single()?;
    let destination = destination(&*provider, &arguments.secret, requested_format)?;
    let secret = secret::read_secret(arguments.secret_env, arguments.secret_file).await?;
    let Some(secret) = secret else {
        return Err(no_secret(&*provider, arguments.id.is_some()).into());
    };
    let write = Write {
        provider: &*provider,
        operation: Operation::Renew,
        subject: Subject::Unnamed,
    };
    let renewed = write
        .await_or_reconcile(None, provider.renew(&secret))
        .await?;
    let journals = accounts.journals();
    match renewed.secret {
        // The platform has replaced the secret: the old one is dead.
        Some(secret) => {
            let issued = IssuedToken::new(renewed.token, secret);
            let operation = Operation::Renew;
            secret::print_issued(
                output,
                destination,
                journals,
                &*provider,
                operation,
                &issued,
            )
            .await
        }
        None => {
            // Whoever has the secret has it still.
            let (account, id) = (provider.account(), &renewed.token.id);
            journals.delivered(account, id).await;
            match &destination {
                SecretDestination::File { place, .. } => {
                    print_note(&format!(
                        "the secret stays the same; nothing was written to {place}"
                    ));
                }
                SecretDestination::StandardOutput { secret_only: true } => {
                    print_note("the secret stays the same; nothing was printed");
                    return Ok(Exit::Success);
                }
                SecretDestination::StandardOutput { .. } => {}
            }
            output.token(provider.account(), &renewed.token, None)?;
            Ok(Exit::Success)
        }
    }
}

/// Prepares the place of the secret, which a platform that keeps secrets does not need.
fn destination(
    provider: &dyn TokenProvider,
    arguments: &SecretArguments,
    requested_format: Option<Format>,
) -> Result<SecretDestination> {
    let renew = provider.capabilities().renew.as_ref();
    if renew.is_none_or(|renew| renew.secret != RenewedSecret::Kept) {
        return SecretDestination::prepare(arguments, requested_format);
    }
    let PlaceArguments { to, .. } = &arguments.place;
    if arguments.secret_only || matches!(to, Some(Place::File(_) | Place::EnvFile(..))) {
        let error = Error::invalid_input("the platform keeps the secret of a token that it renews")
            .with_advice("leave out --to and --secret-only");
        return Err(error
            .with_account(provider.account())
            .with_operation(Operation::Renew));
    }
    Ok(SecretDestination::StandardOutput { secret_only: false })
}

/// Creates an error for a renewal by id, or without any token.
///
/// No platform renews by id, so the most useful error is that the platform cannot renew, if so.
fn no_secret(provider: &dyn TokenProvider, has_id: bool) -> Error {
    let probe = Secret::new("any");
    let advice = "pass the secret with --secret-env or --secret-file";
    let error = match provider.capabilities().check(OperationCall::Renew(&probe)) {
        Err(error) => error,
        Ok(()) if has_id => Error::unsupported("the platform renews tokens by secret, not by id")
            .with_advice(advice),
        Ok(()) => Error::invalid_input("there is no token to renew").with_advice(advice),
    };
    // The id is not repeated: it may be the secret.
    error
        .with_account(provider.account())
        .with_operation(Operation::Renew)
}
