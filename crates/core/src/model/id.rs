//! How a token is named at its provider.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::model::Secret;

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
#[derive(Clone)]
pub struct TokenId(Spelling);

/// A long listing has as many ids as tokens: those of most platforms need no place of their own.
#[derive(Clone)]
enum Spelling {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Arc<str>),
}

/// The longest id that is kept in place, in bytes.
const SHORT: usize = 30;

impl TokenId {
    /// Wraps an id as the platform spells it.
    #[must_use]
    pub fn new(id: impl AsRef<str>) -> Self {
        let id = id.as_ref();
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..id.len()), u8::try_from(id.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(id.as_bytes());
                Self(Spelling::Short { length, bytes })
            }
            _ => Self(Spelling::Long(id.into())),
        }
    }

    /// The id as the platform spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It was made of a text.
            Spelling::Short { .. } => str::from_utf8(self.bytes()).unwrap_or_default(),
            Spelling::Long(id) => id,
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Spelling::Short { length, bytes } => {
                bytes.get(..usize::from(*length)).unwrap_or_default()
            }
            Spelling::Long(id) => id.as_bytes(),
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
        self.bytes() == other.bytes()
    }
}

impl Eq for TokenId {}

impl Hash for TokenId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl Ord for TokenId {
    fn cmp(&self, other: &Self) -> Ordering {
        let (these, those) = (self.bytes(), other.bytes());
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

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use proptest::prelude::*;

    use super::*;

    /// As short and as long as can be kept in place, and beyond.
    fn ids() -> impl Strategy<Value = String> {
        prop_oneof!["[0-9]{0,3}", "[a-cé]{28,33}", "\\PC{0,40}"]
    }

    proptest! {
        #[test]
        fn an_id_is_what_its_text_is_however_long(one in ids(), other in ids()) {
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
