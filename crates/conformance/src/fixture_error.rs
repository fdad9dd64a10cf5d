//! The reason why a fixture cannot be had.

use std::error::Error;
use std::fmt;

/// The reason why a fixture could not be built, such as a server that does not respond.
///
/// Every error converts into it, so `?` works in a function that builds a fixture. The text is
/// printed and must hold no secret.
///
/// ```
/// use tokenfleet_conformance::FixtureError;
///
/// fn port() -> Result<u16, FixtureError> {
///     let text = std::env::var("HUB_PORT").unwrap_or_else(|_| "8000".to_owned());
///     let port = text.parse()?;
///     if port < 1024 {
///         return Err(FixtureError::new("HUB_PORT is a port of the system"));
///     }
///     Ok(port)
/// }
/// # assert_eq!(port().unwrap(), 8000);
/// ```
// Not an `Error`, because the conversion from every `Error` would then overlap with itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureError(String);

impl FixtureError {
    /// Creates an error with this reason.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for FixtureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: Error> From<E> for FixtureError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}
