//! `create`: a new token and its secret.

use tokenfleet::capability::{ArgumentSupport, ArgumentValue, CreateCapability};
use tokenfleet::journal::OperationId;
use tokenfleet::workflow::UnknownWrite;
use tokenfleet::{
    CreateToken, Error, ErrorKind, Fact, Fate, IssuedToken, Operation, RequestedExpiry, Result,
    Timestamp, Token, TokenProvider, TokenState,
};

use super::secret::WriteFailure;
use super::subject::Subject;
use super::take_back::take_back;
use super::write::{Write, WriteError};
use super::{exactly_once, secret};
use crate::accounts::Accounts;
use crate::arguments::{CreateArguments, CreateOptions};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, displayed_id, print_warning};
use crate::program_name::command_line;
use crate::secret_destination::SecretDestination;
use crate::time;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: CreateArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = &*accounts.single()?;
    let destination = SecretDestination::prepare(&arguments.secret, requested_format)?;
    let is_exactly_once = arguments.options.exactly_once;
    let creation = issue(accounts, provider, arguments.options).await?;
    let issued = &creation.issued;
    let journals = accounts.journals();
    let written = match secret::write_issued(output, destination, provider, issued) {
        Ok(()) => Ok(()),
        Err(WriteFailure::Record(error)) => Err(error),
        Err(WriteFailure::Secret(undelivered)) => {
            let error = if is_exactly_once
                && take_back(journals, provider, issued, creation.operation_id).await
            {
                let reason = &undelivered.reason;
                secret::cannot_write(reason, Fate::Rejected, provider, Operation::Create, issued)
                    .with_advice("the token was revoked, so none is left behind")
            } else {
                let operation = Operation::Create;
                secret::undelivered_secret(undelivered, journals, provider, operation, issued).await
            };
            return Err(error.into());
        }
    };
    journals
        .delivered(provider.account(), &issued.token.id)
        .await;
    creation.warn(provider);
    Exit::Success.after_writing(written)
}

/// A token that was created, and what was requested.
pub(super) struct Creation {
    pub(super) issued: IssuedToken,
    /// The operation that a revocation of the token belongs to.
    pub(super) operation_id: OperationId,
    requested: CreateToken,
    is_exactly_once: bool,
}

/// Creates a token.
pub(super) async fn issue(
    accounts: &Accounts,
    provider: &dyn TokenProvider,
    options: CreateOptions,
) -> Result<Creation, Failure> {
    let is_exactly_once = options.exactly_once;
    let look_again_after = options.look_again_after;
    let now = Timestamp::now();
    let capability = provider.capabilities().create.as_ref();
    let configuration = accounts.configuration_of(provider)?;
    // The opened account adds its defaults too, but the result is compared with this.
    let request = request(options, capability, now)
        .and_then(|request| configuration.with_creation_defaults(request, capability));
    let request = request.map_err(|error| {
        error
            .with_account(provider.account())
            .with_operation(Operation::Create)
    })?;
    let operation_id = OperationId::random();
    let request = request.with_operation_id(operation_id);
    let requested = request.clone();
    let name = request.name.clone();
    let write = Write {
        provider,
        operation: Operation::Create,
        subject: name.as_deref().map_or(Subject::Unnamed, Subject::Name),
    };
    let needs_name =
        name.is_none() && capability.is_some_and(|create| create.name == ArgumentSupport::Required);
    let needs_expiry = request.expiry == RequestedExpiry::PlatformDefault
        && capability.is_some_and(|create| create.required_expiry);
    let issued = if is_exactly_once {
        exactly_once::create(write, request, look_again_after, accounts.journals()).await
    } else {
        let unknown = UnknownWrite::Unmarked { at: now };
        let response = provider.create(request);
        write.await_or_reconcile(Some(unknown), response).await
    };
    let issued = issued.map_err(|error| {
        let error = match error {
            WriteError::Failed(error) => {
                WriteError::Failed(naming_scopes(error, &requested, capability))
            }
            interrupted => interrupted,
        };
        if needs_name {
            error.advise_on_arguments("pass it with --name")
        } else if needs_expiry {
            error.advise_on_arguments("pass it with --expires-in or --expires-at")
        } else {
            error
        }
    })?;
    Ok(Creation {
        issued,
        operation_id,
        requested,
        is_exactly_once,
    })
}

/// Names the command that lists scopes, if the platform refused one that it does not publish.
fn naming_scopes(
    error: Error,
    requested: &CreateToken,
    capability: Option<&CreateCapability>,
) -> Error {
    let published = capability.map_or(&[][..], |create| create.published_scopes);
    let mut scopes = requested.scopes.iter().flatten();
    let is_refused = error.kind() == ErrorKind::InvalidInput
        && !published.is_empty()
        && scopes.any(|scope| !published.contains(&scope.as_str()));
    if !is_refused {
        return error;
    }
    let command = command_line("capabilities --scopes");
    let list = format!("`{command}` lists those that it publishes");
    let advice = match error.advice() {
        Some(question) if question.ends_with('?') => format!("{question} {list}"),
        Some(advice) => format!("{advice}; {list}"),
        None => list,
    };
    error.with_advice(advice)
}

impl Creation {
    /// Warns about a token that never expires, whose scopes nobody chose, or that is not as it was
    /// requested.
    pub(super) fn warn(&self, provider: &dyn TokenProvider) {
        let Self {
            issued,
            requested,
            is_exactly_once,
            ..
        } = self;
        let token = &issued.token;
        let problem = match token.expiry {
            Fact::Absent => Some("never expires"),
            Fact::NotReported
                if matches!(
                    requested.expiry,
                    RequestedExpiry::PlatformDefault | RequestedExpiry::Never
                ) =>
            {
                Some("may never expire: the platform does not report its expiry")
            }
            _ => None,
        };
        if let Some(problem) = problem {
            let create = provider.capabilities().create.as_ref();
            let advice = if create.is_some_and(|create| create.expiry) {
                "; pass --expires-in, or set default_expires_in for the account"
            } else {
                ""
            };
            print_warning(&format!(
                "{}: token {} {problem}{advice}",
                provider.account(),
                displayed_id(&token.id)
            ));
        }
        let takes_scopes = provider.capabilities().create.as_ref();
        let takes_scopes = takes_scopes.is_some_and(|create| create.scopes);
        if takes_scopes
            && let (None, Fact::Known(scopes)) = (&requested.scopes, &token.scopes)
            && !scopes.is_empty()
        {
            print_warning(&format!(
                "{}: token {} got scopes that were not requested: {}; pass --scope, or set \
                 default_scopes for the account",
                provider.account(),
                displayed_id(&token.id),
                scopes.join(", ")
            ));
        }
        let added = requested.added_scopes(token);
        if !added.is_empty() {
            print_warning(&format!(
                "the platform added scopes that were not requested: {}",
                added.join(", ")
            ));
        }
        let unconfirmed = requested.unconfirmed_arguments(token);
        if !unconfirmed.is_empty() {
            print_warning(&format!(
                "the platform does not report whether it kept these arguments: {}; check the token",
                unconfirmed.join(", ")
            ));
        }
        let is_expired = token.state == TokenState::Expired;
        if is_expired {
            print_warning(&expired_at_once(provider, token));
        }
        for field in requested.differences(token) {
            if field == "arguments" || (field == "state" && is_expired) {
                continue;
            }
            if field == "scopes" && !requested.misses_scopes(token) {
                continue;
            }
            // The marker of `--exactly-once` ends the description or the name.
            if !(*is_exactly_once && ["name", "description"].contains(&field)) {
                print_warning(&format!(
                    "the platform reports another {field} than requested; the token was created"
                ));
            }
        }
    }
}

/// Says why a new token may be expired: the expiry was counted from the time of this machine.
fn expired_at_once(provider: &dyn TokenProvider, token: &Token) -> String {
    let clocks = match token.created_at {
        Fact::Known(at) => format!(
            "the platform says that it created it at {}, and by the clock of this machine it is {}",
            at.truncated_to_seconds(),
            Timestamp::now().truncated_to_seconds()
        ),
        _ => "the clocks of the platform and of this machine may differ".to_owned(),
    };
    format!(
        "{}: token {} is expired already: {clocks}; set the clock that is wrong, and create another",
        provider.account(),
        displayed_id(&token.id)
    )
}

fn request(
    arguments: CreateOptions,
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
