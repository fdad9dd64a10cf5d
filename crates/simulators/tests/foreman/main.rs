//! The simulated Foreman against what the real one was seen to answer, and against what is known of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod answers;
mod behaviour;
mod client;
mod logins;
mod names;
mod observed;
mod recorded;
mod releases;
mod scale;
mod vectors;
