//! The requests to create, update and revoke a token.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;
use crate::provider::{ArgumentValue, OperationId};

/// A request to create a token.
///
/// An argument that the platform does not support is rejected before anything is sent.
///
/// Serialised, it is an object with a key for each field. Deserialised, it is equal to the request
/// that was serialised (decision 0026). A key that a later version adds is refused: without it, the
/// token would not be what was requested.
///
/// ```
/// use std::time::Duration;
/// use tokenfleet_core::{CreateToken, RequestedExpiry};
///
/// let month = Duration::from_secs(30 * 86_400);
/// let request = CreateToken::new("ci").with_lifetime(month).with_scope("all.User.read");
/// assert_eq!(request.expiry, RequestedExpiry::In(month));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CreateToken {
    /// The name of the token.
    pub name: Option<String>,
    /// A longer description of the token.
    pub description: Option<String>,
    /// The expiry of the token.
    pub expiry: RequestedExpiry,
    /// The scopes, in the platform's own words; `None` leaves them to the platform.
    pub scopes: Option<Vec<String>>,
    /// `true` to create the token suspended, to be resumed when it is needed.
    pub suspended: bool,
    /// The arguments that only this platform has, in its own words.
    pub arguments: BTreeMap<String, ArgumentValue>,
    /// The operation that the creation is a part of. It is recorded and not sent.
    pub operation_id: Option<OperationId>,
}

/// The expiry of a token to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequestedExpiry {
    /// The platform's default. On Losant and Foreman, the token then never expires.
    #[default]
    PlatformDefault,
    /// The token expires at this time. On a platform that takes lifetimes, the difference to the
    /// clock of this machine is sent.
    At(Timestamp),
    /// The token expires this long after its creation. On a platform that takes times, the time is
    /// computed by the clock of this machine. Fractions of a second are dropped.
    In(Duration),
    /// The token never expires, by explicit choice.
    Never,
}

impl RequestedExpiry {
    /// Returns the lifetime in whole seconds, or `None` if no lifetime is requested.
    ///
    /// An adapter that declares [`with_lifetime`] sends this.
    ///
    /// [`with_lifetime`]: crate::capability::CreateCapability::with_lifetime
    #[must_use]
    pub fn lifetime_seconds(self) -> Option<u64> {
        match self {
            Self::In(lifetime) => Some(lifetime.as_secs()),
            _ => None,
        }
    }
}

impl CreateToken {
    /// Creates a request for a token without a name, for platforms that have no names.
    #[must_use]
    pub fn unnamed() -> Self {
        Self::default()
    }

    /// Creates a request for a token with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the expiry.
    #[must_use]
    pub fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expiry = RequestedExpiry::At(at);
        self
    }

    /// Sets the expiry to this long after the creation.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.expiry = RequestedExpiry::In(lifetime);
        self
    }

    /// Requests a token that never expires.
    #[must_use]
    pub fn without_expiry(mut self) -> Self {
        self.expiry = RequestedExpiry::Never;
        self
    }

    /// Adds a scope.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.get_or_insert_default().push(scope.into());
        self
    }

    /// Requests a token that is suspended from the start.
    #[must_use]
    pub fn with_suspended(mut self) -> Self {
        self.suspended = true;
        self
    }

    /// Sets an argument that only this platform has.
    ///
    /// The adapter declares its name and its values, as [`CreateCapability::arguments`] lists them.
    ///
    /// [`CreateCapability::arguments`]: crate::capability::CreateCapability::arguments
    #[must_use]
    pub fn with_argument(
        mut self,
        name: impl Into<String>,
        value: impl Into<ArgumentValue>,
    ) -> Self {
        self.arguments.insert(name.into(), value.into());
        self
    }

    /// Makes the creation a part of an operation, for the [`journal`](crate::journal).
    #[must_use]
    pub fn with_operation_id(mut self, id: OperationId) -> Self {
        self.operation_id = Some(id);
        self
    }

    /// Returns an argument that only this platform has.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&ArgumentValue> {
        self.arguments.get(name)
    }
}

/// A request to update a token; a field that is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UpdateToken {
    /// The new name.
    pub name: Option<String>,
    /// The new description.
    pub description: Option<String>,
    /// The change of its suspension.
    pub suspension: Option<Suspension>,
    /// The operation that the change is a part of. It is recorded and not sent.
    pub operation_id: Option<OperationId>,
}

/// A change of the suspension of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspension {
    /// Suspends the token: it stops working until it is resumed.
    Suspend,
    /// Resumes the token: it works again.
    Resume,
}

impl UpdateToken {
    /// Creates a request to rename a token.
    #[must_use]
    pub fn rename(name: impl Into<String>) -> Self {
        Self::default().with_name(name)
    }

    /// Creates a request to suspend a token.
    #[must_use]
    pub fn suspend() -> Self {
        Self {
            suspension: Some(Suspension::Suspend),
            ..Self::default()
        }
    }

    /// Creates a request to resume a token.
    #[must_use]
    pub fn resume() -> Self {
        Self {
            suspension: Some(Suspension::Resume),
            ..Self::default()
        }
    }

    /// Sets a new name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets a new description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Makes the change a part of an operation, for the [`journal`](crate::journal).
    #[must_use]
    pub fn with_operation_id(mut self, id: OperationId) -> Self {
        self.operation_id = Some(id);
        self
    }
}

/// The options of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RevokeOptions {
    /// `true` to accept a replacement on a platform that has no other way to revoke: the old secret
    /// stops working, and a new one is issued and returned.
    pub accept_replacement: bool,
    /// `true` if the token of this id is known to have existed in this very account, because it was
    /// listed or read there. Only then does "not found" prove that it is gone (decision 0013), and
    /// even then not where the platform [may not show a new token
    /// yet](crate::Capabilities::read_delay).
    pub existed: bool,
    /// `true` to accept that the revocation may revoke other tokens too, on a platform that
    /// [declares](crate::capability::RevokeCapability::cascade) so.
    pub accept_cascade: bool,
    /// The operation that the revocation is a part of. It is recorded and not sent.
    #[serde(skip)]
    pub operation_id: Option<OperationId>,
}

impl RevokeOptions {
    /// Creates options that accept a replacement.
    #[must_use]
    pub fn accept_replacement() -> Self {
        Self {
            accept_replacement: true,
            ..Self::default()
        }
    }

    /// Accepts that the revocation may revoke other tokens too.
    #[must_use]
    pub fn with_cascade_accepted(mut self) -> Self {
        self.accept_cascade = true;
        self
    }

    /// States that the token was listed or read in this very account.
    #[must_use]
    pub fn with_existed(mut self) -> Self {
        self.existed = true;
        self
    }

    /// Makes the revocation a part of an operation, for the [`journal`](crate::journal).
    #[must_use]
    pub fn with_operation_id(mut self, id: OperationId) -> Self {
        self.operation_id = Some(id);
        self
    }
}
