//! Measuring whole processes: what a client costs that lists the tokens of a simulated platform.
//!
//! `cargo run --release -p tokenfleet-benches --bin listing` compares listings by ratios in one run.

mod cost;
mod job;
mod performance;

pub use cost::{Cost, median};
pub use job::{Job, Platform};
pub use performance::{Table, load, machine, write};
