//! Lists tokens, then creates and revokes one, in the account `it` of the configuration named on
//! the command line.

use std::sync::Arc;

use tokenfleet::transport::ReqwestTransport;
use tokenfleet::capability::ArgumentSupport;
use tokenfleet::{Configuration, CreateToken, ErrorKind, Query, Registry, Result, RevokeOptions, TokenProviderExt, TokenRef};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "tokenfleet.toml".to_owned());
    let configuration = Configuration::read(path)?;
    let transport = Arc::new(ReqwestTransport::new()?);
    let provider = Registry::with_builtin().open(configuration.account("it")?, transport)?;
    let capabilities = provider.capabilities();

    match provider.list_all(Query::new()).await {
        Ok(list) => println!("listed {} {:?}", list.tokens.len(), list.completeness),
        Err(error) if error.kind() == ErrorKind::Unsupported => println!("cannot be listed"),
        Err(error) => return Err(error),
    }

    let mut request = CreateToken::unnamed();
    if capabilities.create.as_ref().is_some_and(|create| create.name == ArgumentSupport::Required) {
        request.name = Some("consumer".to_owned());
    }
    let issued = provider.create(request).await?;
    println!("created {}", issued.token.id);

    let revoke = capabilities.revoke.clone();
    let token = match revoke {
        Some(revoke) if revoke.by_id => TokenRef::Id(&issued.token.id),
        _ => TokenRef::Secret(&issued.secret),
    };
    let revocation = provider.revoke(token, RevokeOptions::accept_replacement()).await?;
    println!("{} {}", revocation.outcome.as_str(), revocation.effect.as_str());
    Ok(())
}
