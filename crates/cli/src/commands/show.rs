//! `show`: one token.

use tokenfleet::TokenId;

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
    let token = provider.get(&TokenId::new(arguments.id)).await?;
    output.token(provider.account(), &token, None)?;
    Ok(Code::Well)
}
