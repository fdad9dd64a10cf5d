//! `rotate`: a new secret for an existing token.

use tokenfleet::capability::OperationCall;
use tokenfleet::workflow::UnknownWrite;
use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Query, Result, RevocationEffect, TokenId, TokenProvider,
    TokenProviderExt, cloudsmith,
};

use super::question;
use super::secret;
use super::subject::Subject;
use super::write::Write;
use crate::accounts::Accounts;
use crate::arguments::RotateArguments;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: RotateArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = accounts.single()?;
    check(&*provider)?;
    if !arguments.yes {
        question::require_terminal(&*provider, Operation::Rotate)?;
    }
    let id = match arguments.id {
        Some(id) => TokenId::new(id),
        None => only_token(&*provider).await?,
    };
    if !arguments.yes {
        // Where ids are given again, another token may have this one when the answer arrives.
        let capabilities = provider.capabilities();
        let shown = if capabilities.reused_ids && capabilities.get {
            Some(provider.get(&id).await?)
        } else {
            None
        };
        let token = question::describe_by_id(&*provider, &id).await;
        let question = format!(
            "Rotate token {token} in {}? This issues a new secret; the old one stops working \
             immediately. {}[y/N] ",
            provider.account(),
            lockout_warning(&*provider),
        );
        if !question::is_confirmed(&question) {
            let error = Error::invalid_input("not confirmed: nothing was rotated");
            return Err(error.with_account(provider.account()).into());
        }
        if let Some(shown) = shown {
            let now = provider.get(&id).await?;
            if (now.created_at, now.name) != (shown.created_at, shown.name) {
                let message = "another token has this id now: nothing was rotated";
                let error = Error::new(ErrorKind::Conflict, Fate::NotSent, message);
                return Err(in_context(&*provider, error).into());
            }
        }
    }
    // The key is read now, because its source may already return the new one afterwards.
    let old = accounts.current_key(&*provider).await;
    let unknown = old.as_ref().map(|old| UnknownWrite::Rotation { old });
    let write = Write {
        provider: &*provider,
        operation: Operation::Rotate,
        subject: Subject::Id(&id),
    };
    let issued = write
        .await_or_reconcile(unknown, provider.rotate(&id))
        .await?;
    secret::print_issued(output, &*provider, Operation::Rotate, &issued)
}

/// Rejects a platform that cannot rotate, before anything is read or asked.
fn check(provider: &dyn TokenProvider) -> Result<()> {
    // The id does not matter for this check.
    let checked = provider
        .capabilities()
        .check(OperationCall::Rotate(&TokenId::new("any")));
    checked.map_err(|error| in_context(provider, error))
}

/// Returns a warning for an account that may authenticate with the very token that is rotated, and
/// cannot tell: one that manages Cloudsmith's service accounts (decision 0027).
fn lockout_warning(provider: &dyn TokenProvider) -> &'static str {
    let revoke = provider.capabilities().revoke.as_ref();
    let deletes = revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Deleted);
    if provider.account().provider() == cloudsmith::NAME && deletes {
        "If the account itself authenticates as this service account, it stops working until it \
         gets the new secret, and if the response is lost, another manager must issue one. "
    } else {
        ""
    }
}

fn in_context(provider: &dyn TokenProvider, error: Error) -> Error {
    error
        .with_account(provider.account())
        .with_operation(Operation::Rotate)
}

/// Returns the id of the account's token if it has exactly one.
async fn only_token(provider: &dyn TokenProvider) -> Result<TokenId> {
    let mut tokens = provider.list_all(Query::new().limit(2)).await?.tokens;
    match (tokens.pop(), tokens.pop()) {
        (Some(only), None) => Ok(only.id),
        (None, _) => Err(in_context(
            provider,
            Error::new(
                ErrorKind::NotFound,
                Fate::NotSent,
                "the account has no token",
            ),
        )),
        _ => Err(in_context(
            provider,
            Error::invalid_input("the account has several tokens")
                .with_advice("pass the id of the one to rotate"),
        )),
    }
}
