//! Adds a platform to those that tokenfleet ships; `src/directory.rs` beside this file is its adapter.
//!
//! `cargo run -p tokenfleet-examples --example own_provider`

use std::process::ExitCode;
use std::sync::Arc;

use tokenfleet::transport::ReqwestTransport;
use tokenfleet::*;
use tokenfleet_examples::Directory;

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::exit_code(run().await)
}

async fn run() -> Result<()> {
    let mut registry = Registry::with_builtin();
    registry.register("directory", Directory::open);
    let toml = "[accounts.here]\nprovider = 'directory'\npath = '.'";
    let configuration = Configuration::parse(toml)?;
    let transport = Arc::new(ReqwestTransport::new()?);
    let provider = registry.open(configuration.account("here")?, transport)?;
    let list = provider.list_all(Query::new()).await?;
    println!("{} tokens, {:?}", list.tokens.len(), list.completeness);
    Ok(())
}
