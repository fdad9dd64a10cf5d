//! The configuration of the program: where it is found, and whether it may be used.

mod command_files;
mod credential_sources;
mod discovery;
mod keys;
mod nothing_sent;
mod ownership;
mod reading;
pub(crate) mod tables;
mod trust;
mod trust_store;

use std::collections::HashSet;
use std::path::Path;

use tokenfleet::{AccountConfiguration, Configuration, ConfigurationReader, Result};

use crate::arguments::GlobalArguments;
use crate::output::print_warning;
use crate::selection::Selection;
#[cfg(feature = "simulate")]
use crate::simulation::Simulation;

pub(crate) use credential_sources::{credential_sources, credential_variables};
pub(crate) use discovery::{FILE_NAME, find};
pub(crate) use nothing_sent::NothingSent;
pub(crate) use ownership::{check as check_ownership, check_named, check_or as check_ownership_of};
pub(crate) use reading::{check_text, read_owned};
pub(crate) use trust::{Trust, reasons, require, set_own_providers};
pub(crate) use trust_store::{Entry, TrustStore};

/// The JSON schema of the file.
pub(crate) const SCHEMA: &str = include_str!("schema.json");

/// Returns a reader that knows the tables of the program.
fn reader() -> ConfigurationReader {
    ConfigurationReader::new()
        .with_named_tables("checks")
        .with_named_tables("waivers")
        .with_table("baseline")
        .with_table(tables::ANNOTATIONS)
        .with_table(tables::AUDIT)
        .with_table(tables::LEDGER)
        .with_named_tables(tables::POLICIES)
        .with_named_tables(tables::SCHEDULES)
        .with_named_tables(tables::SINKS)
}

/// A configuration, and the simulated platforms if it is theirs.
pub(crate) struct Opened {
    pub(crate) configuration: Configuration,
    /// The simulated platforms, which run until this is dropped.
    #[cfg(feature = "simulate")]
    pub(crate) simulation: Option<Simulation>,
}

/// Finds and reads the configuration, for a command that opens no account. Refuses a key that
/// nobody knows, and warns of one in an account.
pub(crate) fn load(option: Option<&Path>, trust: Trust) -> Result<Configuration> {
    let configuration = read(option, trust)?;
    warn_of_misspelled(&configuration, configuration.accounts());
    Ok(configuration)
}

/// Warns of keys that nobody knows in accounts that are not opened.
fn warn_of_misspelled<'a>(
    configuration: &Configuration,
    accounts: impl IntoIterator<Item = &'a AccountConfiguration>,
) {
    for error in keys::misspelled_accounts(configuration, accounts) {
        print_warning(&error.to_string());
    }
}

fn read(option: Option<&Path>, trust: Trust) -> Result<Configuration> {
    let loaded = find(option)?.read()?;
    if trust == Trust::Required {
        require(&loaded)?;
    }
    keys::check(&loaded.configuration)?;
    Ok(loaded.configuration)
}

/// Finds and reads the configuration, for a command that opens the selected accounts, or starts
/// the simulated platforms. Refuses a key that nobody knows, and warns of one in another account.
pub(crate) async fn open(arguments: &GlobalArguments, trust: Trust) -> Result<Opened> {
    #[cfg(feature = "simulate")]
    if arguments.simulate {
        if arguments.config.is_some() {
            return Err(tokenfleet::Error::invalid_input(
                "--simulate and --config cannot be used together",
            ));
        }
        let (simulation, configuration) = Simulation::start().await?;
        return Ok(Opened {
            configuration,
            simulation: Some(simulation),
        });
    }
    if trust == Trust::Required {
        warn_of_others(arguments.config.as_deref());
    }
    let configuration = read(arguments.config.as_deref(), trust)?;
    // A selection that is wrong fails later.
    if let Ok(selection) = Selection::new(&configuration, arguments) {
        let selected = selection.of(&configuration).into_iter();
        let selected: HashSet<_> = selected.map(AccountConfiguration::name).collect();
        let all = configuration.accounts().iter();
        let others = all.filter(|account| !selected.contains(account.name()));
        warn_of_misspelled(&configuration, others);
    }
    Ok(Opened {
        configuration,
        #[cfg(feature = "simulate")]
        simulation: None,
    })
}

/// Warns of a file that somebody named and that others can change. Whoever named it vouches for it,
/// and may not know.
fn warn_of_others(option: Option<&Path>) {
    let Ok(file) = find(option) else {
        return;
    };
    if let Ok(metadata) = file.path.metadata()
        && file.is_named()
        && metadata.is_file()
        && let Err(error) = check_named(&metadata, &file.path)
    {
        print_warning(&error.to_string());
    }
}
