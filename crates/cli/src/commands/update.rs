//! `update`: another name, description or suspension.

use tokenfleet::{Operation, Suspension, TokenId, UpdateToken};

use super::write::{Subject, finish};
use crate::accounts::Accounts;
use crate::arguments::UpdateArguments;
use crate::output::Output;
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: UpdateArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let provider = accounts.one()?;
    let mut change = UpdateToken::default();
    change.name = arguments.name;
    change.description = arguments.description;
    change.suspension = match (arguments.suspend, arguments.resume) {
        (true, _) => Some(Suspension::Suspend),
        (false, true) => Some(Suspension::Resume),
        (false, false) => None,
    };
    let id = TokenId::new(arguments.id);
    let updating = provider.update(&id, change);
    let token = finish(&*provider, Operation::Update, Subject::Id(&id), updating).await?;
    output.token(provider.account(), &token, None)?;
    Ok(Code::Well)
}
