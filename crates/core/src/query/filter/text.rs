//! Parsing and formatting of a filter as text.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::model::Timestamp;
use crate::query::filter::lexer::is_word;
use crate::query::filter::predicate::is_annotation;
use crate::query::{Filter, NamePattern, OwnerPredicate, TextPredicate, TimePredicate};

/// Parses a filter in which `now` is the current time: see [`Filter::parse_at`].
impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse_at(text, Timestamp::now())
    }
}

/// Writes the language that [`Filter::parse_at`] parses. Filters that differ only in how their
/// parts are grouped are written the same.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_filter(&self.clone().flattened(), Context::Top, f)
    }
}

impl Filter {
    /// Merges *all* within *all* and *any* within *any*, and unwraps those with a single part.
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

/// Flattens the parts of an *all* or *any* and joins them again.
fn joined(
    filters: Vec<Filter>,
    join: fn(Vec<Filter>) -> Filter,
    parts: fn(Filter) -> Vec<Filter>,
) -> Filter {
    let flattened: Vec<_> = filters
        .into_iter()
        .flat_map(|filter| parts(filter.flattened()))
        .collect();
    match <[Filter; 1]>::try_from(flattened) {
        Ok([only]) => only,
        Err(several) => join(several),
    }
}

/// The context that a filter is written in, ordered from the loosest binding to the tightest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Context {
    Top,
    InAll,
    InNot,
}

fn write_filter(filter: &Filter, context: Context, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match filter {
        Filter::Name(pattern) => write!(f, "name {}", Match(pattern)),
        Filter::Provider(pattern) => write!(f, "provider {}", Match(pattern)),
        Filter::Account(pattern) => write!(f, "account {}", Match(pattern)),
        Filter::Id(id) => write!(f, "id = {}", Quoted(id.as_str())),
        Filter::Description(predicate) => write!(f, "description {}", Text(predicate)),
        Filter::Scopes(predicate) => write!(f, "scopes {}", Text(predicate)),
        Filter::Attribute(name, predicate) if is_word(name) && is_annotation(name) => {
            write!(f, "{name} {}", Text(predicate))
        }
        Filter::Attribute(name, predicate) if is_word(name) => {
            write!(f, "attribute.{name} {}", Text(predicate))
        }
        Filter::Attribute(name, predicate) => {
            write!(f, "attribute.{} {}", Quoted(name), Text(predicate))
        }
        Filter::State(state) => write!(f, "state = {}", state.as_str()),
        Filter::Owner(OwnerPredicate::Is(owner)) => write!(f, "owner = {}", Quoted(owner)),
        Filter::Owner(OwnerPredicate::Absent) => f.write_str("owner is none"),
        Filter::Owner(OwnerPredicate::NotReported) => f.write_str("owner is not_reported"),
        Filter::Created(predicate) => write!(f, "created_at {}", Comparison(*predicate)),
        Filter::Expiry(predicate) => write!(f, "expiry {}", Comparison(*predicate)),
        Filter::LastUsed(predicate) => write!(f, "last_used {}", Comparison(*predicate)),
        Filter::Updated(predicate) => write!(f, "updated_at {}", Comparison(*predicate)),
        Filter::All(parts) if parts.is_empty() => f.write_str("everything"),
        Filter::Any(parts) if parts.is_empty() => f.write_str("nothing"),
        Filter::All(parts) if context < Context::InNot => {
            write_joined(parts, " and ", Context::InAll, f)
        }
        Filter::Any(parts) if context < Context::InAll => {
            write_joined(parts, " or ", Context::Top, f)
        }
        Filter::All(_) | Filter::Any(_) => {
            f.write_str("(")?;
            write_filter(filter, Context::Top, f)?;
            f.write_str(")")
        }
        Filter::Not(filter) => {
            f.write_str("not ")?;
            write_filter(filter, Context::InNot, f)
        }
    }
}

fn write_joined(
    parts: &[Filter],
    separator: &str,
    context: Context,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write_filter(part, context, f)?;
    }
    Ok(())
}

/// A pattern as text, after the name of its field.
struct Match<'a>(&'a NamePattern);

impl fmt::Display for Match<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            NamePattern::Exact(text) => write!(f, "= {}", Quoted(text)),
            NamePattern::Prefix(prefix) => write!(f, "^= {}", Quoted(prefix)),
            NamePattern::Glob(glob) => write!(f, "~ {}", Quoted(glob)),
        }
    }
}

/// A text predicate as text, after the name of its field.
struct Text<'a>(&'a TextPredicate);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            TextPredicate::Matches(pattern) => Match(pattern).fmt(f),
            TextPredicate::Absent => f.write_str("is none"),
            TextPredicate::NotReported => f.write_str("is not_reported"),
            TextPredicate::Time(predicate) => Comparison(*predicate).fmt(f),
        }
    }
}

/// A time predicate as text, after the name of its field.
struct Comparison(TimePredicate);

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            TimePredicate::Before(end) => write!(f, "< {end}"),
            TimePredicate::From(start) => write!(f, ">= {start}"),
            TimePredicate::After(start) => write!(f, "> {start}"),
            TimePredicate::UpTo(end) => write!(f, "<= {end}"),
            TimePredicate::Never => f.write_str("is never"),
            TimePredicate::NotReported => f.write_str("is not_reported"),
        }
    }
}

/// A string in double quotes, escaped to one line.
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
