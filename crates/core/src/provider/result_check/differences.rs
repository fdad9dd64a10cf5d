//! The fields in which a new token differs from its request.

use std::collections::BTreeSet;

use crate::model::{Attribute, Fact, Token, TokenState};
use crate::provider::{ArgumentValue, CreateToken, RequestedExpiry};

impl CreateToken {
    /// Returns the fields in which a new token differs from this request, as the platform reports
    /// it: `name`, `description`, `expiry`, `scopes`, `arguments` or `state`.
    ///
    /// A provider already rejects and revokes a token that may do more than requested. What is left
    /// is harmless, such as a name without the white space around it, a missing scope, or a scope
    /// that the platform declares to add, but may surprise; or it cannot be told, such as
    /// [arguments](Self::unconfirmed_arguments) that the token does not report.
    #[must_use]
    pub fn differences(&self, token: &Token) -> Vec<&'static str> {
        let requests_expiry = self.expiry != RequestedExpiry::PlatformDefault;
        let scopes_differ = self.misses_scopes(token) || !self.added_scopes(token).is_empty();
        let state_differs = match token.state {
            TokenState::Active => false,
            // Nobody knows whether it works already.
            TokenState::Unknown => self.suspended,
            TokenState::Suspended => !self.suspended,
            _ => true,
        };
        [
            (is_other_name(self.name.as_deref(), token), "name"),
            (
                is_other_description(self.description.as_deref(), token),
                "description",
            ),
            (
                is_unconfirmed(token, requests_expiry, token.expiry.is_reported()),
                "expiry",
            ),
            (scopes_differ, "scopes"),
            (!self.unconfirmed_arguments(token).is_empty(), "arguments"),
            (state_differs, "state"),
        ]
        .into_iter()
        .filter_map(|(differs, field)| differs.then_some(field))
        .collect()
    }

    /// Returns `true` if a new token misses a requested scope, or if its scopes cannot be read.
    #[must_use]
    pub fn misses_scopes(&self, token: &Token) -> bool {
        match (&self.scopes, &token.scopes) {
            (Some(requested), Fact::Known(scopes)) => {
                requested.iter().any(|scope| !scopes.contains(scope))
            }
            (requested, scopes) => is_unconfirmed(token, requested.is_some(), scopes.is_reported()),
        }
    }

    /// Returns the names of the requested [arguments](Self::arguments) that a new token does not
    /// report as requested: it has no attribute of that name, or one that is no such value.
    #[must_use]
    pub fn unconfirmed_arguments(&self, token: &Token) -> Vec<&str> {
        let arguments = self.arguments.iter();
        let unconfirmed = arguments.filter(|(name, value)| keeps(value, token, name) != Some(true));
        unconfirmed.map(|(name, _)| name.as_str()).collect()
    }

    /// Returns `true` if a new token reports another value for a requested argument, with which it
    /// may be able to do more.
    pub(super) fn has_other_argument(&self, token: &Token) -> bool {
        let mut arguments = self.arguments.iter();
        arguments.any(|(name, value)| keeps(value, token, name) == Some(false))
    }

    /// Returns the scopes of a new token that were not requested, or none if the request left them
    /// to the platform.
    #[must_use]
    pub fn added_scopes<'a>(&self, token: &'a Token) -> Vec<&'a str> {
        match (&self.scopes, &token.scopes) {
            (Some(requested), Fact::Known(scopes)) => {
                let added = scopes.iter().filter(|scope| !requested.contains(scope));
                added.map(String::as_str).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Returns `true` if a requested field is not reported by a token whose fields could not all be
/// read.
fn is_unconfirmed(token: &Token, is_requested: bool, is_reported: bool) -> bool {
    is_requested && !is_reported && token.attributes.unreadable().next().is_some()
}

/// Returns whether a token has the requested value of an argument, in any order if it is a list, or
/// `None` if it reports no value of that type, or one that could not be read.
fn keeps(requested: &ArgumentValue, token: &Token, name: &str) -> Option<bool> {
    if token.attributes.is_unreadable(name) {
        return None;
    }
    match (requested, token.attributes.get(name)?) {
        (ArgumentValue::Boolean(requested), Attribute::Boolean(kept)) => Some(requested == kept),
        (ArgumentValue::Integer(requested), Attribute::Integer(kept)) => Some(requested == kept),
        (ArgumentValue::Text(requested), Attribute::Text(kept)) => Some(requested == kept),
        (ArgumentValue::List(requested), Attribute::List(kept)) => {
            let kept: Option<BTreeSet<&str>> = kept.iter().map(text_of).collect();
            let requested: BTreeSet<&str> = requested.iter().map(String::as_str).collect();
            Some(kept? == requested)
        }
        _ => None,
    }
}

fn text_of(attribute: &Attribute) -> Option<&str> {
    match attribute {
        Attribute::Text(text) => Some(text),
        _ => None,
    }
}

pub(super) fn is_other_name(requested: Option<&str>, token: &Token) -> bool {
    requested.is_some_and(|name| token.name.is_reported() && !token.is_named(name))
}

pub(super) fn is_other_description(requested: Option<&str>, token: &Token) -> bool {
    requested.is_some_and(|requested| {
        let is_readable = !token.attributes.is_unreadable("description");
        let description = match &token.description {
            Fact::Known(description) => description.as_str(),
            Fact::Absent => "",
            Fact::NotReported => return false,
        };
        description != requested || !is_readable
    })
}
