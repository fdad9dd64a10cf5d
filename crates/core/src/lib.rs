//! The model of tokenfleet: what a token is, what a platform can do with it, and how a listing stays complete.
//!
//! Applications depend on the crate `tokenfleet`, which re-exports all of this. Depend on this crate alone to write an
//! adapter for a platform of your own: implement [`TokenProvider`] and run the conformance suite against it.
//!
//! | to | look at |
//! | --- | --- |
//! | use or write a provider | [`TokenProvider`], [`Capabilities`], [`TokenProviderExt`] |
//! | read tokens | [`Token`], [`Fact`], [`Query`], [`Filter`], [`Listing`], [`Completeness`], [`Cursor`] |
//! | make and kill tokens | [`CreateToken`], [`IssuedToken`], [`Secret`], [`Revocation`], [`Liveness`] |
//! | make one exactly once, kill many | [`ExactlyOnce`], [`Reconciliation`], [`RevocationPlan`], [`RevokeMany`] |
//! | handle failure | [`Error`], [`ErrorKind`], [`Fate`] |
//! | configure accounts | [`Settings`], [`Credential`] |
//!
//! There is no HTTP and no async runtime in here.

mod config;
mod error;
mod listing;
mod model;
mod provider;
mod query;
mod workflow;

pub use config::*;
pub use error::{Account, Error, ErrorKind, Fate, Operation, Result, suggestion};
pub use listing::*;
pub use model::*;
pub use provider::*;
pub use query::*;
pub use workflow::*;
