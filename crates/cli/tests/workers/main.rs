//! Workers and what they carry out: policies, schedules and rotations of single tokens. Most of
//! these tests wait, so they are one binary, in which many wait at a time.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod policies;
mod rotations;
#[path = "../support/scaled_waits.rs"]
mod scaled_waits;
mod schedules;
mod stopped_rotations;
#[path = "../support/mod.rs"]
mod support;
mod token_places;
