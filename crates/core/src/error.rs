//! The error that every operation returns, and its parts.

mod account;
mod cause;
mod display;
mod fate;
mod invisible;
mod kind;
mod operation;
mod predicates;
mod redaction;
mod serialized;
mod suggestion;

pub use account::Account;
pub use cause::cause_text;
pub use fate::Fate;
pub use invisible::is_invisible;
pub use kind::ErrorKind;
pub use operation::Operation;
pub(crate) use redaction::{
    contains_credential, is_credential_like, is_marker, mask_credentials, mask_name,
};
pub(crate) use suggestion::is_near;
pub use suggestion::{did_you_mean, quoted};

use std::sync::Arc;
use std::time::Duration;

use redaction::{mask_secrets, sanitize_code, sanitize_message, single_line};

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = dyn std::error::Error + Send + Sync + 'static;

/// The error that every operation returns: what failed, for which account, what the platform said
/// and what to do next.
///
/// Its `Display` is one line without a body, a query string or a credential. Branch on
/// [`kind`](Self::kind) and [`fate`](Self::fate), never on the text.
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
///     "infra (foreman): create failed: the name is taken (HTTP 422); \
///      choose another name: Foreman never frees one",
/// );
/// assert!(!error.may_have_applied());
/// ```
///
/// It can be cloned, so that one failure can be reported to every caller that it affects. Its
/// `Debug` is the same line, which is what a `main` that returns it prints; `{:#?}` shows the
/// parts. Two errors are equal if they say the same; their [sources](std::error::Error::source) are
/// not compared.
#[derive(Clone)]
pub struct Error(Box<Details>);

/// The parts of an error; boxed, so that a `Result` stays small.
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
    response_too_large: bool,
    is_in_own_form: bool,
    source: Option<Arc<Source>>,
    /// The ids of the tokens that the call left behind.
    left_behind: Vec<String>,
    /// The id of the intent in the journal.
    intent: Option<String>,
}

impl Error {
    /// Creates an error. The message says what failed, in lower case and without a full stop.
    pub fn new(kind: ErrorKind, fate: Fate, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            fate,
            message: single_line(message.into()),
            operation: None,
            account: None,
            status: None,
            code: None,
            platform_message: None,
            retry_after: None,
            attempts: 0,
            elapsed: None,
            advice: None,
            response_too_large: false,
            is_in_own_form: false,
            source: None,
            left_behind: Vec::new(),
            intent: None,
        }))
    }

    /// Creates an error for an invalid argument, found before anything was sent.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, Fate::NotSent, message)
    }

    /// Creates an error for an operation or argument that the platform does not support, found
    /// before anything was sent.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, Fate::NotSent, message)
    }

    /// Creates an error for an invalid configuration, found before anything was sent.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, Fate::NotSent, message)
    }

    /// Creates an error for a response that breaks the platform's own rules.
    pub fn protocol_violation(fate: Fate, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ProtocolViolation, fate, message)
    }

    /// Creates an error for a response that is larger than the caller reads: `message` says in
    /// which measure, such as bytes.
    ///
    /// It is the platform's right to send one, so the kind is [`LimitExceeded`](ErrorKind). For a
    /// page of a listing the remedy is a smaller page, which the listing engine requests itself.
    pub fn response_too_large(fate: Fate, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::LimitExceeded, fate, message);
        error.0.response_too_large = true;
        error
    }

    /// Creates an error for a page position that the platform knows no longer, because its cursors
    /// expire: `message` says what the platform answered.
    ///
    /// [`list_page`](crate::TokenProvider::list_page) returns it for a position other than the
    /// first. A listing then begins anew at the first page, a few times, and yields no token twice.
    /// An adapter over HTTP gets the same by naming
    /// [`ErrorKind::InvalidCursor`] for the status or the code of its platform.
    pub fn cursor_expired(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidCursor, Fate::Rejected, message)
            .with_advice("start the listing again without a cursor")
    }

    /// Sets the account, unless one is set already.
    #[must_use]
    pub fn with_account(mut self, account: &Account) -> Self {
        self.0.account.get_or_insert_with(|| account.clone());
        self
    }

    /// Sets the operation, unless one is set already.
    #[must_use]
    pub fn with_operation(mut self, operation: Operation) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Replaces the operation, for a request that was part of a larger one.
    #[must_use]
    pub fn for_operation(mut self, operation: Operation) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Sets the HTTP status of the response.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Sets the platform's own error code, with the given secrets masked.
    ///
    /// Text that does not look like a code is dropped: a code has at most 64 letters, digits,
    /// underscores, hyphens, dots and colons, and does not look like a credential.
    #[must_use]
    pub fn with_code(mut self, text: &str, secrets: &[&str]) -> Self {
        self.0.code = sanitize_code(text, secrets);
        self
    }

    /// Sets the platform's own message, cut to one line, with the given secrets and everything that
    /// looks like one masked.
    #[must_use]
    pub fn with_platform_message(mut self, message: &str, secrets: &[&str]) -> Self {
        let message = sanitize_message(message, secrets);
        self.0.platform_message = (!message.is_empty()).then_some(message);
        self
    }

    /// States whether the response has the form that the platform documents for its errors, and no
    /// other.
    #[must_use]
    pub fn with_own_form(mut self, is_own: bool) -> Self {
        self.0.is_in_own_form = is_own;
        self
    }

    /// Sets the delay that the platform asks for.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Sets the number of requests that were sent for this call.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Sets the duration of the call, including the time spent waiting.
    #[must_use]
    pub fn with_elapsed(mut self, elapsed: Duration) -> Self {
        self.0.elapsed = Some(elapsed);
        self
    }

    /// Sets the advice: what to do next.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(single_line(advice.into()));
        self
    }

    /// Sets the underlying error. Its text must not contain a URL, a body or a credential.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<Source>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Adds the ids of tokens that the call left behind: they are or may be active, and nobody has
    /// their secret.
    #[must_use]
    pub fn with_left_behind<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.0.left_behind.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Sets the id of the [`Intent`](crate::journal::Intent) that was recorded for the call, unless
    /// one is set already.
    #[must_use]
    pub fn with_intent(mut self, id: &str) -> Self {
        self.0.intent.get_or_insert_with(|| id.to_owned());
        self
    }

    /// Sets the id of the intent of a later write, whose fate the error takes over.
    #[must_use]
    pub(crate) fn with_intent_of_last_write(mut self, id: &str) -> Self {
        self.0.intent = Some(id.to_owned());
        self
    }

    /// Masks the given secrets in the message, which may quote what a server sent.
    #[must_use]
    pub fn with_secrets_masked(mut self, secrets: &[&str]) -> Self {
        self.0.message = mask_secrets(&self.0.message, secrets);
        self
    }

    /// Puts a location before the message, such as a line of a configuration.
    #[must_use]
    pub fn with_message_prefix(mut self, location: &str) -> Self {
        self.0.message = single_line(format!("{location}: {}", self.0.message));
        self
    }

    /// Replaces the kind, for a provider that knows more than the HTTP status says.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Replaces the fate, for a provider that knows more than the transport.
    #[must_use]
    pub fn with_fate(mut self, fate: Fate) -> Self {
        self.0.fate = fate;
        self
    }

    /// Returns the category of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the effect that the call may have had on the platform.
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.0.fate
    }

    /// Returns the operation that failed.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// Returns the account whose call failed.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        self.0.account.as_ref()
    }

    /// Returns the HTTP status of the response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns the platform's own error code, such as `DeniedAccess`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Returns the platform's own message, on one line and masked.
    #[must_use]
    pub fn platform_message(&self) -> Option<&str> {
        self.0.platform_message.as_deref()
    }

    /// Returns the delay that the platform asks for before the next request.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the advice: what to do next, if that is known.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// Returns the ids of the tokens that the call left behind: they are or may be active, and
    /// nobody has their secret. Revoke them.
    ///
    /// The ids are what the platform sent, so mask what looks like a secret before you show one.
    /// They are part neither of the text of the error nor of its serialised form. A
    /// [`Journal`](crate::journal::Journal) gets them with the outcome.
    #[must_use]
    pub fn left_behind(&self) -> &[String] {
        &self.0.left_behind
    }

    /// Returns the id of the [`Intent`](crate::journal::Intent) of the call, if it was recorded.
    #[must_use]
    pub fn intent(&self) -> Option<&str> {
        self.0.intent.as_deref()
    }

    /// Returns the number of requests that were sent for this call.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns the duration of the call, including the time spent waiting, if it was measured.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.said() == other.said()
    }
}

impl Error {
    /// Returns everything that the error says. Its source, the tokens that it left behind and its
    /// intent are no part of it.
    fn said(&self) -> impl PartialEq + '_ {
        let details = &*self.0;
        (
            details.kind,
            details.fate,
            &details.message,
            details.operation,
            &details.account,
            details.status,
            &details.code,
            &details.platform_message,
            details.retry_after,
            details.attempts,
            details.elapsed,
            &details.advice,
        )
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
