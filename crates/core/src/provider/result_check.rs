//! The check of an adapter's result against the request (law 6, decision 0015).
//!
//! A field that the platform does not report contradicts nothing, except the state after a
//! suspension: nobody would look at a token again that is said to be suspended.

mod created;
mod differences;
mod ids;
mod renewed;
mod revoked;
mod updated;
mod violation;

pub(super) use self::created::check_created;
pub(super) use self::ids::{check_id, check_identity};
pub(super) use self::renewed::{check_renewed, check_rotated};
pub(super) use self::revoked::{check_gone, check_revoked};
pub(super) use self::updated::check_updated;

#[cfg(test)]
mod tests;
