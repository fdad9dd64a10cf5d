//! The model of tokenfleet: tokens, the interface to the platforms that issue them, and listings
//! that never silently drop one.
//!
//! Applications depend on the crate `tokenfleet`, which re-exports this one. Depend on this crate
//! alone to write an adapter for another platform: implement [`Adapter`](adapter::Adapter) and run
//! the conformance suite (crate `tokenfleet-conformance`) against it.
//!
//! | to … | look at |
//! | --- | --- |
//! | use a provider | [`TokenProvider`], [`TokenProviderExt`], [`Capabilities`] |
//! | list tokens | [`Query`], [`Filter`], [`SortKey`], [`Listing`], [`TokenList`] |
//! | know whether a listing is complete | [`Completeness`], [`PartialReason`] |
//! | resume a listing | [`Cursor`] |
//! | read a token | [`Token`], [`TokenState`], [`Fact`], [`Timestamp`], [`model`] |
//! | create and update tokens | [`CreateToken`], [`IssuedToken`], [`Secret`], [`UpdateToken`] |
//! | revoke and verify secrets | [`TokenRef`], [`RevokeOptions`], [`Revocation`], [`Liveness`] |
//! | create a token exactly once | [`ExactlyOnce`] |
//! | revoke many tokens | [`RevocationPlan`], [`workflow`] |
//! | handle failure | [`Error`], [`ErrorKind`], [`Fate`] |
//! | record every write, or refuse all | [`journal`], [`ReadOnly`] |
//! | configure accounts | [`Credential`], [`config`] |
//! | write an adapter | [`adapter`], [`capability`] |
//!
//! Six types describe what happened: [`Fate`] is the effect that a failed call may have had,
//! [`RevocationOutcome`] says whether this call or an earlier one revoked the secret,
//! [`RevocationEffect`] is what became of its record,
//! [`RevocationVerdict`](workflow::RevocationVerdict) is the result for one token of a bulk
//! revocation, [`Liveness`] says whether a secret still authenticates, and
//! [`Reconciliation`](workflow::Reconciliation) says whether a write with an unknown outcome was
//! applied.
//!
//! This crate sends no HTTP and depends on no async runtime. Where it has to wait, it waits through
//! a [`Timer`](workflow::Timer) that the caller provides.
//!
//! Decisions are in `docs/decisions` of the source tree.

pub mod adapter;
pub mod capability;
pub mod config;
mod error;
pub mod journal;
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
    Fact, Identity, IssuedToken, RenewedToken, Secret, Timestamp, Token, TokenId, TokenRef,
    TokenState,
};
pub use provider::{
    Capabilities, CreateToken, Liveness, ReadOnly, RequestedExpiry, Revocation, RevocationEffect,
    RevocationOutcome, RevokeOptions, SecretShape, Suspension, TokenProvider, UpdateToken,
};
#[doc(inline)]
pub use query::{Direction, Filter, Query, SortKey};
#[doc(inline)]
pub use workflow::{ExactlyOnce, RevocationPlan, TokenList, TokenProviderExt};
