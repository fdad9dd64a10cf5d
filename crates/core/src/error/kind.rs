//! The kinds of errors.

/// The category of an [`Error`](crate::Error), to branch on.
///
/// | kind | what to do |
/// | --- | --- |
/// | `InvalidInput` | correct the argument that the message names; nothing was sent |
/// | `Configuration` | correct the configuration; nothing was sent |
/// | `Unsupported` | the platform cannot do this; see its [`Capabilities`](crate::Capabilities) |
/// | `Unauthenticated` | replace the account's credential: it is wrong, expired or revoked |
/// | `PermissionDenied` | grant the account's credential the missing scope or role |
/// | `NotFound` | the token, user or resource does not exist, or this credential cannot see it |
/// | `Conflict` | choose another name, or make room: the name is taken or the account is full |
/// | `RateLimited` | wait for [`Error::retry_after`](crate::Error::retry_after), then retry |
/// | `Unavailable` | retry later, if [`Error::is_retryable`](crate::Error::is_retryable) |
/// | `Timeout`, `Connection` | check [`Error::fate`](crate::Error::fate) before retrying |
/// | `ProtocolViolation` | report it: the platform's response breaks its own rules |
/// | `LimitExceeded` | raise the limit that the caller set, or narrow the query |
/// | `InvalidCursor` | start the listing again: the cursor is damaged, expired or foreign |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is invalid.
    InvalidInput,
    /// The configuration is invalid.
    Configuration,
    /// The platform does not support the operation or an argument of it.
    Unsupported,
    /// The platform does not accept the credential that the account authenticates with.
    Unauthenticated,
    /// The credential that the account authenticates with lacks a permission.
    PermissionDenied,
    /// The resource does not exist.
    NotFound,
    /// The request conflicts with an existing resource.
    Conflict,
    /// The platform received too many requests.
    RateLimited,
    /// The platform failed, or is down for maintenance.
    Unavailable,
    /// No response arrived in time.
    Timeout,
    /// The connection failed.
    Connection,
    /// The response breaks the platform's own rules.
    ProtocolViolation,
    /// The call needs more work than the caller allowed.
    LimitExceeded,
    /// The cursor cannot be used for this listing.
    InvalidCursor,
    /// Any other failure.
    Other,
}

impl ErrorKind {
    /// All kinds.
    pub(crate) const ALL: [Self; 15] = [
        Self::InvalidInput,
        Self::Configuration,
        Self::Unsupported,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::Conflict,
        Self::RateLimited,
        Self::Unavailable,
        Self::Timeout,
        Self::Connection,
        Self::ProtocolViolation,
        Self::LimitExceeded,
        Self::InvalidCursor,
        Self::Other,
    ];

    /// Returns the kind in snake case, as it appears in the program's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::Configuration => "configuration",
            Self::Unsupported => "unsupported",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::ProtocolViolation => "protocol_violation",
            Self::LimitExceeded => "limit_exceeded",
            Self::InvalidCursor => "invalid_cursor",
            Self::Other => "other",
        }
    }

    /// Returns `true` if such a failure usually passes by itself: a rate limit, an outage, a
    /// timeout or a lost connection.
    ///
    /// It does not say that a retry is safe: see
    /// [`Error::is_retryable`](crate::Error::is_retryable).
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::Unavailable | Self::Timeout | Self::Connection
        )
    }
}
