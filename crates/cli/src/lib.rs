//! The `tokenfleet` program as a library: inventory, create, rotate and revoke API tokens, also on
//! a platform of your own.
//!
//! [`Program`] is all there is to it. Register your provider and return the exit code from `main`.
//! Commands, configuration, output and exit codes are those of `tokenfleet`; scripts rely on them.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod accounts;
mod arguments;
mod commands;
mod exit;
mod logging;
mod output;
mod program;
mod program_name;
mod progress;
mod signal;
#[cfg(feature = "simulate")]
mod simulation;
mod time;
mod usage_error;

pub use program::Program;
