//! Measuring whole processes: what a client costs that lists the tokens of a simulated platform.
//!
//! `cargo run --release -p tokenfleet-benches --bin listing` compares listings by ratios in one run.

mod by_hand;
mod cost;
mod job;
mod micro;
mod performance;

pub use by_hand::{ForemanPage, ForemanToken, LosantPage, LosantToken};
pub use cost::{Cost, median};
pub use job::{Job, Platform};
pub use micro::{Amount, Micro};
pub use performance::{Table, load, machine, write};
