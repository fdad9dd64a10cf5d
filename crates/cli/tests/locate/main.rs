//! `tokenfleet locate`: whose token a found secret is, and its revocation.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod accounts;
mod candidates;
mod input;
mod platforms;
mod revocation;
#[path = "../support/mod.rs"]
mod support;
