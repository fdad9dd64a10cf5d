//! The laws of the HTTP path.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "reqwest")]
mod over_sockets;
mod support;
mod trying_again;
