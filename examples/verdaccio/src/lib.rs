//! Verdaccio tokens as a tokenfleet provider.
//!
//! The second example of a provider over HTTP, for a platform with habits of its own: secrets are
//! created with a password, deletions always succeed, and the tokens of a login are never listed.
//! `docs/facts/verdaccio.md` has the facts that it relies on. Register it by
//! `registry.register(NAME, Verdaccio::open)`.

mod convert;
mod provider;
mod wire;

pub use provider::{NAME, Verdaccio, capabilities};
