//! The directories of the user in which the program keeps files.

use std::path::PathBuf;

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use tokenfleet::{Error, Result};

use crate::program_name;

/// Returns the directory of the user's configuration, such as `~/.config/tokenfleet`.
pub(crate) fn configuration_directory() -> Result<PathBuf> {
    strategy().map(|strategy| strategy.config_dir())
}

/// Returns the directory of what the program remembers, such as `~/.local/state/tokenfleet`.
pub(crate) fn state_directory() -> Result<PathBuf> {
    let strategy = strategy()?;
    // Some systems have no directory for state.
    Ok(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()))
}

fn strategy() -> Result<impl AppStrategy> {
    let arguments = AppStrategyArgs {
        top_level_domain: String::new(),
        author: String::new(),
        app_name: program_name::get().to_owned(),
    };
    choose_app_strategy(arguments).map_err(|error| {
        Error::configuration("the home directory is unknown")
            .with_source(error)
            .with_advice("set HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME")
    })
}
