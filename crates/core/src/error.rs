//! The one error of every operation.

mod account;
mod operation;
mod redaction;
mod suggestion;

pub use account::Account;
pub use operation::Operation;
pub(crate) use redaction::holds_a_credential;
pub use suggestion::did_you_mean;
pub(crate) use suggestion::is_near;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redaction::{code, one_line, without_breaks};

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in one word to branch on.
///
/// | kind | what to do |
/// | --- | --- |
/// | `InvalidInput` | mend the argument that the message names; nothing was sent |
/// | `Configuration` | mend the configuration; nothing was sent |
/// | `Unsupported` | the platform cannot do this; look at its [`Capabilities`](crate::Capabilities) |
/// | `Unauthenticated` | the acting credential is wrong, expired or revoked: replace it |
/// | `PermissionDenied` | the acting credential is alive but may not do this: give it the scope or role |
/// | `NotFound` | the token, user or resource does not exist, or is hidden from this credential |
/// | `Conflict` | the name is taken or the only place is full |
/// | `RateLimited` | wait for [`Error::retry_after`] |
/// | `Unavailable` | the platform is out of order: try again later, unless [`Error::may_have_applied`] |
/// | `Timeout`, `Connection` | the network failed: look at [`Error::fate`] before trying again |
/// | `ProtocolViolation` | the platform answered against its own rules: report it |
/// | `LimitExceeded` | the work would exceed the bound that the caller set: raise it or narrow the query |
/// | `InvalidCursor` | the cursor belongs elsewhere or is damaged: start anew |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is wrong.
    InvalidInput,
    /// The configuration is wrong.
    Configuration,
    /// The platform does not offer this.
    Unsupported,
    /// The acting credential is not accepted.
    Unauthenticated,
    /// The acting credential lacks a right.
    PermissionDenied,
    /// There is no such thing.
    NotFound,
    /// It clashes with what exists.
    Conflict,
    /// Too many requests.
    RateLimited,
    /// The platform failed.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// The connection failed.
    Connection,
    /// The answer breaks the platform's own rules.
    ProtocolViolation,
    /// More work than the caller allowed.
    LimitExceeded,
    /// The cursor cannot be used here.
    InvalidCursor,
    /// Anything else.
    Other,
}

impl ErrorKind {
    /// The kind in snake case, as in the program's JSON.
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

    /// Whether such a failure passes by itself: the platform was unreachable, out of order or asked to wait.
    ///
    /// Whether repeating does harm is another question, see [`Error::is_retryable`].
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::Unavailable | Self::Timeout | Self::Connection
        )
    }
}

/// Whether a failed call may have changed something at the platform.
///
/// Ordered by how much may have happened, so that several attempts together have the greatest of their fates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// Nothing left this process.
    NotSent,
    /// It was sent and certainly changed nothing: the platform refused it, or it only reads.
    Rejected,
    /// It was sent and may have been carried out. Do not repeat a creation or rotation: find out first.
    MaybeApplied,
}

impl Fate {
    /// The fate in snake case, as in the program's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Rejected => "rejected",
            Self::MaybeApplied => "maybe_applied",
        }
    }
}

type Source = dyn std::error::Error + Send + Sync + 'static;

/// Why an operation failed: what, at which account, what the platform said, and what to do next.
///
/// `Display` is one line without body, query string or credential. Branch on [`kind`](Self::kind) and
/// [`fate`](Self::fate), never on the text.
///
/// ```
/// use tokenfleet_core::{Account, Error, ErrorKind, Fate, Operation};
///
/// let error = Error::new(ErrorKind::Conflict, Fate::Rejected, "the name is taken")
///     .with_account(&Account::new("foreman", "infra"))
///     .with_operation(Operation::Create)
///     .with_status(422)
///     .with_advice("choose another name: Foreman never frees one");
/// assert_eq!(
///     error.to_string(),
///     "infra (foreman): create failed: the name is taken (HTTP 422); choose another name: Foreman never frees one",
/// );
/// assert!(!error.may_have_applied());
/// ```
///
/// It can be cloned, so that one failure can be reported to everybody that it concerns.
#[derive(Clone)]
pub struct Error(Box<Details>);

#[derive(Clone)]
struct Details {
    kind: ErrorKind,
    fate: Fate,
    message: String,
    operation: Option<Operation>,
    account: Option<Account>,
    status: Option<u16>,
    code: Option<String>,
    platform_message: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    elapsed: Option<Duration>,
    advice: Option<String>,
    source: Option<Arc<Source>>,
}

impl Error {
    /// An error of that kind and fate. The message says what failed, in lower case and without a full stop.
    pub fn new(kind: ErrorKind, fate: Fate, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            fate,
            message: without_breaks(message.into()),
            operation: None,
            account: None,
            status: None,
            code: None,
            platform_message: None,
            retry_after: None,
            attempts: 0,
            elapsed: None,
            advice: None,
            source: None,
        }))
    }

    /// A wrong argument, found before anything was sent.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, Fate::NotSent, message)
    }

    /// Something the platform does not offer, found before anything was sent.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, Fate::NotSent, message)
    }

    /// A wrong configuration, found before anything was sent.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, Fate::NotSent, message)
    }

    /// An answer that breaks the platform's own rules.
    pub fn protocol_violation(fate: Fate, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ProtocolViolation, fate, message)
    }

    /// Adds the account, unless one is set.
    #[must_use]
    pub fn with_account(mut self, account: &Account) -> Self {
        self.0.account.get_or_insert_with(|| account.clone());
        self
    }

    /// Adds the operation, unless one is set.
    #[must_use]
    pub fn with_operation(mut self, operation: Operation) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Replaces the operation: the request that failed was part of a larger one.
    #[must_use]
    pub fn for_operation(mut self, operation: Operation) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Adds the HTTP status of the answer.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Adds the platform's own error code with the given secrets masked, unless it does not look like a code at all: at
    /// most 64 letters, digits, underscores, hyphens, dots and colons, and no credential by its looks.
    #[must_use]
    pub fn with_code(mut self, text: &str, secrets: &[&str]) -> Self {
        self.0.code = code(text, secrets);
        self
    }

    /// Adds what the platform said, cut to one line, with the given secrets and all that looks like one masked.
    #[must_use]
    pub fn with_platform_message(mut self, message: &str, secrets: &[&str]) -> Self {
        let message = one_line(message, secrets);
        self.0.platform_message = (!message.is_empty()).then_some(message);
        self
    }

    /// Adds how long the platform asks to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Adds how many requests were sent for this call.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Adds how long the call took, waiting included.
    #[must_use]
    pub fn with_elapsed(mut self, elapsed: Duration) -> Self {
        self.0.elapsed = Some(elapsed);
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(without_breaks(advice.into()));
        self
    }

    /// Adds the underlying error. Its text must hold no URL, body or credential.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<Source>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Says first where the mistake is, such as the place in a configuration.
    #[must_use]
    pub fn with_message_prefix(mut self, place: &str) -> Self {
        self.0.message = without_breaks(format!("{place}: {}", self.0.message));
        self
    }

    /// Replaces the kind, where a provider knows better than the status.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Replaces the fate, where a provider knows better than the transport.
    #[must_use]
    pub fn with_fate(mut self, fate: Fate) -> Self {
        self.0.fate = fate;
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether something may have changed at the platform.
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.0.fate
    }

    /// The operation that failed.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// The account it failed at.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        self.0.account.as_ref()
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The platform's own error code, such as `DeniedAccess`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What the platform said, on one line and masked.
    #[must_use]
    pub fn platform_message(&self) -> Option<&str> {
        self.0.platform_message.as_deref()
    }

    /// How long the platform asks to wait before the next request.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What to do next, if that is known.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// How many requests were sent for this call.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the call took, waiting included, where that was measured.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }

    /// Whether the call may have been carried out although it failed.
    ///
    /// Before repeating a creation look for what it may have left behind; before repeating a rotation check whether
    /// the old secret still works.
    #[must_use]
    pub fn may_have_applied(&self) -> bool {
        self.0.fate == Fate::MaybeApplied
    }

    /// Whether the same call may succeed later without any change, and repeating it cannot do harm.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        !self.may_have_applied() && self.0.kind.is_transient()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = &self.0;
        if let Some(account) = &details.account {
            write!(f, "{account}: ")?;
        }
        if let Some(operation) = details.operation {
            write!(f, "{operation} failed: ")?;
        }
        f.write_str(&details.message)?;
        if let Some(said) = &details.platform_message {
            write!(f, ": \"{said}\"")?;
        }
        match (details.status, &details.code) {
            (Some(status), Some(code)) => write!(f, " (HTTP {status}, {code})")?,
            (Some(status), None) => write!(f, " (HTTP {status})")?,
            (None, Some(code)) => write!(f, " ({code})")?,
            (None, None) => {}
        }
        if details.attempts > 1 {
            write!(f, " after {} attempts", details.attempts)?;
            if let Some(elapsed) = details.elapsed {
                write!(f, " in {:.1} s", elapsed.as_secs_f64())?;
            }
        }
        if details.fate == Fate::MaybeApplied {
            f.write_str("; it may have been carried out all the same")?;
        }
        if let Some(wait) = details.retry_after {
            write!(f, "; the platform asks to wait {} s", wait.as_secs())?;
        }
        if let Some(advice) = &details.advice {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("fate", &self.0.fate)
            .field("text", &self.to_string())
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_stays_on_one_line_whatever_its_parts_name() {
        let error = Error::new(ErrorKind::Other, Fate::Rejected, "token 1\r\n2 failed")
            .with_message_prefix("a\nb")
            .with_advice("revoke token 1\u{1b}[2J\n2");
        assert!(!error.to_string().contains(char::is_control));
    }

    #[test]
    fn an_error_that_survived_retries_says_how_often_and_how_long() {
        let tried = |attempts| {
            Error::new(ErrorKind::Unavailable, Fate::Rejected, "out of order")
                .with_attempts(attempts)
                .with_elapsed(Duration::from_millis(12_340))
        };
        assert_eq!(
            tried(4).to_string(),
            "out of order after 4 attempts in 12.3 s"
        );
        assert_eq!(tried(1).to_string(), "out of order");
        assert_eq!(tried(1).elapsed(), Some(Duration::from_millis(12_340)));
    }

    #[test]
    fn several_attempts_together_have_the_greatest_of_their_fates() {
        assert!(Fate::NotSent < Fate::Rejected);
        assert!(Fate::Rejected < Fate::MaybeApplied);
    }
}
