//! The id of a token, and the reference to a token by id or secret.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::model::Secret;

/// The id of a token: opaque, unique within its account and never a secret.
///
/// For a platform without ids it is a fingerprint of the secret. Ids are ordered by length and then
/// by bytes, which is numeric order for decimal ids and creation order for hexadecimal ones. An id
/// is cheap to clone.
///
/// ```
/// use tokenfleet_core::TokenId;
///
/// assert!(TokenId::new("9") < TokenId::new("10"));
/// ```
#[derive(Clone)]
pub struct TokenId(Repr);

/// The storage of an id. The ids of most platforms fit in place, which spares a long listing one
/// allocation per token.
#[derive(Clone)]
enum Repr {
    Short { length: u8, bytes: [u8; MAX_SHORT] },
    Long(Arc<str>),
}

/// The length of the longest id that is stored in place, in bytes.
const MAX_SHORT: usize = 30;

impl TokenId {
    /// Wraps an id as the platform writes it.
    #[must_use]
    pub fn new(id: impl AsRef<str>) -> Self {
        let id = id.as_ref();
        let mut bytes = [0; MAX_SHORT];
        match (bytes.get_mut(..id.len()), u8::try_from(id.len())) {
            (Some(prefix), Ok(length)) => {
                prefix.copy_from_slice(id.as_bytes());
                Self(Repr::Short { length, bytes })
            }
            _ => Self(Repr::Long(id.into())),
        }
    }

    /// Returns the id as the platform writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // The bytes were copied from a `str`, so they are always valid UTF-8.
            Repr::Short { .. } => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Repr::Long(id) => id,
        }
    }

    /// Returns the bytes of the id as the platform writes it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Repr::Long(id) => id.as_bytes(),
        }
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenId").field(&self.as_str()).finish()
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl PartialEq for TokenId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for TokenId {}

impl Hash for TokenId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl Ord for TokenId {
    fn cmp(&self, other: &Self) -> Ordering {
        let (these, those) = (self.as_bytes(), other.as_bytes());
        (these.len().cmp(&those.len())).then_with(|| these.cmp(those))
    }
}

impl PartialOrd for TokenId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A reference to a token: its id, or the secret itself for platforms that have no ids.
///
/// [`Capabilities::revoke`](crate::Capabilities::revoke) declares which of the two a platform
/// accepts.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum TokenRef<'a> {
    /// The id, as a listing or a creation returned it.
    Id(&'a TokenId),
    /// The secret itself.
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

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use proptest::prelude::*;

    use super::*;

    /// Generates ids that fit in place, that just do not, and that are much longer.
    fn ids() -> impl Strategy<Value = String> {
        prop_oneof!["[0-9]{0,3}", "[a-cé]{28,33}", "\\PC{0,40}"]
    }

    proptest! {
        #[test]
        fn an_id_behaves_like_its_text_at_any_length(one in ids(), other in ids()) {
            let (a, b) = (TokenId::new(&one), TokenId::new(&other));
            prop_assert_eq!(a.as_str(), &one);
            prop_assert_eq!(format!("{a} {a:?}"), format!("{one} TokenId({one:?})"));
            prop_assert_eq!(a == b, one == other);
            prop_assert_eq!(a.cmp(&b), (one.len(), &one).cmp(&(other.len(), &other)));
            let hasher = std::hash::RandomState::new();
            prop_assert_eq!(hasher.hash_one(&a), hasher.hash_one(TokenId::new(&one)));
        }
    }
}
