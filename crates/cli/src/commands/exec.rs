//! `exec`: a command that gets the secret of a new token in an environment variable.

mod child;

use tokenfleet::config::cause_text;
use tokenfleet::journal::OperationId;
use tokenfleet::{Error, ErrorKind, Fate, IssuedToken, Operation, Result, TokenProvider};

use super::create;
use super::secret::remedy;
use super::take_back::{revoke, take_back};
use crate::accounts::Accounts;
use crate::arguments::ExecArguments;
use crate::configuration::credential_variables;
use crate::exit::{Exit, Failure};
use crate::journals::Journals;
use crate::output::{displayed_id, print_note};
use crate::signal::{PassedOn, StopRequest};
use child::Program;

pub(crate) async fn run(accounts: &Accounts, arguments: ExecArguments) -> Result<Exit, Failure> {
    let provider = &*accounts.single()?;
    let program = Program::find(&arguments.command)?;
    if arguments.revoke_after {
        check_revocable(provider)?;
    }
    // The command gets a token of its own.
    let own = accounts.configuration_of(provider)?.settings();
    let withheld: Vec<_> = credential_variables(own).collect();
    let mut stop = StopRequest::listen().await;
    let creation = create::issue(accounts, provider, arguments.options).await?;
    let issued = &creation.issued;
    let account = provider.account();
    let id = displayed_id(&issued.token.id);
    creation.warn(provider);
    print_note(&format!(
        "{account}: created token {id} for {}",
        program.shown_name()
    ));
    // First, so that what comes after the last look at `stop` reaches the command.
    let signals = PassedOn::listen();
    let started = if stop.is_made().await {
        Err(format!(
            "the program was asked to stop before it started {}",
            program.shown_name()
        ))
    } else {
        let started = signals.and_then(|signals| {
            program.start((&arguments.env, &issued.secret), &withheld, signals)
        });
        started.map_err(|error| {
            format!(
                "cannot start {} ({})",
                program.shown_name(),
                cause_text(&error)
            )
        })
    };
    let child = match started {
        Ok(child) => child,
        Err(reason) => {
            let taking_back = (accounts.journals(), provider, creation.operation_id);
            return Err(not_started(reason, taking_back, issued).await.into());
        }
    };
    // A signal does not wait for what is written down.
    let journals = accounts.journals();
    let delivered = journals.delivered(account, &issued.token.id);
    let ((), ended) = tokio::join!(delivered, child.wait());
    let exit = ended.map_err(|error| {
        let message = format!(
            "cannot wait for {} ({})",
            program.shown_name(),
            cause_text(&error)
        );
        Error::new(ErrorKind::Other, Fate::Applied, message)
            .with_account(account)
            .with_advice(format!(
                "token {id} exists: revoke it when it is no longer needed"
            ))
    })?;
    if arguments.revoke_after {
        accounts.remember_name(account, &issued.token.id, &issued.token.name);
        match revoke(provider, issued, creation.operation_id).await {
            Ok(_) => print_note(&format!("{account}: revoked token {id}")),
            Err(error) => {
                let failure = Failure::from(error);
                if exit == Exit::Success {
                    return Err(failure);
                }
                // The command has failed, and its exit code says how.
                if let Some(error) = failure.error_to_print() {
                    crate::output::print_error(None, &error);
                }
            }
        }
    }
    Ok(exit)
}

/// Rejects a platform that cannot revoke what it creates, before anything is sent.
fn check_revocable(provider: &dyn TokenProvider) -> Result<()> {
    let capabilities = provider.capabilities();
    let revokes = capabilities.revoke.is_some() || capabilities.create.is_none();
    if revokes {
        return Ok(());
    }
    let error = Error::unsupported("the platform cannot revoke tokens for this account");
    Err(error
        .with_account(provider.account())
        .with_operation(Operation::Revoke)
        .with_advice("leave out --revoke-after"))
}

/// Revokes the token of a command that was not started, and returns the error to report.
async fn not_started(
    reason: String,
    (journals, provider, operation_id): (&Journals, &dyn TokenProvider, OperationId),
    issued: &IssuedToken,
) -> Error {
    let (fate, advice) = if take_back(journals, provider, issued, operation_id).await {
        (
            Fate::Rejected,
            "the token was revoked, so none is left behind".to_owned(),
        )
    } else {
        let id = displayed_id(&issued.token.id);
        let remedy = remedy(provider);
        (
            Fate::Applied,
            format!("token {id} exists, but its secret is lost: {remedy}"),
        )
    };
    Error::new(ErrorKind::Other, fate, reason)
        .with_account(provider.account())
        .with_operation(Operation::Create)
        .with_advice(advice)
}
