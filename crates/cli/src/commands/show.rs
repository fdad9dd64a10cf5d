//! `show`: one token.

use tokenfleet::{
    Error, ErrorKind, Fate, Filter, Operation, Query, Result, Token, TokenId, TokenProvider,
    TokenProviderExt,
};

use super::confirm::id_list;
use super::subject::Subject;
use crate::accounts::Accounts;
use crate::arguments::ShowArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Output, displayed_id};
use crate::progress::with_progress;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: ShowArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = &*accounts.single()?;
    let id = TokenId::new(arguments.id);
    let token = match provider.get(&id).await {
        Ok(token) => token,
        Err(error) if may_be_name(&error, &id) => by_name(provider, &id, error).await?,
        Err(error) => return Err(Subject::Id(&id).add_to(error).into()),
    };
    output.token(provider.account(), &token, None)?;
    Ok(Exit::Success)
}

/// Returns `true` if the platform has no token with this id, so that it may be a name.
///
/// What may be a credential is not sent as a name.
fn may_be_name(error: &Error, id: &TokenId) -> bool {
    (error.is_not_found() || error.kind() == ErrorKind::InvalidInput)
        && displayed_id(id) == id.as_str()
}

/// Returns the only token with this name, or else the error that the id led to.
async fn by_name(
    provider: &dyn TokenProvider,
    id: &TokenId,
    error: Error,
) -> Result<Token, Failure> {
    let error = Subject::Id(id).add_to(error);
    let advise = |error: Error, advice: &str| match error.advice() {
        Some(_) => error,
        None => error.with_advice(advice),
    };
    if provider.capabilities().list.is_none() {
        let advice = "the platform cannot list tokens, so pass an id and not a name";
        return Err(advise(error, advice).into());
    }
    let query = Query::new().filter(Filter::name(id.as_str()));
    let reading = || format!("looking for the name in {}", provider.account());
    // A name is a second guess: if the platform cannot answer, what it said of the id counts.
    let Ok(mut found) = with_progress(reading, provider.list_all(query)).await else {
        return Err(error.into());
    };
    let is_whole = found.completeness.is_complete_as_shown();
    let about = |kind, message: String| {
        Error::new(kind, Fate::Rejected, message)
            .with_account(provider.account())
            .with_operation(Operation::Get)
    };
    match (found.tokens.len(), found.tokens.pop()) {
        (1, Some(token)) if is_whole => Ok(token),
        (1, Some(token)) => {
            let message = "the list is incomplete, so another token may have that name";
            let advice = format!("pass the id: {}", displayed_id(&token.id));
            Err(Failure::Incomplete(
                about(ErrorKind::Other, message.to_owned()).with_advice(advice),
            ))
        }
        (0, _) if is_whole => Err(advise(error, "no token has that name either").into()),
        (0, _) => Err(error.into()),
        (count, last) => {
            let ids = found.tokens.iter().chain(&last).map(|token| &token.id);
            let advice = format!("pass one of the ids: {}", id_list(ids));
            let message = format!("{count} tokens have that name");
            // The name is what is to be corrected, however it was found out.
            Err(about(ErrorKind::InvalidInput, message)
                .with_fate(Fate::NotSent)
                .with_advice(advice)
                .into())
        }
    }
}
