//! A token for one piece of work: made, used, and dead afterwards.
//!
//! `cargo run -p tokenfleet-examples --example create_use_revoke [-- tokenfleet.toml]`

use std::sync::Arc;
use std::time::Duration;

use tokenfleet::http::ReqwestTransport;
use tokenfleet::{
    Argument, CreateToken, Registry, Result, RevokeOptions, Secret, Timestamp, TokenProvider,
    TokenRef,
};

#[tokio::main]
async fn main() -> Result<()> {
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
    let capabilities = provider.capabilities();
    let create = capabilities.create.clone().unwrap_or_default();
    let mut request = CreateToken::unnamed();
    if create.name != Argument::Unsupported {
        request.name = Some("one-hour".to_owned());
    }
    if create.expiry {
        request = request.expiring_at(Timestamp::now().saturating_add(Duration::from_secs(3600)));
    }
    let issued = provider.create(request).await?;

    work_with(&issued.secret);

    let by_id = capabilities
        .revoke
        .as_ref()
        .is_some_and(|revoke| revoke.by_id);
    let token = if by_id {
        TokenRef::Id(&issued.token.id)
    } else {
        TokenRef::Secret(&issued.secret)
    };
    let revocation = provider.revoke(token, RevokeOptions::default()).await?;
    Ok(revocation.outcome.as_str())
}

fn work_with(_secret: &Secret) {}
