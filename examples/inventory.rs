//! Lists every token of every account as it arrives, whatever the platform.
//!
//! `cargo run -p tokenfleet-examples --example inventory [-- tokenfleet.toml]`

use std::process::ExitCode;
use std::sync::Arc;

use tokenfleet::transport::ReqwestTransport;
use tokenfleet::{Fleet, InventoryEvent, Query, Registry, Result};

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::exit_code(run().await)
}

async fn run() -> Result<()> {
    let accounts = tokenfleet_examples::accounts().await?;
    let registry = Registry::with_builtin();
    let transport = Arc::new(ReqwestTransport::new()?);

    let fleet = Fleet::open(&registry, accounts.configuration.accounts(), transport);
    let mut inventory = fleet.inventory(Query::new());
    while let Some(event) = inventory.next().await {
        match event {
            InventoryEvent::Token(account, token) => {
                let suffix = if token.never_expires() {
                    ", never expires"
                } else {
                    ""
                };
                println!(
                    "{account}: {} is {}{suffix}",
                    token.id,
                    token.state.as_str()
                );
            }
            InventoryEvent::Finished(report) => println!("{report}"),
            _ => {}
        }
    }
    Ok(())
}
