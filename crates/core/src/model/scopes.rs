//! The scopes of a token.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The scopes of a token, in the platform's own words and order.
///
/// They are cheap to clone, because many tokens share the same ones.
///
/// ```
/// use tokenfleet_core::model::Scopes;
///
/// let scopes = Scopes::from(vec!["all.Application.read".to_owned()]);
/// assert!(scopes.iter().any(|scope| scope == "all.Application.read"));
/// assert_eq!(scopes.len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scopes(Arc<[String]>);

impl From<Vec<String>> for Scopes {
    fn from(scopes: Vec<String>) -> Self {
        Self(scopes.into())
    }
}

impl Deref for Scopes {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
