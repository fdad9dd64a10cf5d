//! A token for one piece of work: made, used, and dead afterwards.
//!
//! `cargo run -p tokenfleet-examples --example create_use_revoke [-- tokenfleet.toml]`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet::capability::ArgumentSupport;
use tokenfleet::transport::ReqwestTransport;
use tokenfleet::{
    CreateToken, Registry, Result, RevocationEffect, RevokeOptions, Secret, Timestamp,
    TokenProvider, TokenRef,
};

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::end(run().await)
}

async fn run() -> Result<()> {
    let accounts = tokenfleet_examples::accounts().await?;
    let registry = Registry::with_builtin();
    let transport = Arc::new(ReqwestTransport::new()?);
    for account in accounts.configuration.accounts() {
        let provider = registry.open(account, transport.clone())?;
        match make_use_and_kill(&*provider).await {
            Ok(outcome) => println!("{}: {outcome}", provider.account()),
            // An account that is full, or cannot do this, does not stop the others.
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

async fn make_use_and_kill(provider: &dyn TokenProvider) -> Result<&'static str> {
    let capabilities = provider.capabilities().clone();
    // Nothing is made that could not be killed: some platforms only ever replace a secret by another that lives.
    let revoke = match capabilities.revoke {
        Some(revoke) if revoke.effect != RevocationEffect::Replaced => revoke,
        _ => return Ok("skipped, a token made here could not be killed"),
    };
    let create = capabilities.create.unwrap_or_default();
    let mut request = CreateToken::unnamed();
    if create.name != ArgumentSupport::Unsupported {
        request.name = Some("one-hour".to_owned());
    }
    if create.expiry {
        request = request.with_expiry(Timestamp::now().saturating_add(Duration::from_secs(3600)));
    }
    let issued = provider.create(request).await?;

    work_with(&issued.secret);

    let token = if revoke.by_id {
        TokenRef::Id(&issued.token.id)
    } else {
        TokenRef::Secret(&issued.secret)
    };
    let id = &issued.token.id;
    match provider.revoke(token, RevokeOptions::default()).await {
        Ok(revocation) => Ok(revocation.outcome.as_str()),
        Err(error) => Err(error.with_message_prefix(&format!("token {id} may be alive"))),
    }
}

fn work_with(_secret: &Secret) {}
