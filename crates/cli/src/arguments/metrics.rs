//! The option for the numbers of an inventory.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct MetricsArguments {
    /// Also write numbers for Prometheus, as a text file for the node exporter (mode 0644: it holds
    /// no secret)
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_file: Option<PathBuf>,
}
