//! `renew`: a later expiry for the same secret.

use tokenfleet::capability::OperationCall;
use tokenfleet::{Error, IssuedToken, Operation, Secret, TokenId};

use super::secret;
use super::write::{Subject, finish_or_find_out};
use crate::accounts::Accounts;
use crate::arguments::RenewArguments;
use crate::output::Output;
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: RenewArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let provider = accounts.one()?;
    let account = provider.account();
    let about = |error: Error| error.with_account(account).with_operation(Operation::Renew);
    let given = secret::referred_to(arguments.secret_env, arguments.secret_file).await?;
    let Some(given) = given else {
        // A platform that cannot renew says so; of the others none renews by an id, or without anything.
        let id = TokenId::new(arguments.id.as_deref().unwrap_or("any"));
        let probe = Secret::new("any");
        let advice = "give the secret itself with --secret-env or --secret-file";
        let error = match provider.capabilities().check(OperationCall::Renew(&probe)) {
            Err(refusal) => refusal,
            Ok(()) if arguments.id.is_some() => {
                Error::unsupported("the token must be given by its secret here").with_advice(advice)
            }
            Ok(()) => Error::invalid_input("it is not said what to renew").with_advice(advice),
        };
        let error = match &arguments.id {
            Some(_) => Subject::Id(&id).of(error),
            None => error,
        };
        return Err(about(error).into());
    };
    let renewing = provider.renew(&given);
    let subject = Subject::Unnamed;
    let renewed = finish_or_find_out(&*provider, Operation::Renew, subject, None, renewing).await?;
    match renewed.secret {
        // The platform changed it on this occasion: the old one is dead.
        Some(secret) => {
            let issued = IssuedToken::new(renewed.token, secret);
            secret::hand_over(output, account, Operation::Renew, &issued)
        }
        None => {
            output.token(account, &renewed.token, None)?;
            Ok(Code::Well)
        }
    }
}
