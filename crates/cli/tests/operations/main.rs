//! Changes whose outcome is unknown: how they are listed, and how they are finished.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod absence;
mod creations;
mod ledger;
mod recorded;
mod revocations;
#[path = "../support/mod.rs"]
mod support;
