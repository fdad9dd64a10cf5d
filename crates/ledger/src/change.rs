//! Changes of tokens between two times, and the versions of one token.

use serde::Serialize;
use serde_json::{Map, Value};
use tokenfleet_core::{Error, Result, Timestamp, Token};

/// The time between two states. The earlier end is exclusive: what it holds is no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    earlier: Timestamp,
    later: Timestamp,
}

impl Span {
    /// Creates the span between two times.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it ends before it begins.
    pub fn new(earlier: Timestamp, later: Timestamp) -> Result<Self> {
        if later < earlier {
            return Err(Error::invalid_input("the span ends before it begins")
                .with_advice("put the earlier time first"));
        }
        Ok(Self { earlier, later })
    }

    /// Returns the time of the earlier state.
    #[must_use]
    pub fn earlier(&self) -> Timestamp {
        self.earlier
    }

    /// Returns the time of the later state.
    #[must_use]
    pub fn later(&self) -> Timestamp {
        self.later
    }
}

/// A difference between two states of an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// The token is in the later state only.
    Appeared {
        /// The token as it is.
        token: Token,
    },
    /// The token is in the earlier state only.
    Vanished {
        /// The token as it was last seen.
        token: Token,
    },
    /// The token is in both states, and its records differ.
    Changed {
        /// The token as it was.
        before: Box<Token>,
        /// The token as it is.
        after: Token,
        /// The names of the fields that differ, as in the JSON of a token. An attribute is
        /// `attributes.NAME`.
        fields: Vec<String>,
    },
}

impl Change {
    /// Returns the change from one state of a token to another, or `None` if there is none.
    #[must_use]
    pub fn between(before: Option<Token>, after: Option<Token>) -> Option<Self> {
        match (before, after) {
            (None, None) => None,
            (None, Some(token)) => Some(Self::Appeared { token }),
            (Some(token), None) => Some(Self::Vanished { token }),
            (Some(before), Some(after)) => {
                let fields = changed_fields(&before, &after);
                (!fields.is_empty()).then(|| Self::Changed {
                    before: Box::new(before),
                    after,
                    fields,
                })
            }
        }
    }

    /// Returns the token as it is in the later state, or as it was last seen.
    #[must_use]
    pub fn token(&self) -> &Token {
        match self {
            Self::Appeared { token } | Self::Vanished { token } => token,
            Self::Changed { after, .. } => after,
        }
    }
}

/// A record of a token, and the time for which it held.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Version {
    /// The time of the snapshot that saw it first.
    pub from: Timestamp,
    /// The time of the snapshot that saw another record or proved that the token is gone, or `None`
    /// if it still holds.
    pub to: Option<Timestamp>,
    /// The token as it was in between.
    pub token: Token,
}

/// Returns the names of the fields in which two records differ.
fn changed_fields(before: &Token, after: &Token) -> Vec<String> {
    /// The list of fields that are not reported: those fields are named themselves.
    const NOT_REPORTED: &str = "not_reported";
    /// The field that is compared entry by entry.
    const ATTRIBUTES: &str = "attributes";

    let (mut before, mut after) = (fields_of(before), fields_of(after));
    let mut changed = Vec::new();
    let attributes = [&mut before, &mut after].map(|fields| match fields.remove(ATTRIBUTES) {
        Some(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    });
    let unreported = [&mut before, &mut after].map(|fields| fields.remove(NOT_REPORTED));
    let is_unreported = |side: &Option<Value>, name: &str| {
        let names = side.as_ref().and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|other| other == name))
    };
    let [unreported_before, unreported_after] = &unreported;
    changed.extend(differing(&before, &after, |name| {
        is_unreported(unreported_before, name) != is_unreported(unreported_after, name)
    }));
    let [before, after] = &attributes;
    let names = differing(before, after, |_| false);
    changed.extend(names.map(|name| format!("{ATTRIBUTES}.{name}")));
    changed
}

/// Returns the fields of a record by their names in JSON.
fn fields_of(token: &Token) -> Map<String, Value> {
    match serde_json::to_value(token) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Returns the names under which two maps hold different values, or that `also` names.
fn differing(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    also: impl Fn(&str) -> bool,
) -> impl Iterator<Item = String> {
    let of_both = before.keys().filter(|name| after.contains_key(*name));
    let names = before.keys().filter(|name| !after.contains_key(*name));
    let names = names.chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changed = of_both.filter(|name| before.get(*name) != after.get(*name) || also(name));
    let mut names: Vec<String> = names.chain(changed).cloned().collect();
    names.sort();
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::model::Attribute;
    use tokenfleet_core::{Fact, TokenId, TokenState};

    use super::*;

    fn token() -> Token {
        Token::new(TokenId::new("1"), TokenState::Active)
    }

    fn fields(before: Token, after: Token) -> Vec<String> {
        match Change::between(Some(before), Some(after)) {
            Some(Change::Changed { fields, .. }) => fields,
            None => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_change_names_the_fields_and_the_attributes_that_differ() {
        let mut before = token();
        before.name = Fact::Known("a".to_owned());
        before.attributes.insert("role", Attribute::from("reader"));
        let mut after = before.clone();
        assert!(fields(before.clone(), after.clone()).is_empty());
        after.name = Fact::Known("b".to_owned());
        after.state = TokenState::Suspended;
        after.attributes.insert("role", Attribute::from("owner"));
        after.attributes.insert("team", Attribute::from("ci"));
        let expected = ["name", "state", "attributes.role", "attributes.team"];
        assert_eq!(fields(before, after), expected);
    }

    #[test]
    fn a_field_that_is_no_longer_reported_has_changed() {
        let mut before = token();
        before.name = Fact::Absent;
        before.last_used = Fact::Absent;
        assert_eq!(fields(before, token()), ["last_used", "name"]);
    }
}
