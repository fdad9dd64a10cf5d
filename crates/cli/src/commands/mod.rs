//! The commands, a file each.

mod capabilities;
mod consent;
mod create;
mod exactly_once;
mod explain;
mod inventory;
mod list;
mod plan;
mod reconcile;
mod renew;
mod revoke;
mod rotate;
mod secret;
mod show;
mod simulate;
mod update;
mod verdicts;
mod verify;
mod write;

use crate::accounts::Accounts;
use crate::arguments::{Arguments, Command};
use crate::output::Output;
use crate::stop::{Code, Stop};

pub(crate) async fn run(arguments: Arguments, output: &mut Output) -> Result<Code, Stop> {
    let Arguments { global, command } = arguments;
    let asked_for = global.output;
    if let Command::Simulate(arguments) = command {
        return simulate::run(&global, &arguments).await;
    }
    let accounts = Accounts::find(&global).await?;
    match command {
        Command::Inventory(pages) => inventory::run(&accounts, &pages, asked_for, output).await,
        Command::List(arguments) => list::run(&accounts, &arguments, asked_for, output).await,
        Command::Explain(arguments) => explain::run(&accounts, &arguments, asked_for, output),
        Command::Show(arguments) => show::run(&accounts, arguments, output).await,
        Command::Create(arguments) => create::run(&accounts, arguments, output).await,
        Command::Update(arguments) => update::run(&accounts, arguments, output).await,
        Command::Rotate(arguments) => rotate::run(&accounts, arguments, output).await,
        Command::Renew(arguments) => renew::run(&accounts, arguments, output).await,
        Command::Reconcile(arguments) => {
            reconcile::run(&accounts, arguments, asked_for, output).await
        }
        Command::Plan(arguments) => plan::run(&accounts, &arguments, output).await,
        Command::Revoke(arguments) => revoke::run(&accounts, arguments, asked_for, output).await,
        Command::Verify(arguments) => verify::run(&accounts, arguments, output).await,
        Command::Capabilities(arguments) => {
            capabilities::run(&accounts, &global, &arguments, output)
        }
        Command::Simulate(_) => Ok(Code::Well),
    }
}
