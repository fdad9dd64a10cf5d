//! The user that a credential belongs to.

/// The user that a credential belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The user's name in URLs.
    pub slug: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
}
