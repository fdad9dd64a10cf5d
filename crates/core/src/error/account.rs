//! The names of an account, of its provider, and of the place that its tokens are in.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of an account, of its provider, and of the place that its tokens are in.
///
/// It is cheap to clone, because every error and every cursor carries one. It contains no
/// credential.
///
/// Two accounts with the same name may reach different platforms, as in the configurations of
/// staging and production. The [`place`](Self::place) tells them apart: a plan that was made in one
/// place is not carried out in another (decision 0014).
///
/// ```
/// use tokenfleet_core::Account;
///
/// let account = Account::new("losant", "iot").with_place("https://api.losant.com/me/tokens");
/// assert_eq!(account.to_string(), "iot (losant)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    name: Arc<str>,
    provider: Arc<str>,
    place: Option<Arc<str>>,
}

impl Account {
    /// Names the account `name` of the provider `provider` (lower case, such as `foreman`).
    #[must_use]
    pub fn new(provider: &str, name: &str) -> Self {
        Self {
            name: name.into(),
            provider: provider.into(),
            place: None,
        }
    }

    /// Sets the place: the address of the platform and the owner of the tokens there, such as the
    /// URL of the collection. It contains no credential.
    #[must_use]
    pub fn with_place(mut self, place: &str) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Returns the place that the tokens of this account are in, if the adapter names one.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
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

/// Serialises the account as an object with `name`, `provider` and `place`.
impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Account", 3)?;
        fields.serialize_field("name", self.name())?;
        fields.serialize_field("provider", self.provider())?;
        fields.serialize_field("place", &self.place())?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            name: String,
            provider: String,
            place: Option<String>,
        }
        let Parts {
            name,
            provider,
            place,
        } = Parts::deserialize(deserializer)?;
        let account = Self::new(&provider, &name);
        Ok(match place {
            Some(place) => account.with_place(&place),
            None => account,
        })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.provider)
    }
}
