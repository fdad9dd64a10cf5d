//! Conditions on one field of a token.

use std::borrow::Cow;

use crate::model::{Attribute, Fact, Principal, Timestamp, Token};

/// A condition on an owner. Case always matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnerPredicate {
    /// Matches a known owner with this id or name.
    Is(String),
    /// Matches tokens that are reported to have no owner.
    Absent,
    /// Matches tokens whose owner is not reported.
    NotReported,
}

/// A condition on a description, on scopes or on an attribute. Case always matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextPredicate {
    /// Matches a known text that matches the pattern.
    Matches(NamePattern),
    /// Matches tokens that are reported to have no such text.
    Absent,
    /// Matches tokens that do not report it.
    NotReported,
    /// Matches an attribute that is written as a time, such as `annotation.until`.
    Time(TimePredicate),
}

/// A condition on a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimePredicate {
    /// Matches a known time before this one.
    Before(Timestamp),
    /// Matches a known time at or after this one.
    From(Timestamp),
    /// Matches a known time after this one.
    After(Timestamp),
    /// Matches a known time before or at this one.
    UpTo(Timestamp),
    /// Matches tokens that never expire, or that were never used.
    Never,
    /// Matches tokens whose time is not reported.
    NotReported,
}

/// A condition on a name or another text. Case always matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NamePattern {
    /// Matches exactly this name.
    Exact(String),
    /// Matches names with this prefix.
    Prefix(String),
    /// Matches names by a pattern in which `*` stands for any characters or none. No other
    /// character is special.
    Glob(String),
}

impl OwnerPredicate {
    pub(super) fn matches(&self, owner: &Fact<Principal>) -> bool {
        match self {
            Self::Is(text) => owner
                .known()
                .is_some_and(|owner| owner.id() == text || owner.name() == Some(text)),
            Self::Absent => owner.is_absent(),
            Self::NotReported => !owner.is_reported(),
        }
    }
}

impl TextPredicate {
    pub(super) fn exact(text: impl Into<String>) -> Self {
        Self::Matches(NamePattern::Exact(text.into()))
    }

    pub(super) fn matches_description(&self, token: &Token) -> bool {
        match self {
            Self::Matches(pattern) => token.description.known().is_some_and(|text| {
                let is_readable = !token.attributes.is_unreadable("description");
                pattern.matches(text) && (is_readable || !pattern.is_literally(text))
            }),
            Self::Absent => token.description.is_absent(),
            Self::NotReported => !token.description.is_reported(),
            Self::Time(_) => false,
        }
    }

    pub(super) fn matches_scopes(&self, token: &Token) -> bool {
        let scopes = token.scopes.known();
        match self {
            Self::Matches(pattern) => {
                scopes.is_some_and(|scopes| scopes.iter().any(|scope| pattern.matches(scope)))
            }
            Self::Absent => {
                token.scopes.is_absent() || scopes.is_some_and(|scopes| scopes.is_empty())
            }
            Self::NotReported => !token.scopes.is_reported(),
            Self::Time(_) => false,
        }
    }

    pub(super) fn matches_attribute(&self, attribute: Option<&Attribute>) -> bool {
        match self {
            Self::Matches(pattern) => match attribute {
                Some(Attribute::List(values)) => {
                    let mut texts = values.iter().filter_map(attribute_text);
                    texts.any(|text| pattern.matches(&text))
                }
                Some(value) => attribute_text(value).is_some_and(|text| pattern.matches(&text)),
                None => false,
            },
            Self::Absent => attribute == Some(&Attribute::Null),
            Self::NotReported => attribute.is_none(),
            Self::Time(predicate) => {
                let text = attribute.and_then(attribute_text);
                let at = text.and_then(|text| text.parse().ok());
                at.is_some_and(|at| predicate.matches(Fact::Known(at)))
            }
        }
    }
}

/// Returns `true` if an attribute of this name is an annotation, which no platform has.
///
/// A token without it has none, rather than one that is not reported.
pub(super) fn is_annotation(name: &str) -> bool {
    name.strip_prefix("annotation.")
        .is_some_and(|field| !field.is_empty())
}

/// Returns a single value as text, as JSON writes it.
fn attribute_text(value: &Attribute) -> Option<Cow<'_, str>> {
    match value {
        Attribute::Boolean(value) => Some(value.to_string().into()),
        Attribute::Integer(value) => Some(value.to_string().into()),
        Attribute::Number(value) => Some(value.to_string().into()),
        Attribute::Text(text) => Some(text.into()),
        Attribute::Null | Attribute::List(_) | Attribute::Map(_) => None,
    }
}

impl TimePredicate {
    pub(super) fn matches(self, fact: Fact<Timestamp>) -> bool {
        match self {
            Self::Before(end) => fact.known().is_some_and(|at| *at < end),
            Self::From(start) => fact.known().is_some_and(|at| *at >= start),
            Self::After(start) => fact.known().is_some_and(|at| *at > start),
            Self::UpTo(end) => fact.known().is_some_and(|at| *at <= end),
            Self::Never => fact.is_absent(),
            Self::NotReported => !fact.is_reported(),
        }
    }
}

impl NamePattern {
    /// Returns `true` if the pattern is this text, rather than a description of it.
    pub(super) fn is_literally(&self, text: &str) -> bool {
        let (Self::Exact(pattern) | Self::Prefix(pattern) | Self::Glob(pattern)) = self;
        pattern == text
    }

    /// Returns `true` if a name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => name == exact,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Self::Glob(glob) => glob_matches(glob, name),
        }
    }
}

/// Matches a glob greedily: the first and the last part are anchored, and each part between them is
/// matched as early as possible.
pub(super) fn glob_matches(glob: &str, name: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else {
        return glob == name;
    };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut name) = name
        .strip_prefix(first)
        .and_then(|name| name.strip_suffix(last))
    else {
        return false;
    };
    for part in middle.split('*') {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    true
}
