//! What a platform reports beyond the model.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::holds_a_credential;
use crate::model::{Fact, Timestamp};

/// A value that a platform reports and the model has no field for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Attribute {
    /// Present and empty.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(String),
    /// Several values.
    List(Vec<Attribute>),
    /// Named values.
    Map(BTreeMap<String, Attribute>),
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Attribute;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Attribute, E> {
        Ok(Attribute::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Attribute, E> {
        Ok(Attribute::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Attribute, E> {
        Ok(Attribute::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Attribute, E> {
        Ok(i64::try_from(value).map_or(Attribute::Number(value as f64), Attribute::Integer))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Attribute, E> {
        Ok(Attribute::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Attribute, E> {
        Ok(Attribute::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Attribute, E> {
        Ok(Attribute::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Attribute, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(Attribute::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Attribute, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry()? {
            map.insert(name, value);
        }
        Ok(Attribute::Map(map))
    }
}

/// The attributes of a token, by the platform's own names.
///
/// Fields that a platform added after this version was written are kept here too, unless their name or value suggests
/// a credential: a secret must not travel in a serialised token, nor in a sentence about it.
///
/// ```
/// use tokenfleet_core::model::{Attribute, Attributes};
///
/// let mut attributes = Attributes::default();
/// attributes.insert("region", Attribute::from("eu"));
/// attributes.insert("token_hash", Attribute::from("$2a$05$fe5dbbcea5"));
/// attributes.insert("value", Attribute::from("SK-PrjW98OTY1h8QTY9hUA"));
/// assert_eq!(attributes.get("region"), Some(&Attribute::from("eu")));
/// assert_eq!(attributes.iter().count(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(
    clippy::box_collection,
    reason = "most tokens have none, and each has room for it"
)]
pub struct Attributes(Option<Box<BTreeMap<String, Attribute>>>);

const SUSPECT: [&str; 14] = [
    "token",
    "secret",
    "key",
    "hash",
    "credential",
    "jwt",
    "authorization",
    "bearer",
    "cookie",
    "otp",
    "pass",
    "pwd",
    "session",
    "signature",
];

impl Attributes {
    /// Keeps a field unless its name or its value suggests a credential. Within a list or a map only what does is left out.
    pub fn insert(&mut self, name: impl Into<String>, mut value: Attribute) {
        let name = name.into();
        if !is_suspect(&name) && !is_secret(&value) {
            drop_suspects(&mut value);
            self.0.get_or_insert_default().insert(name, value);
        }
    }

    /// Keeps what others hold.
    pub fn extend(&mut self, others: Self) {
        match (&mut self.0, others.0) {
            (Some(these), Some(others)) => these.extend(*others),
            (nothing @ None, others) => *nothing = others,
            (Some(_), None) => {}
        }
    }

    /// Reads a time. A text that is none is kept under its name, and the time counts as not reported.
    pub fn parse_time(
        &mut self,
        name: &str,
        text: Fact<impl AsRef<str>>,
        read: impl FnOnce(&str) -> Option<Timestamp>,
    ) -> Fact<Timestamp> {
        match text {
            Fact::Known(text) => read(text.as_ref()).map_or_else(
                || {
                    self.insert(name, Attribute::from(text.as_ref()));
                    Fact::NotReported
                },
                Fact::Known,
            ),
            Fact::Absent => Fact::Absent,
            Fact::NotReported => Fact::NotReported,
        }
    }

    /// The attribute of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.0.as_ref()?.get(name)
    }

    /// All attributes, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        let all = self.0.iter().flat_map(|attributes| attributes.iter());
        all.map(|(name, value)| (name.as_str(), value))
    }

    /// Whether the platform reported nothing beyond the model.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(attributes) => attributes.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

fn is_suspect(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SUSPECT.iter().any(|word| name.contains(word))
}

fn is_secret(value: &Attribute) -> bool {
    matches!(value, Attribute::Text(text) if holds_a_credential(text))
}

fn drop_suspects(value: &mut Attribute) {
    match value {
        Attribute::List(values) => {
            values.retain(|value| !is_secret(value));
            values.iter_mut().for_each(drop_suspects);
        }
        Attribute::Map(values) => {
            values.retain(|name, value| !is_suspect(name) && !is_secret(value));
            values.values_mut().for_each(drop_suspects);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_that_suggests_a_credential_is_kept() {
        for name in [
            "Authorization",
            "pwd",
            "cookies",
            "sessionId",
            "otp",
            "passphrase",
            "password",
            "bearer",
            "signature",
            "apiKey",
        ] {
            let mut attributes = Attributes::default();
            attributes.insert(name, Attribute::from("x"));
            assert!(attributes.is_empty(), "{name}");
        }
    }

    #[test]
    fn no_value_that_looks_like_a_credential_is_kept_however_deep() {
        let secret = || Attribute::from("SK-PrjW98OTY1h8QTY9hUA");
        let map = |name: &str, value| Attribute::Map(BTreeMap::from([(name.to_owned(), value)]));
        let mut attributes = Attributes::default();
        attributes.insert("plain", secret());
        attributes.insert(
            "list",
            Attribute::List(vec![
                secret(),
                map("value", secret()),
                Attribute::from("575ec8687ae143cd83dc4a97"),
            ]),
        );
        let shown = format!("{attributes:?}");
        assert!(!shown.contains("PrjW98"), "{shown}");
        assert!(shown.contains("575ec8687ae143cd83dc4a97"), "{shown}");
    }
}
