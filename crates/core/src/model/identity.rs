//! The principal that an account acts as.

use serde::Serialize;

use crate::model::{Fact, Principal};

/// The principal that an account acts as, as its platform describes it.
///
/// Serialised, it is an object with `kind`, `id`, `name` and `email`.
///
/// ```
/// use tokenfleet_core::model::Principal;
/// use tokenfleet_core::{Fact, Identity};
///
/// let identity = Identity::new(Principal::new("4").with_kind("user".to_owned()));
/// assert_eq!(identity.principal.id(), "4");
/// assert_eq!(identity.email, Fact::NotReported);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Identity {
    /// The principal: its id, and its kind and name if the platform reports them.
    #[serde(flatten)]
    pub principal: Principal,
    /// The e-mail address.
    pub email: Fact<String>,
}

impl Identity {
    /// Creates an identity without an e-mail address.
    #[must_use]
    pub fn new(principal: Principal) -> Self {
        Self {
            principal,
            email: Fact::NotReported,
        }
    }

    /// Sets the e-mail address.
    #[must_use]
    pub fn with_email(mut self, email: Fact<String>) -> Self {
        self.email = email;
        self
    }
}
