//! The output formats.

use std::io::{IsTerminal, stdout};

use clap::ValueEnum;

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Human-readable table
    Table,
    /// One JSON object; revoke prints one per line
    Json,
    /// One JSON object per line
    Ndjson,
    /// One row per token
    Csv,
}

impl Format {
    /// Returns the requested format, or else a table for a terminal and JSON for anything else.
    pub(crate) fn for_stdout(requested: Option<Self>) -> Self {
        requested.unwrap_or_else(|| {
            if stdout().is_terminal() {
                Self::Table
            } else {
                Self::Json
            }
        })
    }
}
