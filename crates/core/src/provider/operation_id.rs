//! The id that the writes of one operation share.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// The id that the writes of one operation share: the attempts of a creation and the revocations of
/// what they left, a new token and the revocation of the old one, or the revocations of one plan.
///
/// [`ExactlyOnce`](crate::ExactlyOnce) and [`RevokeMany`](crate::workflow::RevokeMany) choose one
/// unless the request has one. Set it to continue an operation that another process began, or to
/// bind the steps of an operation of your own.
///
/// ```
/// use tokenfleet_core::journal::OperationId;
/// use tokenfleet_core::{CreateToken, RevokeOptions};
///
/// let rotation = OperationId::random();
/// let create = CreateToken::new("ci").with_operation_id(rotation);
/// let revoke_the_old = RevokeOptions::default().with_operation_id(rotation);
/// assert_eq!(create.operation_id, revoke_the_old.operation_id);
/// assert_eq!(rotation.to_string().parse(), Ok(rotation));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(u128);

impl OperationId {
    /// Creates an id of 128 random bits.
    #[must_use]
    pub fn random() -> Self {
        Self(random_bits())
    }
}

/// Returns 128 random bits.
pub(super) fn random_bits() -> u128 {
    // The system seeds the keys of a state once for each thread. What a forked process copies from
    // its parent is told apart by the process and the time.
    let state = RandomState::new();
    let process = (std::process::id(), SystemTime::now());
    let [high, low] = [0, 1].map(|half| u128::from(state.hash_one((half, process))));
    high << 64 | low
}

/// Writes 32 hexadecimal digits.
impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for OperationId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = is_id.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        let error = || Error::invalid_input("not an operation id: expected 32 hexadecimal digits");
        bits.map(Self).ok_or_else(error)
    }
}

impl Serialize for OperationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OperationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
