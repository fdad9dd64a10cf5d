//! Measuring whole processes: what a client costs that works at a simulated platform.
//!
//! Each program of this crate compares by ratios in one run, and with `--write` writes its section of
//! `docs/PERFORMANCE.md`: `compare` several clients, `listing` pages one by one and side by side, `scaling` sets of many
//! sizes, `instructions` what is counted instead of timed, and `dependence` what it costs to depend on a library.

pub mod adapter;
mod arguments;
pub mod by_hand;
mod client;
mod consumer;
mod contest;
mod cost;
mod goal;
mod job;
mod micro;
mod packages;
mod performance;
mod platform;
mod programs;
mod starts;
mod valgrind;

pub use arguments::Arguments;
pub use client::{Client, run_ours};
pub use consumer::{Built, Consumer};
pub use contest::{Contest, Measure};
pub use cost::{Cost, Median, Seen};
pub use goal::{Goal, goals};
pub use job::{Job, Work};
pub use micro::{Amount, Micro};
pub use packages::{Packages, compiler};
pub use performance::{Conditions, Table, write};
pub use platform::{Platform, Simulated};
pub use programs::{build_programs, program};
pub use starts::Starts;
pub use valgrind::instructions;
