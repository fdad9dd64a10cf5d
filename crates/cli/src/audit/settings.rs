//! The table `[audit]` of the configuration.

use std::path::PathBuf;

use tokenfleet::config::Settings;
use tokenfleet::{Configuration, Error, Result};

use super::ADVICE;
use crate::configuration::tables;
use crate::directories::state_directory;

/// The name of the file in the state directory.
const DEFAULT_FILE: &str = "audit.jsonl";

/// The settings of the audit log.
#[derive(Debug)]
pub(super) struct AuditSettings {
    pub(super) enabled: bool,
    pub(super) require_reason: bool,
    /// The configured file.
    file: Option<PathBuf>,
}

impl AuditSettings {
    pub(super) fn read(configuration: &Configuration) -> Result<Self> {
        let table = configuration
            .table(tables::AUDIT)
            .cloned()
            .unwrap_or_default();
        Self::from_table(table).map_err(|error| configuration.locate(error))
    }

    fn from_table(mut table: Settings) -> Result<Self> {
        let file = table.text("file")?.filter(|file| !file.is_empty());
        let settings = Self {
            enabled: table.boolean("enabled")?.unwrap_or(true),
            require_reason: table.boolean("require_reason")?.unwrap_or_default(),
            file: file.map(|file| table.file_path(file)),
        };
        if settings.require_reason && !settings.enabled {
            let error = table.error("requires a reason but turns the log off");
            return Err(error.with_advice("remove `require_reason` or `enabled`"));
        }
        table.finish()?;
        Ok(settings)
    }

    /// Returns the path of the file.
    pub(super) fn path(&self) -> Result<PathBuf> {
        match &self.file {
            Some(file) => Ok(file.clone()),
            None => match state_directory() {
                Ok(directory) => Ok(directory.join(DEFAULT_FILE)),
                Err(error) => Err(Error::configuration("the audit log has no place")
                    .with_advice(format!(
                        "{}; or {ADVICE}",
                        error.advice().unwrap_or_default()
                    ))
                    .with_source(error)),
            },
        }
    }
}
