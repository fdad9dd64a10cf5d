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

pub mod adapter;
pub mod capability;
pub mod config;
mod error;
mod listing;
pub mod model;
mod provider;
pub mod query;
pub mod workflow;

#[doc(inline)]
pub use config::Credential;
pub use error::{Account, Error, ErrorKind, Fate, Operation, Result};
pub use listing::{Completeness, Cursor, Listing, PartialReason, Plan};
#[doc(inline)]
pub use model::{
    Fact, IssuedToken, RenewedToken, Secret, Timestamp, Token, TokenId, TokenRef, TokenState,
};
pub use provider::{
    Capabilities, CreateToken, Liveness, RequestedExpiry, Revocation, RevocationEffect,
    RevocationOutcome, RevokeOptions, Suspension, TokenProvider, UpdateToken,
};
#[doc(inline)]
pub use query::{Direction, Filter, Query, SortKey};
#[doc(inline)]
pub use workflow::{ExactlyOnce, RevocationPlan, TokenList, TokenProviderExt};
