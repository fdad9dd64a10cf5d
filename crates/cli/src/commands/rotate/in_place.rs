//! A new secret in place of the old one, which is printed.

use tokenfleet::capability::OperationCall;
use tokenfleet::workflow::UnknownWrite;
use tokenfleet::{
    Error, ErrorKind, Fate, Operation, Result, RevocationEffect, Token, TokenId, TokenProvider,
    TokenProviderExt, cloudsmith,
};

use super::{in_context, only_token};
use crate::accounts::Accounts;
use crate::arguments::{PlaceArguments, RotateArguments, SecretArguments};
use crate::commands::question;
use crate::commands::secret;
use crate::commands::subject::Subject;
use crate::commands::write::Write;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output};
use crate::secret_destination::SecretDestination;

pub(super) async fn run(
    accounts: &Accounts,
    arguments: RotateArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = accounts.single()?;
    check(&*provider)?;
    let printed = SecretArguments {
        place: PlaceArguments {
            to: None,
            show_secret: arguments.show_secret,
        },
        secret_only: arguments.secret_only,
    };
    let destination = SecretDestination::prepare(&printed, requested_format)?;
    if !arguments.yes {
        question::require_terminal(&*provider, Operation::Rotate)?;
    }
    let id = match arguments.token() {
        Some(id) => TokenId::new(id),
        None => only_token(&*provider).await?.id,
    };
    if !arguments.yes {
        let reviewed = review(&*provider, &id).await?;
        let token = match &reviewed {
            Some(reviewed) => question::describe(&id, &reviewed.name),
            None => question::describe_by_id(&*provider, &id).await,
        };
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
        if let Some(reviewed) = &reviewed {
            check_reviewed(&*provider, reviewed).await?;
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
    let journals = accounts.journals();
    let operation = Operation::Rotate;
    secret::print_issued(
        output,
        destination,
        journals,
        &*provider,
        operation,
        &issued,
    )
    .await
}

/// Returns the token that the person reviews, where another one may have its id when the answer
/// arrives.
async fn review(provider: &dyn TokenProvider, id: &TokenId) -> Result<Option<Token>> {
    let capabilities = provider.capabilities();
    let can_look = capabilities.get || capabilities.list.is_some();
    if capabilities.reused_ids && can_look {
        provider.look_up(id).await.map(Some)
    } else {
        Ok(None)
    }
}

/// Rejects a token that is not the one that was reviewed, although it has its id.
async fn check_reviewed(provider: &dyn TokenProvider, reviewed: &Token) -> Result<()> {
    let now = provider.look_up(&reviewed.id).await?;
    if (&now.created_at, &now.name) == (&reviewed.created_at, &reviewed.name) {
        return Ok(());
    }
    let message = "another token has this id now: nothing was rotated";
    let error = Error::new(ErrorKind::Conflict, Fate::NotSent, message);
    Err(in_context(provider, error))
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

#[cfg(test)]
mod tests {
    use tokenfleet::{CreateToken, RevokeOptions};
    use tokenfleet_conformance::{MemoryProfile, MemoryProvider};

    use super::*;

    #[tokio::test]
    async fn a_token_that_gets_the_id_during_the_question_is_not_rotated() {
        for reads in [true, false] {
            let profile = MemoryProvider::new(MemoryProfile::reusing());
            let mut capabilities = profile.capabilities().clone();
            capabilities.get = reads;
            let provider = MemoryProvider::new(MemoryProfile::new("reusing", capabilities));
            let issued = provider.create(CreateToken::new("ci")).await.unwrap();
            let id = issued.token.id;
            let reviewed = review(&provider, &id).await.unwrap().unwrap();
            check_reviewed(&provider, &reviewed).await.unwrap();

            let options = RevokeOptions::default();
            provider.revoke((&id).into(), options).await.unwrap();
            let error = check_reviewed(&provider, &reviewed).await.unwrap_err();
            assert!(error.is_not_found(), "{error}");
            let other = provider.create(CreateToken::new("other")).await.unwrap();
            assert_eq!(other.token.id, id);
            let error = check_reviewed(&provider, &reviewed).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        }
    }
}
