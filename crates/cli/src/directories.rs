//! The directories of the user in which the program keeps files.

use std::path::{Path, PathBuf};
use std::sync::Once;

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use tokenfleet::{Error, Result};

use crate::output::print_warning;
use crate::program_name;

/// Returns the directory of the user's configuration, such as `~/.config/tokenfleet`.
pub(crate) fn configuration_directory() -> Result<PathBuf> {
    static WARNED: Once = Once::new();

    let directory = strategy()?.config_dir();
    Ok(absolute("XDG_CONFIG_HOME", directory, &WARNED))
}

/// Returns the directory of what the program remembers, such as `~/.local/state/tokenfleet`.
pub(crate) fn state_directory() -> Result<PathBuf> {
    static WARNED: Once = Once::new();

    let strategy = strategy()?;
    // Some systems have no directory for state.
    let directory = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(absolute("XDG_STATE_HOME", directory, &WARNED))
}

/// Returns a directory from the root on, and says once that it is not the one which a variable
/// seems to name: the XDG specification has relative paths ignored.
fn absolute(variable: &str, directory: PathBuf, warned: &Once) -> PathBuf {
    static WARNED_OF_HOME: Once = Once::new();

    let is_of_home = directory.is_relative();
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    let shown = directory.display();
    let value = std::env::var_os(variable).filter(|value| !value.is_empty());
    if cfg!(unix) && value.is_some_and(|value| Path::new(&value).is_relative()) {
        warned.call_once(|| {
            print_warning(&format!(
                "{variable} is ignored because it is a relative path: {shown} is used instead"
            ));
        });
    }
    if is_of_home {
        WARNED_OF_HOME.call_once(|| {
            print_warning(&format!(
                "HOME is a relative path, so {shown} is used, and another directory wherever the \
                 program is started elsewhere: set it to an absolute path"
            ));
        });
    }
    directory
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
