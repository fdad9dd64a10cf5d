//! Which account of which provider something belongs to.

use std::fmt;
use std::sync::Arc;

/// One set of credentials at one provider, by the names people use for them.
///
/// Cheap to clone: every error and every cursor carries one. It holds no credential.
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

    /// The provider's name, such as `cloudsmith`.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The account's name, chosen by whoever configured it.
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
