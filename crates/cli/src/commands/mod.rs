//! The commands, one per file.

mod accounts;
mod annotate;
mod audit;
mod capabilities;
mod check;
mod confirm;
mod create;
mod diff;
mod doctor;
mod due_rotations;
mod exactly_once;
mod exec;
mod expiring;
mod explain;
mod history;
mod init;
mod inventory;
mod judging;
mod ledger;
mod list;
mod locate;
mod lost_accounts;
mod operations;
mod plan;
mod question;
mod reconcile;
mod renew;
mod report;
mod resumed_plan;
mod revocation_report;
mod revocations;
mod revoke;
mod rotate;
mod rotation_report;
mod scheduled;
mod secret;
mod serving;
mod shared_tokens;
mod show;
#[cfg(feature = "simulate")]
mod simulate;
#[cfg(feature = "simulate")]
mod simulated_configuration;
mod snapshot;
mod strays;
mod subject;
mod take_back;
mod trust;
mod update;
mod verify;
mod whoami;
mod worker;
mod write;

use tokenfleet::Registry;

use crate::accounts::Accounts;
use crate::arguments::{Arguments, Command, OperationsAction};
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
    if let Command::Annotate(arguments) = &command {
        return annotate::run(&global, arguments, &command.texts(), registry, output).await;
    }
    match &command {
        Command::Accounts => return accounts::run(&global, registry, output).await,
        Command::Audit(arguments) => return audit::run(&global, arguments, output),
        Command::Diff(arguments) => {
            reject_simulation("diff", &global)?;
            return diff::run(&global, arguments, &registry, output).await;
        }
        Command::History(arguments) => {
            reject_simulation("history", &global)?;
            return history::run(&global, arguments, &registry, output).await;
        }
        Command::Ledger(arguments) => {
            reject_simulation("ledger", &global)?;
            return ledger::run(&global, arguments, &registry, output).await;
        }
        // The tokens of the simulated platforms end with the program.
        Command::Snapshot(_) => reject_simulation("snapshot", &global)?,
        Command::Doctor => return doctor::run(&global, registry, output).await,
        Command::Init(arguments) => return init::run(&global, arguments, output),
        Command::Operations(arguments) if !command.is_write() && !arguments.watches() => {
            return operations::run(&global, arguments, output).await;
        }
        Command::Trust(arguments) => return trust::run(&global, arguments, output),
        _ => {}
    }
    let accounts = Accounts::open(&global, registry).await?;
    accounts
        .check_texts(&command, global.reason.as_deref())
        .await?;
    output.show_annotations(accounts.is_annotated());
    if command.is_write() {
        accounts.require_reason(global.reason.as_deref())?;
        if !global.read_only {
            // Before anything is sent: what cannot be recorded is not done.
            accounts.ledger().await?;
        }
    }
    let ended = match command {
        Command::Inventory(arguments) => {
            inventory::run(&accounts, &arguments, requested_format, output).await
        }
        Command::Check(arguments) => {
            check::run(&accounts, &arguments, requested_format, output).await
        }
        Command::Expiring(arguments) => {
            expiring::run(&accounts, &arguments, requested_format, output).await
        }
        Command::List(arguments) => {
            list::run(&accounts, &arguments, requested_format, output).await
        }
        Command::Report(arguments) => {
            report::run(&accounts, &arguments, requested_format, output).await
        }
        Command::Snapshot(arguments) => {
            snapshot::run(&accounts, &arguments, requested_format, output).await
        }
        Command::Explain(arguments) => {
            explain::run(&accounts, &arguments, requested_format, output)
        }
        Command::Show(arguments) => show::run(&accounts, arguments, output).await,
        Command::Create(arguments) => {
            create::run(&accounts, arguments, requested_format, output).await
        }
        Command::Exec(arguments) => exec::run(&accounts, arguments).await,
        Command::Update(arguments) => update::run(&accounts, arguments, output).await,
        Command::Rotate(arguments) => {
            rotate::run(&accounts, *arguments, requested_format, output).await
        }
        Command::Renew(arguments) => {
            renew::run(&accounts, arguments, requested_format, output).await
        }
        Command::Reconcile(arguments) => {
            reconcile::run(&accounts, arguments, requested_format, output).await
        }
        Command::Plan(arguments) => {
            plan::run(&accounts, &arguments, requested_format, output).await
        }
        Command::Revoke(arguments) => {
            revoke::run(&accounts, arguments, requested_format, output).await
        }
        Command::Worker(arguments) => {
            worker::run(&accounts, &arguments, requested_format, output).await
        }
        Command::Verify(arguments) => verify::run(&accounts, arguments, output).await,
        Command::Locate(arguments) => {
            locate::run(&accounts, arguments, requested_format, output).await
        }
        Command::Operations(arguments) => match arguments.action {
            Some(OperationsAction::Resume(arguments)) => {
                operations::resume(&accounts, arguments, requested_format, output).await
            }
            Some(OperationsAction::Abandon(arguments)) => {
                operations::abandon(&accounts, arguments, output).await
            }
            Some(OperationsAction::Show { id, watch: true }) => {
                operations::watch(&accounts, id, requested_format, output).await
            }
            // These have run.
            _ => Ok(Exit::Success),
        },
        Command::Whoami => whoami::run(&accounts, requested_format, output).await,
        Command::Capabilities(arguments) => {
            capabilities::run(&accounts, &global, &arguments, output)
        }
        // These have run.
        Command::Completions(_) | Command::Man(_) | Command::Schema => Ok(Exit::Success),
        #[cfg(feature = "simulate")]
        Command::Simulate(_) => Ok(Exit::Success),
        Command::Accounts
        | Command::Annotate(_)
        | Command::Audit(_)
        | Command::Diff(_)
        | Command::Doctor
        | Command::History(_)
        | Command::Init(_)
        | Command::Ledger(_)
        | Command::Trust(_) => Ok(Exit::Success),
    };
    ended.map(|exit| accounts.exit_after_recording(exit))
}

/// Rejects global options that have no meaning for a command.
fn reject_options(command: &str, options: &[(&str, bool)]) -> Result<(), Failure> {
    match options.iter().find(|(_, is_used)| *is_used) {
        Some((option, _)) => Err(tokenfleet::Error::invalid_input(format!(
            "{option} cannot be used with the command {command}"
        ))
        .into()),
        None => Ok(()),
    }
}

/// Rejects the simulated platforms, of which nothing is remembered.
fn reject_simulation(
    command: &str,
    global: &crate::arguments::GlobalArguments,
) -> Result<(), Failure> {
    reject_options(command, &[("--simulate", is_simulated(global))])
}

/// Returns `true` if the simulated platforms are requested.
fn is_simulated(global: &crate::arguments::GlobalArguments) -> bool {
    #[cfg(feature = "simulate")]
    {
        global.simulate
    }
    #[cfg(not(feature = "simulate"))]
    {
        let _ = global;
        false
    }
}
