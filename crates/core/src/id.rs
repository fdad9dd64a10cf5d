//! How a token is named at its provider.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::Secret;

/// The id of a token: opaque, unique within its account, never a secret. Cheap to clone.
///
/// Platforms without ids get a fingerprint of the secret instead. Ids are ordered by length and then by bytes, which
/// is the numeric order for decimal ids and the order of creation for hexadecimal ones.
///
/// ```
/// use tokenfleet_core::TokenId;
///
/// assert!(TokenId::new("9") < TokenId::new("10"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenId(Arc<str>);

impl TokenId {
    /// Wraps an id as the platform spells it.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id as the platform spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Ord for TokenId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .len()
            .cmp(&other.0.len())
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for TokenId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which token an operation means: by its id, or by the secret itself where a platform knows no other handle.
///
/// [`Capabilities`](crate::Capabilities) say which of the two a platform takes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum TokenRef<'a> {
    /// By the id that a listing or a creation returned.
    Id(&'a TokenId),
    /// By the credential.
    Secret(&'a Secret),
}

impl<'a> From<&'a TokenId> for TokenRef<'a> {
    fn from(id: &'a TokenId) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<&'a Secret> for TokenRef<'a> {
    fn from(secret: &'a Secret) -> Self {
        Self::Secret(secret)
    }
}
