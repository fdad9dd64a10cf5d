//! The `tokenfleet` program as a library: inventory, create, rotate and revoke API tokens, also on
//! a platform of your own.
//!
//! [`Program`] is all there is to it. Register your provider and return the exit code from `main`.
//! Commands, configuration, output and exit codes are those of `tokenfleet`; scripts rely on them.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod accounts;
mod annotations;
mod arguments;
mod audit;
mod claim;
mod commands;
mod completions;
mod configuration;
mod directories;
mod exit;
mod exposed_secret;
mod journals;
mod ledger;
mod logging;
mod manual;
mod metrics_file;
mod numbers;
mod output;
mod policies;
mod program;
mod program_name;
mod progress;
mod report;
mod report_file;
mod rotations;
mod running;
mod schedules;
mod secret_destination;
mod selection;
mod signal;
#[cfg(feature = "simulate")]
mod simulation;
mod sinks;
mod time;
mod usage_error;
mod waits;
mod written_place;

pub use program::Program;
// The sinks of the rotation write files in the same way.
use tokenfleet_rotation::{atomic_file, file_owner, regular_file};
