//! `show`: one token.

use tokenfleet::TokenId;

use super::write::Subject;
use crate::accounts::Accounts;
use crate::arguments::TokenArguments;
use crate::output::Output;
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: TokenArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let provider = accounts.one()?;
    let id = TokenId::new(arguments.id);
    let token = provider.get(&id).await;
    let token = token.map_err(|error| Subject::Id(&id).of(error))?;
    output.token(provider.account(), &token, None)?;
    Ok(Code::Well)
}
