//! One program for any platform: which one is a matter of features and configuration.
//!
//! `cargo run -p tokenfleet-examples --example one_account --no-default-features --features foreman`
//! `cargo run -p tokenfleet-examples --example one_account --no-default-features --features cloudsmith`

use std::sync::Arc;

use tokenfleet::http::ReqwestTransport;
use tokenfleet::{Error, Operation, Query, Registry, Result, TokenProviderExt};

#[tokio::main]
async fn main() -> Result<()> {
    let accounts = tokenfleet_examples::accounts().await?;
    let transport = Arc::new(ReqwestTransport::new()?);
    let Some(account) = accounts.configuration.accounts().first() else {
        return Err(Error::configuration("no account is configured"));
    };
    let provider = Registry::with_builtin().open(account, transport)?;

    println!("{} can:", provider.account());
    for operation in Operation::ALL {
        if provider.capabilities().supports(operation) {
            println!("  {operation}");
        }
    }
    match provider.collect(Query::new()).await {
        Ok(list) => println!("{} tokens, {:?}", list.tokens.len(), list.completeness),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
