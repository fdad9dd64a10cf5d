//! Filters in a logic that knows what it does not know.
//!
//! A query leaves out the tokens that it cannot tell, and a negation lets them in. A check must do
//! neither: a token that never reports its last use is not in use, and not unused either.

use std::borrow::Cow;

use crate::annotations::is_annotation;
use crate::model::TokenField;
use crate::query::{OwnerPredicate, TextPredicate, TimePredicate};
use crate::{Account, Filter, Token, TokenState};

/// The truth of a condition on a token, as far as the platform reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    /// It depends on this field, which the platform does not report.
    Unknown(Cow<'static, str>),
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl Truth {
    /// Evaluates a filter for a token of an account.
    pub(super) fn of(filter: &Filter, account: &Account, token: &Token) -> Self {
        match filter {
            Filter::All(filters) => Self::first(filters, &Self::No, account, token),
            Filter::Any(filters) => Self::first(filters, &Self::Yes, account, token),
            Filter::Not(filter) => match Self::of(filter, account, token) {
                Self::Yes => Self::No,
                Self::No => Self::Yes,
                unknown => unknown,
            },
            Filter::Provider(pattern) => pattern.matches(account.provider()).into(),
            Filter::Account(pattern) => pattern.matches(account.name()).into(),
            condition => match missing_field(condition, token) {
                Some(field) => Self::Unknown(field),
                None => condition.matches(token).into(),
            },
        }
    }

    /// Returns whether both conditions hold. What is decided by one is decided.
    pub(super) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            unknown @ Self::Unknown(_) => match other() {
                Self::No => Self::No,
                _ => unknown,
            },
        }
    }

    /// Evaluates filters until one of them decides about all of them.
    fn first(filters: &[Filter], deciding: &Self, account: &Account, token: &Token) -> Self {
        let mut otherwise = match deciding {
            Self::Yes => Self::No,
            _ => Self::Yes,
        };
        for filter in filters {
            match Self::of(filter, account, token) {
                truth if truth == *deciding => return truth,
                // The first one is what the condition is mostly about.
                unknown @ Self::Unknown(_) if !matches!(otherwise, Self::Unknown(_)) => {
                    otherwise = unknown;
                }
                _ => {}
            }
        }
        otherwise
    }
}

/// Returns the field that decides about a condition if the platform does not report it.
fn missing_field(condition: &Filter, token: &Token) -> Option<Cow<'static, str>> {
    let not_reported = |field: TokenField| {
        let is_missing = !token.is_reported(field);
        is_missing.then_some(Cow::Borrowed(field.as_str()))
    };
    let time = |predicate: &TimePredicate, field| match predicate {
        TimePredicate::NotReported => None,
        _ => not_reported(field),
    };
    let text = |predicate: &TextPredicate, field| match predicate {
        TextPredicate::NotReported => None,
        _ => not_reported(field),
    };
    match condition {
        Filter::Name(_) => not_reported(TokenField::Name),
        // The platform's word for the state is one that this version does not know.
        Filter::State(state) if *state != token.state && token.state == TokenState::Unknown => {
            Some(Cow::Borrowed("state"))
        }
        Filter::Owner(OwnerPredicate::NotReported) => None,
        Filter::Owner(OwnerPredicate::Is(text)) => match token.owner.known() {
            // The text may be the name, which is not reported.
            Some(owner) if owner.id() != text && owner.name().is_none() => {
                Some(Cow::Borrowed("owner.name"))
            }
            _ => not_reported(TokenField::Owner),
        },
        Filter::Owner(_) => not_reported(TokenField::Owner),
        Filter::Created(predicate) => time(predicate, TokenField::CreatedAt),
        Filter::Updated(predicate) => time(predicate, TokenField::UpdatedAt),
        Filter::Expiry(predicate) => time(predicate, TokenField::Expiry),
        Filter::LastUsed(predicate) => time(predicate, TokenField::LastUsed),
        Filter::Description(predicate) => text(predicate, TokenField::Description),
        Filter::Scopes(predicate) => text(predicate, TokenField::Scopes),
        Filter::Attribute(_, TextPredicate::NotReported) => None,
        // A token that is not annotated has no annotation: no platform would report it.
        Filter::Attribute(name, _) if is_annotation(name) => None,
        Filter::Attribute(name, _) if token.attributes.get(name).is_none() => {
            Some(Cow::Owned(format!("attribute.{name}")))
        }
        _ => None,
    }
}
