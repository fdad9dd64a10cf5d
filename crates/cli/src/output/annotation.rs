//! The annotations of a token, which are attributes under names of ours.

use std::borrow::Cow;

use tokenfleet::Token;
use tokenfleet::model::Attribute;

const FIELDS: [(&str, &str); 4] = [
    ("owner", "annotation.owner"),
    ("team", "annotation.team"),
    ("purpose", "annotation.purpose"),
    ("until", "annotation.until"),
];

/// Returns the fields that a token is annotated with, and their values.
pub(super) fn annotations(token: &Token) -> impl Iterator<Item = (&'static str, &str)> {
    let fields = FIELDS.into_iter();
    fields.filter_map(|(field, name)| match token.attributes.get(name) {
        Some(Attribute::Text(value)) => Some((field, value.as_str())),
        _ => None,
    })
}

/// Returns the token with its annotations taken out of its attributes.
pub(crate) fn without_annotations(token: &Token) -> Cow<'_, Token> {
    // Most tokens have no attributes at all.
    if token.attributes.is_empty() || annotations(token).next().is_none() {
        return Cow::Borrowed(token);
    }
    let mut token = token.clone();
    let attributes = std::mem::take(&mut token.attributes);
    for (name, value) in attributes.iter() {
        if FIELDS.iter().any(|(_, annotation)| *annotation == name) {
            continue;
        }
        if attributes.is_unreadable(name) {
            token.attributes.insert_unreadable(name, value.clone());
        } else {
            token.attributes.insert(name, value.clone());
        }
    }
    Cow::Owned(token)
}

/// Returns the value of one field.
pub(super) fn annotation<'a>(token: &'a Token, field: &str) -> Option<&'a str> {
    let mut found = annotations(token).filter(|(name, _)| *name == field);
    found.next().map(|(_, value)| value)
}
