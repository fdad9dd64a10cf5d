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

mod account;
mod asked;
mod attribute;
mod capabilities;
mod check;
mod completeness;
mod credential;
mod cursor;
mod duration;
mod error;
mod exactly_once;
mod explain;
mod extension;
mod fact;
mod filter;
mod id;
mod interner;
mod list_capability;
mod listing;
mod marker;
mod operation;
mod outcome;
mod pace;
mod page;
mod plan;
mod principal;
mod provider;
mod query;
mod reconcile;
mod redact;
mod request;
mod revocation_plan;
mod revoke_many;
mod scopes;
mod secret;
mod seen;
mod settings;
mod sort;
mod still;
mod timestamp;
mod token;
mod walk;
mod window;

pub use account::Account;
pub use attribute::{Attribute, Attributes};
pub use capabilities::{
    Argument, Capabilities, CreateCapability, RenewCapability, RevokeCapability, UpdateCapability,
};
pub use completeness::{Completeness, PartialReason};
pub use credential::{Credential, CredentialSource, is_open_to_others};
pub use cursor::Cursor;
pub use duration::parse_duration;
pub use error::{Error, ErrorKind, Fate, Result};
pub use exactly_once::{ExactlyOnce, Timer};
pub use extension::{TokenList, TokenProviderExt};
pub use fact::Fact;
pub use filter::{Filter, NamePattern, Owner, When};
pub use id::{TokenId, TokenRef};
pub use interner::Interner;
pub use list_capability::{FilterCapability, ListCapability, OrderCapability, Paging};
pub use listing::Listing;
pub use marker::Marker;
pub use operation::{Call, Operation};
pub use outcome::{Liveness, Revocation, RevocationEffect, RevocationOutcome};
pub use page::{Page, PagePosition, PageRequest};
pub use plan::{Plan, Shortcut, Walk};
pub use principal::Principal;
pub use provider::TokenProvider;
pub use query::Query;
pub use reconcile::{Lost, Reconciliation};
pub use request::{CreateToken, RequestedExpiry, RevokeOptions, Suspension, UpdateToken};
pub use revocation_plan::RevocationPlan;
pub use revoke_many::{RevocationVerdict, RevokeMany, RevokeManyOptions};
pub use scopes::Scopes;
pub use secret::Secret;
pub use settings::{Setting, Settings, suggestion};
pub use sort::{Absent, Direction, SortBy, SortKey};
pub use timestamp::{ParseTimestampError, Timestamp};
pub use token::{Field, IssuedToken, RenewedToken, Token, TokenState};
pub use window::Window;
