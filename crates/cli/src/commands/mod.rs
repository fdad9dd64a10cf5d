//! The commands, one per file.

mod capabilities;
mod confirm;
mod create;
mod exactly_once;
mod explain;
mod inventory;
mod list;
mod plan;
mod question;
mod reconcile;
mod renew;
mod revocation_report;
mod revoke;
mod rotate;
mod secret;
mod show;
#[cfg(feature = "simulate")]
mod simulate;
mod subject;
mod update;
mod verify;
mod whoami;
mod write;

use tokenfleet::Registry;

use crate::accounts::Accounts;
use crate::arguments::{Arguments, Command};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Runs the command of the command line.
pub(crate) async fn run(
    arguments: Arguments,
    registry: Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let Arguments { global, command } = arguments;
    let requested_format = global.output;
    #[cfg(feature = "simulate")]
    if let Command::Simulate(arguments) = &command {
        return simulate::run(&global, arguments).await;
    }
    let issues_secret = matches!(
        command,
        Command::Create(_) | Command::Rotate(_) | Command::Renew(_)
    );
    if issues_secret {
        secret::require_output()?;
    }
    let accounts = Accounts::open(&global, registry).await?;
    match command {
        Command::Inventory(pages) => {
            inventory::run(&accounts, &pages, requested_format, output).await
        }
        Command::List(arguments) => {
            list::run(&accounts, &arguments, requested_format, output).await
        }
        Command::Explain(arguments) => {
            explain::run(&accounts, &arguments, requested_format, output)
        }
        Command::Show(arguments) => show::run(&accounts, arguments, output).await,
        Command::Create(arguments) => create::run(&accounts, arguments, output).await,
        Command::Update(arguments) => update::run(&accounts, arguments, output).await,
        Command::Rotate(arguments) => rotate::run(&accounts, arguments, output).await,
        Command::Renew(arguments) => renew::run(&accounts, arguments, output).await,
        Command::Reconcile(arguments) => {
            reconcile::run(&accounts, arguments, requested_format, output).await
        }
        Command::Plan(arguments) => plan::run(&accounts, &arguments, output).await,
        Command::Revoke(arguments) => {
            revoke::run(&accounts, arguments, requested_format, output).await
        }
        Command::Verify(arguments) => verify::run(&accounts, arguments, output).await,
        Command::Whoami => whoami::run(&accounts, requested_format, output).await,
        Command::Capabilities(arguments) => {
            capabilities::run(&accounts, &global, &arguments, output)
        }
        #[cfg(feature = "simulate")]
        Command::Simulate(_) => Ok(Exit::Success),
    }
}
