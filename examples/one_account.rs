//! Prints what the platform of one account supports and how many tokens the account has.
//!
//! It uses the first account of a configuration, or a simulator of the enabled platform:
//!
//! `cargo run -p tokenfleet-examples --example one_account --no-default-features -F foreman`
//! `cargo run -p tokenfleet-examples --example one_account --no-default-features -F cloudsmith`

use std::process::ExitCode;
use std::sync::Arc;

use tokenfleet::transport::ReqwestTransport;
use tokenfleet::{Error, Operation, Query, Registry, Result, TokenProviderExt};

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::exit_code(run().await)
}

async fn run() -> Result<()> {
    let accounts = tokenfleet_examples::accounts().await?;
    let transport = Arc::new(ReqwestTransport::new()?);
    let Some(account) = accounts.configuration.accounts().first() else {
        return Err(Error::configuration("no accounts are configured"));
    };
    let provider = Registry::with_builtin().open(account, transport)?;

    println!("{} supports:", provider.account());
    for operation in Operation::ALL {
        if provider.capabilities().supports(operation) {
            println!("  {operation}");
        }
    }
    if provider.capabilities().supports(Operation::List) {
        let list = provider.list_all(Query::new()).await?;
        println!("{} tokens, {:?}", list.tokens.len(), list.completeness);
    }
    Ok(())
}
