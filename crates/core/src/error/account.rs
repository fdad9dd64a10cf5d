//! The names of an account and of its provider.

use std::fmt;
use std::sync::Arc;

/// The name of an account and of its provider.
///
/// It is cheap to clone, because every error and every cursor carries one. It contains no
/// credential.
///
/// ```
/// use tokenfleet_core::Account;
///
/// let account = Account::new("losant", "iot");
/// assert_eq!(account.to_string(), "iot (losant)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    name: Arc<str>,
    provider: Arc<str>,
}

impl Account {
    /// Names the account `name` of the provider `provider` (lower case, such as `foreman`).
    #[must_use]
    pub fn new(provider: &str, name: &str) -> Self {
        Self {
            name: name.into(),
            provider: provider.into(),
        }
    }

    /// Returns the name of the provider, such as `cloudsmith`.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the name of the account, as it was configured.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.provider)
    }
}
