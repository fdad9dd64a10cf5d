//! Creates a token for one task, uses it, and revokes it afterwards.
//!
//! `cargo run -p tokenfleet-examples --example create_use_revoke [-- tokenfleet.toml]`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet::capability::ArgumentSupport;
use tokenfleet::transport::ReqwestTransport;
use tokenfleet::{
    CreateToken, Registry, Result, RevocationEffect, RevokeOptions, Secret, TokenProvider, TokenRef,
};

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::exit_code(run().await)
}

async fn run() -> Result<()> {
    let accounts = tokenfleet_examples::accounts().await?;
    let registry = Registry::with_builtin();
    let transport = Arc::new(ReqwestTransport::new()?);
    for account in accounts.configuration.accounts() {
        let provider = registry.open(account, transport.clone())?;
        match create_use_revoke(&*provider).await {
            Ok(outcome) => println!("{}: {outcome}", provider.account()),
            // An account that is full or does not support this does not stop the others.
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

async fn create_use_revoke(provider: &dyn TokenProvider) -> Result<&'static str> {
    let capabilities = provider.capabilities().clone();
    // Some platforms can only replace a secret with a new one. A token created there would stay.
    let revoke = match capabilities.revoke {
        Some(revoke) if revoke.effect != RevocationEffect::Replaced => revoke,
        _ => return Ok("skipped, a token created here could not be revoked"),
    };
    let create = capabilities.create.unwrap_or_default();
    let mut request = CreateToken::unnamed();
    if create.name != ArgumentSupport::Unsupported {
        request.name = Some("one-hour".to_owned());
    }
    if create.expiry {
        request = request.with_lifetime(Duration::from_secs(3600));
    }
    let issued = provider.create(request).await?;

    use_token(&issued.secret);

    let token = if revoke.by_id {
        TokenRef::Id(&issued.token.id)
    } else {
        TokenRef::Secret(&issued.secret)
    };
    let id = &issued.token.id;
    match provider.revoke(token, RevokeOptions::default()).await {
        Ok(revocation) => Ok(revocation.outcome.as_str()),
        Err(error) => Err(error.with_message_prefix(&format!("token {id} may still work"))),
    }
}

fn use_token(_secret: &Secret) {}
