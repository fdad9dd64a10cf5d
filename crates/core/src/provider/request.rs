//! What a caller asks for when creating, changing or revoking a token.

use crate::model::Timestamp;

/// A token to be made. Every argument that a platform does not take is refused before anything is sent.
///
/// ```
/// use std::time::Duration;
/// use tokenfleet_core::{CreateToken, RequestedExpiry, Timestamp};
///
/// let in_a_month = Timestamp::now().saturating_add(Duration::from_secs(30 * 86_400));
/// let request = CreateToken::new("ci").with_expiry(in_a_month).with_scope("all.User.read");
/// assert_eq!(request.expiry, RequestedExpiry::At(in_a_month));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CreateToken {
    /// The name that people will know it by.
    pub name: Option<String>,
    /// A longer text.
    pub description: Option<String>,
    /// When it shall stop working.
    pub expiry: RequestedExpiry,
    /// What it may do, in the platform's words; `None` leaves it to the platform.
    pub scopes: Option<Vec<String>>,
    /// Make it suspended, to be resumed when it is needed.
    pub suspended: bool,
}

/// When a token to be made shall stop working.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RequestedExpiry {
    /// As the platform does when nothing is said: never on Losant and Foreman.
    #[default]
    PlatformDefault,
    /// At this time.
    At(Timestamp),
    /// Never, said on purpose.
    Never,
}

impl CreateToken {
    /// A token without a name, for platforms that give none.
    #[must_use]
    pub fn unnamed() -> Self {
        Self::default()
    }

    /// A token of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// With a longer text.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Stopping at that time.
    #[must_use]
    pub fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expiry = RequestedExpiry::At(at);
        self
    }

    /// Never stopping.
    #[must_use]
    pub fn without_expiry(mut self) -> Self {
        self.expiry = RequestedExpiry::Never;
        self
    }

    /// With one more scope.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.get_or_insert_default().push(scope.into());
        self
    }

    /// Suspended from the start.
    #[must_use]
    pub fn with_suspended(mut self) -> Self {
        self.suspended = true;
        self
    }
}

/// A change of a token: what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UpdateToken {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// Switch it off or on again.
    pub suspension: Option<Suspension>,
}

/// Switching a token off and on again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspension {
    /// It stops working until it is resumed.
    Suspend,
    /// It works again.
    Resume,
}

impl UpdateToken {
    /// Gives it another name.
    #[must_use]
    pub fn rename(name: impl Into<String>) -> Self {
        Self::default().with_name(name)
    }

    /// Switches it off.
    #[must_use]
    pub fn suspend() -> Self {
        Self {
            suspension: Some(Suspension::Suspend),
            ..Self::default()
        }
    }

    /// Switches it on again.
    #[must_use]
    pub fn resume() -> Self {
        Self {
            suspension: Some(Suspension::Resume),
            ..Self::default()
        }
    }

    /// And gives it another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// And gives it another description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

/// What a caller accepts when revoking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RevokeOptions {
    /// Revoke by replacing, where a platform has no other way: the old secret dies, a new one is issued and returned.
    pub accept_replacement: bool,
}

impl RevokeOptions {
    /// Accepts that the secret is replaced where it cannot simply be killed.
    #[must_use]
    pub fn accept_replacement() -> Self {
        Self {
            accept_replacement: true,
        }
    }
}
