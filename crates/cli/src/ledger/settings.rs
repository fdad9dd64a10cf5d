//! The table `[ledger]` of the configuration.

use std::path::PathBuf;

use tokenfleet::config::Settings;
use tokenfleet::{Configuration, Error, Result};

use super::ADVICE;
use super::server::Server;
use crate::configuration::tables;
use crate::directories::state_directory;

/// The name of the file in the state directory.
const DEFAULT_FILE: &str = "ledger.db";

/// The place that the configuration names.
#[derive(Debug)]
enum Place {
    Default,
    File(PathBuf),
    Server(Server),
}

/// The settings of the ledger.
#[derive(Debug)]
pub(super) struct LedgerSettings {
    pub(super) enabled: bool,
    place: Place,
}

impl LedgerSettings {
    pub(super) fn read(configuration: &Configuration) -> Result<Self> {
        let table = configuration
            .table(tables::LEDGER)
            .cloned()
            .unwrap_or_default();
        Self::from_table(table).map_err(|error| configuration.locate(error))
    }

    fn from_table(mut table: Settings) -> Result<Self> {
        let enabled = table.boolean("enabled")?.unwrap_or(true);
        let path = table.text("path")?.filter(|path| !path.is_empty());
        let authorities = table.texts("authorities")?;
        let exclusive_authorities = table.boolean("exclusive_authorities")?;
        let url = table.credential("url")?;
        let has_authorities = !authorities.is_empty() || exclusive_authorities.is_some();
        if has_authorities && url.is_none() {
            let error = table.error("has `authorities` or `exclusive_authorities`, but no `url`");
            return Err(error.with_advice("keep them for the `url` of Postgres only"));
        }
        let place = match (path, url) {
            (None, None) => Place::Default,
            (Some(path), None) => Place::File(table.file_path(path)),
            (None, Some(url)) => Place::Server(Server {
                url,
                authorities: authorities
                    .iter()
                    .map(|path| table.file_path(path))
                    .collect(),
                has_exclusive_authorities: exclusive_authorities.unwrap_or_default(),
            }),
            (Some(_), Some(_)) => {
                let error = table.error("has both `path` and `url`");
                return Err(error.with_advice("keep `path` for a file, or `url` for Postgres"));
            }
        };
        table.finish()?;
        Ok(Self { enabled, place })
    }

    /// Returns the place of the ledger.
    pub(super) fn place(self) -> Result<super::Place> {
        match self.place {
            Place::Server(server) => Ok(super::Place::Server(server)),
            Place::File(path) => Ok(super::Place::File(path)),
            Place::Default => match state_directory() {
                Ok(directory) => Ok(super::Place::File(directory.join(DEFAULT_FILE))),
                Err(error) => Err(Error::configuration("the ledger has no place")
                    .with_advice(format!(
                        "{}; or {ADVICE}",
                        error.advice().unwrap_or_default()
                    ))
                    .with_source(error)),
            },
        }
    }
}
