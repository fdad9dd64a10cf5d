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

use std::path::Path;

use tokenfleet::{Configuration, ConfigurationReader, Result};

use crate::arguments::GlobalArguments;
use crate::output::print_warning;
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

/// Finds and reads the configuration, and refuses a key that nobody knows.
pub(crate) fn load(option: Option<&Path>, trust: Trust) -> Result<Configuration> {
    let loaded = find(option)?.read()?;
    if trust == Trust::Required {
        require(&loaded)?;
    }
    keys::check(&loaded.configuration)?;
    Ok(loaded.configuration)
}

/// Finds and reads the configuration, or starts the simulated platforms.
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
    Ok(Opened {
        configuration: load(arguments.config.as_deref(), trust)?,
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
