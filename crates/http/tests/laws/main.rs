//! The laws of the HTTP path.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "reqwest")]
mod compression;
mod credential_refresh;
#[cfg(feature = "reqwest")]
mod over_sockets;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod over_tls;
mod rate_limiting;
mod retrying;
mod scripted_transport;
