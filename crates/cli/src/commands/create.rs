//! `create`: a new token and its secret.

use tokenfleet::workflow::UnknownWrite;
use tokenfleet::{CreateToken, Error, Operation, Result, Timestamp};

use super::write::{Subject, finish_or_find_out};
use super::{exactly_once, secret};
use crate::accounts::Accounts;
use crate::arguments::CreateArguments;
use crate::duration;
use crate::output::Output;
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: CreateArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let provider = accounts.one()?;
    let (once, look_again_after) = (arguments.exactly_once, arguments.look_again_after);
    let now = Timestamp::now();
    let request = request(arguments, now).map_err(|error| {
        error
            .with_account(provider.account())
            .with_operation(Operation::Create)
    })?;
    let name = request.name.clone();
    let subject = name.as_deref().map_or(Subject::Unnamed, Subject::Name);
    let issued = if once {
        exactly_once::create(&*provider, request, subject, look_again_after).await?
    } else {
        let lost = Some(UnknownWrite::Unmarked { at: now });
        let creating = provider.create(request);
        finish_or_find_out(&*provider, Operation::Create, subject, lost, creating).await?
    };
    secret::hand_over(output, provider.account(), Operation::Create, &issued)
}

fn request(arguments: CreateArguments, now: Timestamp) -> Result<CreateToken> {
    let mut request = CreateToken::unnamed();
    request.name = arguments.name;
    request.description = arguments.description;
    let expiry = match (arguments.expires_in, arguments.expires_at) {
        // Platforms differ in how they read fractions of a second.
        (Some(span), _) => Some(duration::after(now, span)?.truncated_to_seconds()),
        (None, at) => at,
    };
    request = match expiry {
        Some(at) if at <= now => {
            return Err(Error::invalid_input(format!(
                "the token would be dead at once: {at} is not in the future"
            )));
        }
        Some(at) => request.with_expiry(at),
        None if arguments.never_expires => request.without_expiry(),
        None => request,
    };
    Ok((arguments.scopes.into_iter()).fold(request, CreateToken::with_scope))
}
