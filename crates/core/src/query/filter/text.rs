//! A filter as text.

use std::fmt;
use std::str::FromStr;

use super::{NamePattern, OwnerPredicate};
use crate::error::{Error, Result};
use crate::model::Timestamp;
use crate::query::{Filter, TimePredicate};

/// Reads a filter, where `now` is the present time: see [`Filter::parse_at`].
impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse_at(text, Timestamp::now())
    }
}

/// In the language that [`Filter::parse_at`] reads; filters that differ only in how their parts are grouped are written
/// the same.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(&self.clone().flattened(), Place::Alone, f)
    }
}

impl Filter {
    /// The same filter with *all* within *all* and *any* within *any* joined, and none around a single part.
    pub(super) fn flattened(self) -> Self {
        match self {
            Self::All(filters) => joined(filters, Self::All, |filter| match filter {
                Self::All(parts) => parts,
                other => vec![other],
            }),
            Self::Any(filters) => joined(filters, Self::Any, |filter| match filter {
                Self::Any(parts) => parts,
                other => vec![other],
            }),
            Self::Not(filter) => !filter.flattened(),
            other => other,
        }
    }
}

fn joined(
    filters: Vec<Filter>,
    join: fn(Vec<Filter>) -> Filter,
    parts: fn(Filter) -> Vec<Filter>,
) -> Filter {
    let all: Vec<_> = filters
        .into_iter()
        .flat_map(|filter| parts(filter.flattened()))
        .collect();
    match <[Filter; 1]>::try_from(all) {
        Ok([only]) => only,
        Err(several) => join(several),
    }
}

/// What a filter stands in, from what binds least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Alone,
    InAll,
    InNot,
}

fn write(filter: &Filter, place: Place, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match filter {
        Filter::Name(NamePattern::Exact(name)) => write!(f, "name = {}", Quoted(name)),
        Filter::Name(NamePattern::Prefix(prefix)) => write!(f, "name ^= {}", Quoted(prefix)),
        Filter::Name(NamePattern::Glob(glob)) => write!(f, "name ~ {}", Quoted(glob)),
        Filter::State(state) => write!(f, "state = {}", state.as_str()),
        Filter::Owner(OwnerPredicate::Is(owner)) => write!(f, "owner = {}", Quoted(owner)),
        Filter::Owner(OwnerPredicate::Absent) => f.write_str("owner is none"),
        Filter::Owner(OwnerPredicate::NotReported) => f.write_str("owner is not-reported"),
        Filter::Created(when) => write!(f, "created {}", Condition(*when)),
        Filter::Expiry(when) => write!(f, "expiry {}", Condition(*when)),
        Filter::LastUsed(when) => write!(f, "last-used {}", Condition(*when)),
        Filter::All(parts) if parts.is_empty() => f.write_str("everything"),
        Filter::Any(parts) if parts.is_empty() => f.write_str("nothing"),
        Filter::All(parts) if place < Place::InNot => write_joined(parts, " and ", Place::InAll, f),
        Filter::Any(parts) if place < Place::InAll => write_joined(parts, " or ", Place::Alone, f),
        Filter::All(_) | Filter::Any(_) => {
            f.write_str("(")?;
            write(filter, Place::Alone, f)?;
            f.write_str(")")
        }
        Filter::Not(filter) => {
            f.write_str("not ")?;
            write(filter, Place::InNot, f)
        }
    }
}

fn write_joined(
    parts: &[Filter],
    word: &str,
    place: Place,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        write(part, place, f)?;
    }
    Ok(())
}

struct Condition(TimePredicate);

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            TimePredicate::Before(end) => write!(f, "< {end}"),
            TimePredicate::From(start) => write!(f, ">= {start}"),
            TimePredicate::Never => f.write_str("is never"),
            TimePredicate::NotReported => f.write_str("is not-reported"),
        }
    }
}

/// A text in quotes, on one line.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                control if control.is_control() => write!(f, "{}", control.escape_unicode())?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("\"")
    }
}
