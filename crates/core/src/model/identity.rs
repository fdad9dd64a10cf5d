//! The principal that an account acts as.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{Fact, Principal};

/// The principal that an account acts as, as its platform describes it.
///
/// Serialised, it is an object with `kind`, `id`, `name`, `email` and `not_reported`, which lists
/// `email` if the platform does not report it (decision 0026). It is read back equal.
///
/// ```
/// use tokenfleet_core::model::Principal;
/// use tokenfleet_core::{Fact, Identity};
///
/// let identity = Identity::new(Principal::new("4").with_kind("user".to_owned()));
/// assert_eq!(identity.principal.id(), "4");
/// assert_eq!(identity.email, Fact::NotReported);
/// let json = serde_json::to_string(&identity)?;
/// assert_eq!(serde_json::from_str::<Identity>(&json)?, identity);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The principal: its id, and its kind and name if the platform reports them.
    pub principal: Principal,
    /// The e-mail address.
    pub email: Fact<String>,
}

impl Identity {
    /// Creates an identity without an e-mail address.
    #[must_use]
    pub fn new(principal: Principal) -> Self {
        Self {
            principal,
            email: Fact::NotReported,
        }
    }

    /// Sets the e-mail address.
    #[must_use]
    pub fn with_email(mut self, email: Fact<String>) -> Self {
        self.email = email;
        self
    }
}

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let not_reported: &[&str] = if self.email.is_reported() {
            &[]
        } else {
            &["email"]
        };
        let mut fields = serializer.serialize_struct("Identity", 5)?;
        fields.serialize_field("kind", &self.principal.kind())?;
        fields.serialize_field("id", self.principal.id())?;
        fields.serialize_field("name", &self.principal.name())?;
        fields.serialize_field("email", &self.email)?;
        fields.serialize_field("not_reported", not_reported)?;
        fields.end()
    }
}

/// Deserialises what [`Serialize`] writes. A null without the list `not_reported`, or a missing
/// field, is not reported: nothing is claimed that was not written.
impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// An identity as it is written.
        #[derive(Deserialize)]
        struct Record {
            kind: Option<String>,
            id: String,
            name: Option<String>,
            email: Option<String>,
            not_reported: Option<Vec<String>>,
        }
        let record = Record::deserialize(deserializer)?;
        let is_reported =
            (record.not_reported).is_some_and(|fields| !fields.iter().any(|name| name == "email"));
        let principal = Principal::new(record.id)
            .with_kind(record.kind)
            .with_name(record.name);
        Ok(Self::new(principal).with_email(if is_reported {
            Fact::from_nullable(record.email)
        } else {
            Fact::from_optional(record.email)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_email_and_one_that_is_not_reported_are_told_apart_and_read_back_equal() {
        let identity = || Identity::new(Principal::new("4").with_kind("user".to_owned()));
        for (email, listed) in [
            (Fact::Known("a@example.com".to_owned()), &[][..]),
            (Fact::Absent, &[]),
            (Fact::NotReported, &["email"]),
        ] {
            let identity = identity().with_email(email);
            let value = serde_json::to_value(&identity).unwrap();
            assert_eq!(value["not_reported"], serde_json::json!(listed));
            let read: Identity = serde_json::from_value(value).unwrap();
            assert_eq!(read, identity);
        }
        let foreign: Identity = serde_json::from_str(r#"{"id": "4", "email": null}"#).unwrap();
        assert_eq!(foreign.email, Fact::NotReported);
    }
}
