//! `rotate`: a new secret for an existing token.

mod by_policy;
mod dry_run;
mod in_place;
mod other_places;
mod to_places;

use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Query, Result, Token, TokenProvider, TokenProviderExt,
};

use crate::accounts::Accounts;
use crate::arguments::RotateArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: RotateArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match &arguments.policy {
        Some(policy) if arguments.dry_run => dry_run::run(accounts, policy, output).await,
        Some(policy) => by_policy::run(accounts, policy, requested_format, output).await,
        None if arguments.is_printed() => {
            in_place::run(accounts, arguments, requested_format, output).await
        }
        None => to_places::run(accounts, arguments, output).await,
    }
}

fn in_context(provider: &dyn TokenProvider, error: Error) -> Error {
    error
        .with_account(provider.account())
        .with_operation(Operation::Rotate)
}

/// Returns the account's token if it has exactly one.
async fn only_token(provider: &dyn TokenProvider) -> Result<Token> {
    let mut tokens = provider.list_all(Query::new().limit(2)).await?.tokens;
    match (tokens.pop(), tokens.pop()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(in_context(
            provider,
            Error::new(
                ErrorKind::NotFound,
                Fate::NotSent,
                "the account has no token",
            ),
        )),
        _ => Err(in_context(
            provider,
            Error::invalid_input("the account has several tokens")
                .with_advice("pass the id of the one to rotate"),
        )),
    }
}
