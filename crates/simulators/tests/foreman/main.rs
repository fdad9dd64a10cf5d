//! Tests of the simulated Foreman against recorded responses of the real one and against its
//! documented behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod behaviour;
mod client;
mod logins;
mod names;
mod observed;
mod recorded;
mod releases;
mod responses;
mod scale;
mod vectors;
