//! Benchmarks of whole processes: the cost of clients that work at simulated platforms.
//!
//! Each program of this crate compares by ratios within one run, and with `--write` writes its
//! section of `docs/PERFORMANCE.md`: `compare` compares clients, `distance` does so over TLS and a
//! slow network, `listing` sequential and concurrent pages, `scaling` lists of many sizes,
//! `ledger` ledgers of many tokens, `workers` processes that share one, `rates` how
//! much of what platforms allow they use, `instructions` instruction
//! counts, and `dependence` the cost of depending on a library.

pub mod adapter;
mod arguments;
pub mod by_hand;
mod chart;
mod client;
mod consumer;
mod contest;
mod cost;
mod distance;
mod figures;
mod fleet;
mod goal;
mod job;
mod listed;
mod micro;
mod packages;
mod performance;
mod picture;
mod platform;
mod programs;
mod rate_limited;
pub mod remembered;
mod slow_start;
mod started;
mod starts;
mod valgrind;

pub use arguments::Arguments;
pub use chart::{Chart, Series};
pub use client::{Client, run_tokenfleet};
pub use consumer::{Built, Consumer};
pub use contest::{Contest, Measure};
pub use cost::{Cost, Median, TokensRead};
pub use distance::{Distance, Traffic};
pub use figures::{Figures, Headline};
pub use fleet::{Fleet, Workers};
pub use goal::{Goal, goals};
pub use job::{Job, Work};
pub use listed::{listed_instructions, listed_names};
pub use micro::{Amount, Micro};
pub use packages::{Packages, compiler};
pub use performance::{Conditions, Table, write};
pub use platform::{Platform, Simulated};
pub use programs::{build_program, build_programs, measured_program, program};
pub use rate_limited::{Rate, RateLimited, Use};
pub use started::{started_instructions, started_names};
pub use starts::Starts;
pub use valgrind::instructions;
