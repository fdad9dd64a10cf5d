//! The journal of writes: each is recorded before it is sent, and again when its outcome is known.
//!
//! Implement [`Journal`] to keep such a record, and wrap a provider in [`Journaled`]. Whatever
//! calls the provider then needs to know nothing about it.

pub use crate::provider::{
    Effect, Intent, Journal, Journaled, OperationId, Outcome, Resolution, Run,
};
