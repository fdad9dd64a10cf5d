//! The laws of the HTTP path.

#![allow(clippy::unwrap_used)]

mod acting;
#[cfg(feature = "reqwest")]
mod over_sockets;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod over_tls;
mod pacing;
mod support;
mod trying_again;
