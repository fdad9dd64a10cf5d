//! `rotate`: a new secret for the same record.

use tokenfleet::capability::OperationCall;
use tokenfleet::workflow::UnknownWrite;
use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Query, Result, TokenId, TokenProvider, TokenProviderExt,
};

use super::secret;
use super::write::{Subject, finish_or_find_out};
use crate::accounts::Accounts;
use crate::arguments::OptionalTokenArguments;
use crate::output::Output;
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: OptionalTokenArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let provider = accounts.one()?;
    let id = match arguments.id {
        Some(id) => TokenId::new(id),
        None => the_only_one(&*provider).await?,
    };
    // Read now: its source may know the new one afterwards.
    let old = accounts.acting_key(provider.account()).await;
    let lost = old.as_ref().map(|old| UnknownWrite::Rotation { old });
    let rotating = provider.rotate(&id);
    let subject = Subject::Id(&id);
    let issued = finish_or_find_out(&*provider, Operation::Rotate, subject, lost, rotating).await?;
    secret::hand_over(output, provider.account(), Operation::Rotate, &issued)
}

/// The account's token, if it has exactly one.
async fn the_only_one(provider: &dyn TokenProvider) -> Result<TokenId> {
    let about = |error: Error| {
        error
            .with_account(provider.account())
            .with_operation(Operation::Rotate)
    };
    // Nothing is read for an operation that there is not; any id serves to ask.
    provider
        .capabilities()
        .check(OperationCall::Rotate((&TokenId::new("any")).into()))
        .map_err(about)?;
    let mut tokens = provider.list_all(Query::new().limit(2)).await?.tokens;
    match (tokens.pop(), tokens.pop()) {
        (Some(only), None) => Ok(only.id),
        (None, _) => Err(about(Error::new(
            ErrorKind::NotFound,
            Fate::NotSent,
            "the account has no token",
        ))),
        _ => Err(about(Error::invalid_input(
            "the account has several tokens: say which by its id",
        ))),
    }
}
