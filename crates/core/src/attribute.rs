//! What a platform reports beyond the model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Fact, Timestamp};

/// A value that a platform reports and the model has no field for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// The attributes of a token, by the platform's own names.
///
/// Fields that a platform added after this version was written are kept here too, unless their name suggests a
/// credential: a secret must not travel in a serialised token.
///
/// ```
/// use tokenfleet_core::{Attribute, Attributes};
///
/// let mut attributes = Attributes::default();
/// attributes.keep("region", Attribute::from("eu"));
/// attributes.keep("token_hash", Attribute::from("$2a$05$fe5dbbcea5"));
/// assert_eq!(attributes.get("region"), Some(&Attribute::from("eu")));
/// assert_eq!(attributes.iter().count(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<String, Attribute>);

const SUSPECT: [&str; 7] = [
    "token",
    "secret",
    "password",
    "key",
    "hash",
    "credential",
    "jwt",
];

impl Attributes {
    /// Keeps a field unless its name, or a name within its value, suggests a credential.
    pub fn keep(&mut self, name: impl Into<String>, mut value: Attribute) {
        let name = name.into();
        if !is_suspect(&name) {
            drop_suspects(&mut value);
            self.0.insert(name, value);
        }
    }

    /// Keeps several fields, each as [`keep`](Self::keep) does.
    pub fn keep_all(&mut self, fields: impl IntoIterator<Item = (String, Attribute)>) {
        for (name, value) in fields {
            self.keep(name, value);
        }
    }

    /// Reads a time. A text that is none is kept under its name, and the time counts as not reported.
    pub fn read_time(
        &mut self,
        name: &str,
        text: Fact<String>,
        read: impl FnOnce(&str) -> Option<Timestamp>,
    ) -> Fact<Timestamp> {
        match text {
            Fact::Known(text) => read(&text).map_or_else(
                || {
                    self.keep(name, Attribute::Text(text));
                    Fact::NotReported
                },
                Fact::Known,
            ),
            Fact::None => Fact::None,
            Fact::NotReported => Fact::NotReported,
        }
    }

    /// The attribute of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.0.get(name)
    }

    /// All attributes, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether the platform reported nothing beyond the model.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_suspect(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SUSPECT.iter().any(|word| name.contains(word))
}

fn drop_suspects(value: &mut Attribute) {
    match value {
        Attribute::List(values) => values.iter_mut().for_each(drop_suspects),
        Attribute::Map(values) => {
            values.retain(|name, _| !is_suspect(name));
            values.values_mut().for_each(drop_suspects);
        }
        _ => {}
    }
}
