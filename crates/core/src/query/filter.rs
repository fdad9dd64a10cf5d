//! Which tokens a caller wants.

mod lexer;
mod parser;
mod text;

#[cfg(test)]
mod tests;

use std::ops::Not;

use crate::error::Result;
use crate::model::{Fact, Principal, Timestamp, Token, TokenState};

/// Which tokens match.
///
/// Names and owners compare by code points: case counts, everywhere.
///
/// # As text
///
/// A filter is written on the command line and in a configuration as it is shown by `Display`, which writes equal filters
/// equally. `and` binds tighter than `or`; `not` and parentheses do what they say.
///
/// | condition | matches |
/// | --- | --- |
/// | `name = ci`, `name = "two words"` | exactly that name |
/// | `name ~ "ci-*"` | a pattern, where `*` stands for any characters |
/// | `name ^= ci-` | a name's beginning |
/// | `state = active` | `active`, `suspended`, `revoked`, `expired` or `unknown` |
/// | `owner = alice` | the owner's id or name |
/// | `owner is none`, `owner is not-reported` | the platform says that there is none, or does not say |
/// | `created < 2026-01-01`, `expiry >= now+30d`, `last-used < now-90d` | before (`<`), or at or after (`>=`) a time |
/// | `expiry is never`, `last-used is not-reported` | never expires or never used, or the platform does not say |
/// | `everything`, `nothing` | what they say |
///
/// `!=` is `=` denied, so it also matches tokens without a name or owner; `is not` is `is` denied; `state in (active,
/// suspended)` is one of several, for names and owners too. Times are as [`Timestamp::parse_at`] reads them. What is not
/// a plain word is written in double quotes, with `\"`, `\\`, `\n`, `\r`, `\t` and `\u{…}` inside.
///
/// ```
/// use tokenfleet_core::{Filter, Timestamp, TokenState};
///
/// let now: Timestamp = "2026-04-01T00:00:00Z".parse()?;
/// let stale = Filter::parse_at("state = active and (last-used < now-90d or last-used is never)", now)?;
///
/// let built = Filter::State(TokenState::Active)
///     .and(Filter::used_before("2026-01-01T00:00:00Z".parse()?).or(Filter::never_used()));
/// assert_eq!(stale, built);
/// assert_eq!(
///     stale.to_string(),
///     "state = active and (last-used < 2026-01-01T00:00:00Z or last-used is never)",
/// );
///
/// let error = "stat = active".parse::<Filter>().unwrap_err();
/// assert_eq!(error.to_string(), "at character 1: no such field; did you mean \"state\"?");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// Whose name is known and matches.
    Name(NamePattern),
    /// That are in this state.
    State(TokenState),
    /// By owner.
    Owner(OwnerPredicate),
    /// By creation.
    Created(TimePredicate),
    /// By expiry; [`TimePredicate::Never`]: those that never expire.
    Expiry(TimePredicate),
    /// By last use; [`TimePredicate::Never`]: those never used.
    LastUsed(TimePredicate),
    /// That match all of these.
    All(Vec<Filter>),
    /// That match one of these.
    Any(Vec<Filter>),
    /// That do not match this.
    Not(Box<Filter>),
}

/// A condition on an owner. Case always counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnerPredicate {
    /// Known, and this is its id or its name.
    Is(String),
    /// Reported as none.
    Absent,
    /// Not reported.
    NotReported,
}

/// A condition on a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimePredicate {
    /// Known and earlier than this.
    Before(Timestamp),
    /// Known and not earlier than this.
    From(Timestamp),
    /// Reported as none.
    Never,
    /// Not reported.
    NotReported,
}

/// A condition on a name. Case always counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NamePattern {
    /// The whole name.
    Exact(String),
    /// Its beginning.
    Prefix(String),
    /// The whole name, where `*` stands for any characters, also none; nothing else is special.
    Glob(String),
}

impl Filter {
    /// Tokens of exactly that name.
    pub fn name(name: impl Into<String>) -> Self {
        Self::Name(NamePattern::Exact(name.into()))
    }

    /// Tokens whose name begins so.
    pub fn name_prefix(prefix: impl Into<String>) -> Self {
        Self::Name(NamePattern::Prefix(prefix.into()))
    }

    /// Tokens whose name matches a pattern with `*`.
    pub fn name_glob(glob: impl Into<String>) -> Self {
        Self::Name(NamePattern::Glob(glob.into()))
    }

    /// Tokens whose owner has this id or this name.
    pub fn owned_by(owner: impl Into<String>) -> Self {
        Self::Owner(OwnerPredicate::Is(owner.into()))
    }

    /// Tokens that were created before this.
    #[must_use]
    pub fn created_before(end: Timestamp) -> Self {
        Self::Created(TimePredicate::Before(end))
    }

    /// Tokens that were created at this time or later.
    #[must_use]
    pub fn created_from(start: Timestamp) -> Self {
        Self::Created(TimePredicate::From(start))
    }

    /// Tokens that expire, or expired, before this.
    #[must_use]
    pub fn expires_before(end: Timestamp) -> Self {
        Self::Expiry(TimePredicate::Before(end))
    }

    /// Tokens that expire, or expired, at this time or later; not those that never do.
    #[must_use]
    pub fn expires_from(start: Timestamp) -> Self {
        Self::Expiry(TimePredicate::From(start))
    }

    /// Tokens that never expire.
    #[must_use]
    pub fn never_expires() -> Self {
        Self::Expiry(TimePredicate::Never)
    }

    /// Tokens whose last use was before this; not those that were never used.
    #[must_use]
    pub fn used_before(end: Timestamp) -> Self {
        Self::LastUsed(TimePredicate::Before(end))
    }

    /// Tokens whose last use was at this time or later.
    #[must_use]
    pub fn used_from(start: Timestamp) -> Self {
        Self::LastUsed(TimePredicate::From(start))
    }

    /// Tokens that were never used.
    #[must_use]
    pub fn never_used() -> Self {
        Self::LastUsed(TimePredicate::Never)
    }

    /// Both this and that.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut filters) => {
                filters.push(other);
                Self::All(filters)
            }
            first => Self::All(vec![first, other]),
        }
    }

    /// This or that, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Any(mut filters) => {
                filters.push(other);
                Self::Any(filters)
            }
            first => Self::Any(vec![first, other]),
        }
    }

    /// What matches all of them; everything, if there is none.
    #[must_use]
    pub fn all_of(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::All(filters.into_iter().collect())
    }

    /// What matches one of them or more; nothing, if there is none.
    #[must_use]
    pub fn any_of(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::Any(filters.into_iter().collect())
    }

    /// Reads a filter from its text, where `now` in it is the given time. `parse` takes the present one.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput): it says at which character what was expected and never repeats the
    /// text. Text of more than 64 KiB, and parentheses and denials more than 64 deep, are refused.
    pub fn parse_at(text: &str, now: Timestamp) -> Result<Self> {
        parser::parse(text, now)
    }

    /// Whether a token matches.
    #[must_use]
    pub fn matches(&self, token: &Token) -> bool {
        match self {
            Self::Name(pattern) => token.name.known().is_some_and(|name| pattern.matches(name)),
            Self::State(state) => token.state == *state,
            Self::Owner(owner) => owner.matches(&token.owner),
            Self::Created(when) => when.matches(token.created_at),
            Self::Expiry(when) => when.matches(token.expiry),
            Self::LastUsed(when) => when.matches(token.last_used),
            Self::All(filters) => filters.iter().all(|filter| filter.matches(token)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches(token)),
            Self::Not(filter) => !filter.matches(token),
        }
    }

    /// About how many bytes it takes to say it.
    pub(crate) fn text_length(&self) -> usize {
        /// What stands around a name: its field, quotes, `and`.
        const CONDITION: usize = 16;
        match self {
            Self::Name(
                NamePattern::Exact(text) | NamePattern::Prefix(text) | NamePattern::Glob(text),
            )
            | Self::Owner(OwnerPredicate::Is(text)) => CONDITION + text.len(),
            Self::All(filters) | Self::Any(filters) => filters.iter().map(Self::text_length).sum(),
            Self::Not(filter) => filter.text_length(),
            _ => CONDITION,
        }
    }
}

/// What does not match: `!Filter::name("ci")`.
impl Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

impl OwnerPredicate {
    fn matches(&self, owner: &Fact<Principal>) -> bool {
        match self {
            Self::Is(text) => owner
                .known()
                .is_some_and(|owner| owner.id() == text || owner.name() == Some(text)),
            Self::Absent => owner.is_absent(),
            Self::NotReported => !owner.is_reported(),
        }
    }
}

impl TimePredicate {
    fn matches(self, fact: Fact<Timestamp>) -> bool {
        match self {
            Self::Before(end) => fact.known().is_some_and(|at| *at < end),
            Self::From(start) => fact.known().is_some_and(|at| *at >= start),
            Self::Never => fact.is_absent(),
            Self::NotReported => !fact.is_reported(),
        }
    }
}

impl NamePattern {
    /// Whether a name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => name == exact,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Self::Glob(glob) => glob_matches(glob, name),
        }
    }
}

/// The first and the last piece are anchored; each piece between them is found as early as possible.
fn glob_matches(glob: &str, name: &str) -> bool {
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
    for piece in middle.split('*') {
        match name.find(piece) {
            Some(at) => name = &name[at + piece.len()..],
            None => return false,
        }
    }
    true
}
