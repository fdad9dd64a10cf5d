//! `create`: a new token and its secret.

use tokenfleet::capability::{ArgumentSupport, ArgumentValue, CreateCapability};
use tokenfleet::workflow::UnknownWrite;
use tokenfleet::{CreateToken, Error, Operation, RequestedExpiry, Result, Timestamp};

use super::subject::Subject;
use super::write::Write;
use super::{exactly_once, secret};
use crate::accounts::Accounts;
use crate::arguments::CreateArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Output, print_warning};
use crate::time;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: CreateArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = accounts.single()?;
    let is_exactly_once = arguments.exactly_once;
    let look_again_after = arguments.look_again_after;
    let now = Timestamp::now();
    let capability = provider.capabilities().create.as_ref();
    let request = request(arguments, capability, now).map_err(|error| {
        error
            .with_account(provider.account())
            .with_operation(Operation::Create)
    })?;
    let requested = request.clone();
    let name = request.name.clone();
    let write = Write {
        provider: &*provider,
        operation: Operation::Create,
        subject: name.as_deref().map_or(Subject::Unnamed, Subject::Name),
    };
    let needs_name =
        name.is_none() && capability.is_some_and(|create| create.name == ArgumentSupport::Required);
    let needs_expiry = request.expiry == RequestedExpiry::PlatformDefault
        && capability.is_some_and(|create| create.required_expiry);
    let issued = if is_exactly_once {
        exactly_once::create(write, request, look_again_after).await
    } else {
        let unknown = UnknownWrite::Unmarked { at: now };
        let response = provider.create(request);
        write.await_or_reconcile(Some(unknown), response).await
    };
    let issued = issued.map_err(|error| {
        if needs_name {
            error.advise_on_arguments("pass it with --name")
        } else if needs_expiry {
            error.advise_on_arguments("pass it with --expires-in or --expires-at")
        } else {
            error
        }
    })?;
    match secret::write_issued(output, &*provider, &issued) {
        Ok(()) => {}
        Err(error) if is_exactly_once => {
            return Err(exactly_once::take_back(write, &issued, error).await.into());
        }
        Err(error) => {
            return Err(secret::lost_secret(error, &*provider, Operation::Create, &issued).into());
        }
    }
    let added = requested.added_scopes(&issued.token);
    if !added.is_empty() {
        print_warning(&format!(
            "the platform added scopes that were not requested: {}",
            added.join(", ")
        ));
    }
    let unconfirmed = requested.unconfirmed_arguments(&issued.token);
    if !unconfirmed.is_empty() {
        print_warning(&format!(
            "the platform does not report whether it kept these arguments: {}; check the token",
            unconfirmed.join(", ")
        ));
    }
    for field in requested.differences(&issued.token) {
        if field == "arguments" {
            continue;
        }
        if field == "scopes" && !requested.misses_scopes(&issued.token) {
            continue;
        }
        // The marker of `--exactly-once` ends the description or the name.
        if !(is_exactly_once && ["name", "description"].contains(&field)) {
            print_warning(&format!(
                "the platform reports another {field} than requested; the token was created"
            ));
        }
    }
    Ok(Exit::Success)
}

fn request(
    arguments: CreateArguments,
    capability: Option<&CreateCapability>,
    now: Timestamp,
) -> Result<CreateToken> {
    let mut request = CreateToken::unnamed();
    request.name = arguments.name;
    request.description = arguments.description;
    let expiry = match (arguments.expires_in, arguments.expires_at) {
        // Platforms differ in how they read fractions of a second.
        (Some(period), _) => Some(time::after(now, period)?.truncated_to_seconds()),
        (None, at) => at,
    };
    request = match expiry {
        Some(at) if at > now && arguments.expires_in.is_some() => {
            request.with_lifetime(arguments.expires_in.unwrap_or_default())
        }
        Some(at) if at <= now => {
            return Err(Error::invalid_input(format!(
                "the expiry {at} is not in the future"
            )));
        }
        Some(at) => request.with_expiry(at),
        None if arguments.never_expires => request.without_expiry(),
        None => request,
    };
    for (name, text) in arguments.arguments {
        // Without the capability, the creation itself is refused.
        let Some(capability) = capability else { break };
        let value = capability.parse_argument(&name, &text)?;
        match (request.arguments.get_mut(&name), value) {
            (None, value) => request = request.with_argument(name, value),
            (Some(ArgumentValue::List(values)), ArgumentValue::List(more)) => values.extend(more),
            (Some(_), _) => {
                return Err(Error::invalid_input(format!(
                    "the argument `{name}` is passed twice"
                )));
            }
        }
    }
    Ok((arguments.scopes.into_iter()).fold(request, CreateToken::with_scope))
}
