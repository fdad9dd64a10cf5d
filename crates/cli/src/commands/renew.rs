//! `renew`: a later expiry for the same secret.

use tokenfleet::capability::OperationCall;
use tokenfleet::{Error, IssuedToken, Operation, Secret, TokenProvider};

use super::secret;
use super::subject::Subject;
use super::write::Write;
use crate::accounts::Accounts;
use crate::arguments::RenewArguments;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: RenewArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = accounts.single()?;
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
    match renewed.secret {
        // The platform has replaced the secret: the old one is dead.
        Some(secret) => {
            let issued = IssuedToken::new(renewed.token, secret);
            secret::print_issued(output, &*provider, Operation::Renew, &issued)
        }
        None => {
            output.token(provider.account(), &renewed.token, None)?;
            Ok(Exit::Success)
        }
    }
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
