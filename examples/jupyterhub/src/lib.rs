//! JupyterHub API tokens as a tokenfleet provider: an example to copy.
//!
//! `docs/ADDING-A-PROVIDER.md` walks through it, and `docs/facts/jupyterhub.md` has the facts that
//! it relies on. Register it by `registry.register(NAME, JupyterHub::open)`.

mod config;
mod convert;
mod provider;
mod wire;

pub use provider::{JupyterHub, NAME, capabilities};
