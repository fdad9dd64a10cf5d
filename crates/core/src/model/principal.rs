//! Whom a token acts for, and who made it.

use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A user, an application or whatever else owns or makes tokens. Cheap to clone: many tokens have the same.
///
/// ```
/// use tokenfleet_core::model::Principal;
///
/// let owner = Principal::new("575ec7417ae143cd83dc4a95").with_kind("user".to_owned());
/// assert_eq!((owner.id(), owner.kind(), owner.name()), ("575ec7417ae143cd83dc4a95", Some("user"), None));
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
    /// A principal by id.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(Arc::new(Parts {
            kind: None,
            id: id.into(),
            name: None,
        }))
    }

    /// Of that kind, if the platform says.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<Option<String>>) -> Self {
        Arc::make_mut(&mut self.0).kind = kind.into();
        self
    }

    /// Of that name, if the platform says.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Option<String>>) -> Self {
        Arc::make_mut(&mut self.0).name = name.into();
        self
    }

    /// Its id at the platform.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// What it is, in the platform's words: `user`, `application`, `flow`; `None` where it does not say.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.0.kind.as_deref()
    }

    /// Its name, where the platform gives one.
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
