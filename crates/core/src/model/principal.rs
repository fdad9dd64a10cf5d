//! The owner and the creator of a token.

use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A user, an application or anything else that owns or creates tokens.
///
/// It is cheap to clone, because many tokens share the same one.
///
/// ```
/// use tokenfleet_core::model::Principal;
///
/// let owner = Principal::new("575ec7417ae143cd83dc4a95").with_kind("user".to_owned());
/// assert_eq!(owner.id(), "575ec7417ae143cd83dc4a95");
/// assert_eq!((owner.kind(), owner.name()), (Some("user"), None));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal(Arc<Parts>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
struct Parts {
    kind: Option<String>,
    id: String,
    name: Option<String>,
}

impl Principal {
    /// Creates a principal with this id and nothing else.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(Arc::new(Parts {
            kind: None,
            id: id.into(),
            name: None,
        }))
    }

    /// Sets the kind, if the platform reports one.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<Option<String>>) -> Self {
        Arc::make_mut(&mut self.0).kind = kind.into();
        self
    }

    /// Sets the name, if the platform reports one.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Option<String>>) -> Self {
        Arc::make_mut(&mut self.0).name = name.into();
        self
    }

    /// Returns the id on the platform.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the kind in the platform's own words, such as `user`, `application` or `flow`.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.0.kind.as_deref()
    }

    /// Returns the name, if the platform reports one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
