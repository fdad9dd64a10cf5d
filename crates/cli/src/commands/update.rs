//! `update`: a new name or description, suspension and resumption.

use tokenfleet::{Operation, Suspension, TokenId, UpdateToken};

use super::subject::Subject;
use super::write::Write;
use crate::accounts::Accounts;
use crate::arguments::UpdateArguments;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: UpdateArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = accounts.single()?;
    let mut change = UpdateToken::default();
    change.name = arguments.name;
    change.description = arguments.description;
    change.suspension = if arguments.suspend {
        Some(Suspension::Suspend)
    } else if arguments.resume {
        Some(Suspension::Resume)
    } else {
        None
    };
    let changes_nothing = change == UpdateToken::default();
    let id = TokenId::new(arguments.id);
    let write = Write {
        provider: &*provider,
        operation: Operation::Update,
        subject: Subject::Id(&id),
    };
    let updated = write.await_response(provider.update(&id, change)).await;
    let token = updated.map_err(|error| {
        if changes_nothing {
            error.advise_on_arguments("pass --name, --description, --suspend or --resume")
        } else {
            error
        }
    })?;
    output.token(provider.account(), &token, None)?;
    Ok(Exit::Success)
}
