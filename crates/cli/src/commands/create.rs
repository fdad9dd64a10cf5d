//! `create`: a new token and its secret.

use tokenfleet::{CreateToken, Operation, Timestamp};

use super::secret;
use crate::accounts::Accounts;
use crate::arguments::CreateArguments;
use crate::output::Output;
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: CreateArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let provider = accounts.one()?;
    let issued = provider.create(request(arguments)).await?;
    secret::hand_over(output, provider.account(), Operation::Create, &issued)
}

fn request(arguments: CreateArguments) -> CreateToken {
    let mut request = CreateToken::unnamed();
    request.name = arguments.name;
    request.description = arguments.description;
    request = match (arguments.expires_in, arguments.expires_at) {
        (Some(span), _) => {
            // Platforms differ in how they read fractions of a second.
            request.expiring_at(Timestamp::now().saturating_add(span).whole_seconds())
        }
        (None, Some(at)) => request.expiring_at(at),
        (None, None) if arguments.never_expires => request.never_expiring(),
        (None, None) => request,
    };
    (arguments.scopes.into_iter()).fold(request, CreateToken::with_scope)
}
