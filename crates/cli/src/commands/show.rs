//! `show`: one token.

use tokenfleet::TokenId;

use super::subject::Subject;
use crate::accounts::Accounts;
use crate::arguments::ShowArguments;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: ShowArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = accounts.single()?;
    let id = TokenId::new(arguments.id);
    let token = provider.get(&id).await;
    let token = token.map_err(|error| Subject::Id(&id).add_to(error))?;
    output.token(provider.account(), &token, None)?;
    Ok(Exit::Success)
}
