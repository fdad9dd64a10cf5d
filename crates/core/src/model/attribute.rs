//! The attributes that a platform reports and the model has no field for.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::contains_credential;
use crate::model::{Fact, Timestamp};

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Attribute {
    /// A field that is present, with the value `null`.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A whole number of at most 64 bits.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A string.
    Text(String),
    /// A list of values.
    List(Vec<Attribute>),
    /// A map of named values.
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

/// Deserialises a value of any type.
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

/// The attributes of a token, under the platform's own names.
///
/// Fields that a platform adds later are kept here too, unless their name or value suggests a
/// credential: a secret must appear neither in a serialised token nor in a message about it.
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
    reason = "most tokens have no attributes, so the field must be small"
)]
pub struct Attributes(Option<Box<BTreeMap<String, Attribute>>>);

/// The attribute that lists the fields that cannot be read.
const UNREADABLE: &str = "unreadable";

/// The place of the seconds in every format of a time.
const SECONDS: std::ops::Range<usize> = 17..19;

/// Parts of field names that suggest a credential.
const CREDENTIAL_WORDS: [&str; 14] = [
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
    /// Inserts a field, unless its name or its value suggests a credential. From a list or a map,
    /// only the entries that do are removed. `null` and a boolean hold no secret under any name.
    pub fn insert(&mut self, name: impl Into<String>, mut value: Attribute) {
        let name = name.into();
        if !holds_credential(&name, &value) {
            sanitize(&mut value);
            self.0.get_or_insert_default().insert(name, value);
        }
    }

    /// Adds the attributes of another set; they replace those of the same name.
    pub fn extend(&mut self, others: Self) {
        match (&mut self.0, others.0) {
            (Some(_), Some(mut others)) => {
                if let Some(Attribute::List(names)) = others.remove(UNREADABLE) {
                    for name in names {
                        if let Attribute::Text(name) = name {
                            self.mark_unreadable(&name);
                        }
                    }
                }
                self.0.get_or_insert_default().extend(*others);
            }
            (empty @ None, others) => *empty = others,
            (Some(_), None) => {}
        }
    }

    /// Marks a field that the platform did not send as it documents it, such as a number for a
    /// text.
    ///
    /// The attribute `unreadable` lists the marked fields, so the mark appears wherever attributes
    /// do. A name that is marked equals no other (decision 0016).
    ///
    /// ```
    /// use tokenfleet_core::model::{Attribute, Attributes};
    ///
    /// let mut attributes = Attributes::default();
    /// attributes.insert_unreadable("expires", Attribute::from("10000-01-01T00:00:00Z"));
    /// assert!(attributes.is_unreadable("expires"));
    /// assert!(attributes.get("expires").is_some(), "the value is kept");
    /// ```
    pub fn mark_unreadable(&mut self, name: &str) {
        if self.is_unreadable(name) {
            return;
        }
        let attributes = self.0.get_or_insert_default();
        let marked = attributes
            .entry(UNREADABLE.to_owned())
            .or_insert_with(|| Attribute::List(Vec::new()));
        match marked {
            Attribute::List(names) => names.push(Attribute::from(name)),
            // The platform has a field of that name itself.
            other => *other = Attribute::List(vec![Attribute::from(name)]),
        }
    }

    /// Marks a field, and keeps its value as the platform sent it, unless that suggests a
    /// credential.
    pub fn insert_unreadable(&mut self, name: &str, value: Attribute) {
        match value {
            Attribute::Text(text) if looks_like_a_time(&text) => {
                let attributes = self.0.get_or_insert_default();
                attributes.insert(name.to_owned(), Attribute::Text(text));
            }
            other => self.insert(name, other),
        }
        self.mark_unreadable(name);
    }

    /// Returns `true` if the field with this name is [marked](Self::mark_unreadable).
    #[must_use]
    pub fn is_unreadable(&self, name: &str) -> bool {
        self.unreadable().any(|marked| marked == name)
    }

    /// Returns the names of the fields that are [marked](Self::mark_unreadable).
    pub fn unreadable(&self) -> impl Iterator<Item = &str> {
        let names = match self.get(UNREADABLE) {
            Some(Attribute::List(names)) => names.as_slice(),
            _ => &[],
        };
        names.iter().filter_map(|name| match name {
            Attribute::Text(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Parses a time. A string that is not a valid time is kept as an attribute and marked, and the
    /// time counts as not reported. A leap second is kept and marked as well: it is read as the
    /// second before it.
    pub fn parse_time(
        &mut self,
        name: &str,
        text: Fact<impl AsRef<str>>,
        parse: impl FnOnce(&str) -> Option<Timestamp>,
    ) -> Fact<Timestamp> {
        match text {
            Fact::Known(text) => {
                let text = text.as_ref();
                let at = parse(text);
                let seconds = text.as_bytes().get(SECONDS);
                if at.is_none() || seconds == Some(b"60") {
                    self.insert_unreadable(name, Attribute::from(text));
                }
                Fact::from_optional(at)
            }
            Fact::Absent => Fact::Absent,
            Fact::NotReported => Fact::NotReported,
        }
    }

    /// Converts a time in seconds since 1970-01-01T00:00:00Z. A number outside the years -9999 to
    /// 9999 is kept as an attribute and marked, and the time counts as not reported.
    ///
    /// ```
    /// use tokenfleet_core::Fact;
    /// use tokenfleet_core::model::Attributes;
    ///
    /// let mut attributes = Attributes::default();
    /// let expiry = attributes.convert_unix_time("expires", Fact::Known(1_893_456_000));
    /// assert_eq!(expiry, Fact::Known("2030-01-01T00:00:00Z".parse()?));
    /// assert!(attributes.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn convert_unix_time(&mut self, name: &str, seconds: Fact<i64>) -> Fact<Timestamp> {
        match seconds.map(|seconds| (seconds, Timestamp::from_unix_seconds(seconds))) {
            Fact::Known((_, Some(at))) => Fact::Known(at),
            Fact::Known((seconds, None)) => {
                self.insert_unreadable(name, Attribute::Integer(seconds));
                Fact::NotReported
            }
            Fact::Absent => Fact::Absent,
            Fact::NotReported => Fact::NotReported,
        }
    }

    /// Returns the attribute with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.0.as_ref()?.get(name)
    }

    /// Returns all attributes, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        let entries = self.0.iter().flat_map(|attributes| attributes.iter());
        entries.map(|(name, value)| (name.as_str(), value))
    }

    /// Returns `true` if there are no attributes.
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

/// Deserialises attributes as they were inserted: what suggests a credential is left out.
impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut entries = BTreeMap::<String, Attribute>::deserialize(deserializer)?;
        let is_list = matches!(entries.get(UNREADABLE), Some(Attribute::List(_)));
        let mut attributes = Self::default();
        // First, because a marked field may hold a time that could be taken for a credential.
        if is_list && let Some(marked) = entries.remove(UNREADABLE) {
            attributes.insert(UNREADABLE, marked);
        }
        for (name, value) in entries {
            match value {
                Attribute::Text(text)
                    if attributes.is_unreadable(&name) && looks_like_a_time(&text) =>
                {
                    let inner = attributes.0.get_or_insert_default();
                    inner.insert(name, Attribute::Text(text));
                }
                value => attributes.insert(name, value),
            }
        }
        Ok(attributes)
    }
}

fn suggests_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    CREDENTIAL_WORDS.iter().any(|word| name.contains(word))
}

/// Returns `true` for a text made of what times are written with, such as `10000-01-01T00:00:00Z`,
/// which could be taken for a credential otherwise.
fn looks_like_a_time(text: &str) -> bool {
    const MAX_LENGTH: usize = 40;
    let is_time_character = |byte: u8| byte.is_ascii_digit() || b"-+:.,/TZtz ".contains(&byte);
    text.len() <= MAX_LENGTH && text.contains(['-', ':']) && text.bytes().all(is_time_character)
}

/// Returns `true` if a named value may be a credential, by its name or by itself.
fn holds_credential(name: &str, value: &Attribute) -> bool {
    match value {
        Attribute::Null | Attribute::Boolean(_) => false,
        value => suggests_credential(name) || is_credential(value),
    }
}

fn is_credential(value: &Attribute) -> bool {
    matches!(value, Attribute::Text(text) if contains_credential(text))
}

/// Removes what suggests a credential, and writes a number that JSON does not have as text.
fn sanitize(value: &mut Attribute) {
    match value {
        Attribute::List(values) => {
            values.retain(|value| !is_credential(value));
            values.iter_mut().for_each(sanitize);
        }
        Attribute::Map(values) => {
            values.retain(|name, value| !holds_credential(name, value));
            values.values_mut().for_each(sanitize);
        }
        Attribute::Number(number) if !number.is_finite() => {
            *value = Attribute::Text(number.to_string());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_whose_name_suggests_a_credential_is_dropped() {
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
    fn null_and_booleans_are_kept_under_any_name() {
        let mut attributes = Attributes::default();
        attributes.insert("session_id", Attribute::Null);
        attributes.insert("has_password", Attribute::Boolean(true));
        attributes.insert("otp", Attribute::Integer(123_456));
        let nested = [
            ("session_id", Attribute::Null),
            ("pwd", Attribute::from("x")),
        ];
        let nested = nested.map(|(name, value)| (name.to_owned(), value));
        attributes.insert("client", Attribute::Map(nested.into()));
        assert_eq!(attributes.get("session_id"), Some(&Attribute::Null));
        assert_eq!(
            attributes.get("has_password"),
            Some(&Attribute::Boolean(true))
        );
        assert_eq!(attributes.get("otp"), None, "a number may be a secret");
        let client = BTreeMap::from([("session_id".to_owned(), Attribute::Null)]);
        assert_eq!(attributes.get("client"), Some(&Attribute::Map(client)));
    }

    #[test]
    fn a_time_that_cannot_be_read_is_kept_and_marked() {
        for text in [
            "10000-01-01T00:00:00Z",
            "2024-02-30T00:00:00Z",
            "0001-01-01",
        ] {
            let mut attributes = Attributes::default();
            let parse = |text: &str| text.parse().ok();
            let time = attributes.parse_time("expires", Fact::Known(text), parse);
            assert_eq!(time, Fact::NotReported);
            assert_eq!(attributes.get("expires"), Some(&Attribute::from(text)));
            assert!(attributes.is_unreadable("expires"), "{text}");
            let mut merged = Attributes::default();
            merged.insert_unreadable("name", Attribute::Integer(1));
            merged.extend(attributes);
            assert_eq!(merged.unreadable().collect::<Vec<_>>(), ["name", "expires"]);
        }
        let mut attributes = Attributes::default();
        let secret = Attribute::from("SK-PrjW98OTY1h8QTY9hUA");
        attributes.insert_unreadable("expires", secret);
        assert_eq!(attributes.get("expires"), None);
        assert!(attributes.is_unreadable("expires"));
    }

    #[test]
    fn a_value_that_looks_like_a_credential_is_dropped_at_any_depth() {
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

    #[test]
    fn what_is_listed_as_unreadable_is_no_credential_either() {
        let text = r#"{"unreadable": ["expires", "SK-PrjW98OTY1h8QTY9hUA", {"token": "x"}]}"#;
        let attributes: Attributes = serde_json::from_str(text).unwrap();
        assert_eq!(attributes.unreadable().collect::<Vec<_>>(), ["expires"]);
        let text = serde_json::to_string(&attributes).unwrap();
        assert!(!text.contains("SK-") && !text.contains("token"), "{text}");
    }

    #[test]
    fn a_number_that_is_no_time_is_kept_and_marked() {
        let mut attributes = Attributes::default();
        let beyond = Fact::Known(i64::MAX);
        assert_eq!(
            attributes.convert_unix_time("expires", beyond),
            Fact::NotReported
        );
        assert!(attributes.is_unreadable("expires"));
        assert_eq!(
            attributes.get("expires"),
            Some(&Attribute::Integer(i64::MAX))
        );
        let mut attributes = Attributes::default();
        for fact in [Fact::Absent, Fact::NotReported] {
            let converted = attributes.convert_unix_time("expires", fact);
            assert_eq!(converted, fact.map(|_| Timestamp::now()));
        }
        assert!(attributes.is_empty());
    }
}
