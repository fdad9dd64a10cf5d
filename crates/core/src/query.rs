//! Which tokens a caller wants, and in which order.

use std::cmp::Ordering;

use crate::{Fact, Timestamp, Token, TokenState};

/// Which tokens to list, in which order, and how much work that may cost.
///
/// Whatever a platform can do itself is left to it; the rest is done here, with the same result.
///
/// ```
/// use tokenfleet_core::{Direction, Filter, Query, SortKey, TokenState};
///
/// let query = Query::new()
///     .matching(Filter::name_glob("ci-*").and(Filter::State(TokenState::Active)))
///     .sorted_by(SortKey::Created, Direction::Descending)
///     .limited_to(10);
/// assert_eq!(query.limit, Some(10));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// Only tokens that match; `None`: all.
    pub filter: Option<Filter>,
    /// The order, first key first; ties are ordered by ascending id. Empty: any order.
    pub sort: Vec<SortBy>,
    /// Leave out that many of the first.
    pub offset: u64,
    /// At most that many.
    pub limit: Option<u64>,
    /// How many tokens may be held in memory to sort them here. Exceeding it is an error, never a shorter list.
    pub scan_limit: u64,
    /// How many tokens to ask for per page; `None` leaves it to the platform.
    pub page_size: Option<u32>,
    /// How many pages to ask for at a time, at most, where reading them side by side loses nothing.
    pub pages_at_a_time: u32,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            filter: None,
            sort: Vec::new(),
            offset: 0,
            limit: None,
            scan_limit: 100_000,
            page_size: None,
            pages_at_a_time: 16,
        }
    }
}

impl Query {
    /// All tokens, in any order.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only tokens that match `filter`, and every filter given before.
    #[must_use]
    pub fn matching(mut self, filter: Filter) -> Self {
        self.filter = Some(match self.filter {
            Some(earlier) => earlier.and(filter),
            None => filter,
        });
        self
    }

    /// Sorted by one more key.
    #[must_use]
    pub fn sorted_by(mut self, key: SortKey, direction: Direction) -> Self {
        self.sort.push(SortBy::new(key, direction));
        self
    }

    /// Without the first `offset` tokens.
    #[must_use]
    pub fn skipping(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// At most `limit` tokens.
    #[must_use]
    pub fn limited_to(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Holding at most `scan_limit` tokens in memory where they must be sorted here.
    #[must_use]
    pub fn scanning_at_most(mut self, scan_limit: u64) -> Self {
        self.scan_limit = scan_limit;
        self
    }

    /// Asking for `size` tokens per page.
    #[must_use]
    pub fn with_page_size(mut self, size: u32) -> Self {
        self.page_size = Some(size);
        self
    }

    /// Asking for that many pages at a time, at most.
    #[must_use]
    pub fn with_pages_at_a_time(mut self, pages: u32) -> Self {
        self.pages_at_a_time = pages;
        self
    }

    /// How two tokens are ordered by this query: its keys, then ascending id.
    #[must_use]
    pub fn compare(&self, a: &Token, b: &Token) -> Ordering {
        self.sort
            .iter()
            .map(|by| by.compare(a, b))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| a.id.cmp(&b.id))
    }

    /// What this query answers for a list that is all in memory: the definition that every execution must agree with.
    #[must_use]
    pub fn evaluate(&self, mut tokens: Vec<Token>) -> Vec<Token> {
        if let Some(filter) = &self.filter {
            tokens.retain(|token| filter.matches(token));
        }
        if !self.sort.is_empty() {
            tokens.sort_by(|a, b| self.compare(a, b));
        }
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok());
        tokens
            .into_iter()
            .skip(offset)
            .take(limit.unwrap_or(usize::MAX))
            .collect()
    }
}

/// One key of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SortBy {
    /// What to compare.
    pub key: SortKey,
    /// Which way.
    pub direction: Direction,
}

impl SortBy {
    /// By that key, that way.
    #[must_use]
    pub fn new(key: SortKey, direction: Direction) -> Self {
        Self { key, direction }
    }

    fn compare(self, a: &Token, b: &Token) -> Ordering {
        let order = match self.key {
            SortKey::Id => a.id.cmp(&b.id),
            SortKey::Name => a.name.cmp(&b.name),
            SortKey::State => a.state.cmp(&b.state),
            SortKey::Created => a.created_at.cmp(&b.created_at),
            SortKey::Updated => a.updated_at.cmp(&b.updated_at),
            SortKey::Expiry => a.expiry.cmp(&b.expiry),
            SortKey::LastUsed => a.last_used.cmp(&b.last_used),
        };
        match self.direction {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }
}

/// What tokens can be ordered by.
///
/// Names compare by code points; facts compare known values first, then none, then not reported (so that, ascending,
/// tokens that never expire come after those that do). Descending is exactly the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SortKey {
    /// By id, see [`TokenId`](crate::TokenId).
    Id,
    /// By name.
    Name,
    /// By state, in the order of [`TokenState`].
    State,
    /// By creation.
    Created,
    /// By last change.
    Updated,
    /// By expiry.
    Expiry,
    /// By last use.
    LastUsed,
}

impl SortKey {
    /// All keys.
    pub const ALL: [Self; 7] = [
        Self::Id,
        Self::Name,
        Self::State,
        Self::Created,
        Self::Updated,
        Self::Expiry,
        Self::LastUsed,
    ];

    /// The key as it is spelt on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::State => "state",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Expiry => "expiry",
            Self::LastUsed => "last-used",
        }
    }
}

/// Which way to sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

/// Which tokens match.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// Whose name is known and matches.
    Name(NamePattern),
    /// That are in this state.
    State(TokenState),
    /// By creation.
    Created(When),
    /// By expiry; [`When::Never`]: those that never expire.
    Expiry(When),
    /// By last use; [`When::Never`]: those never used.
    LastUsed(When),
    /// That match all of these.
    All(Vec<Filter>),
    /// That match one of these.
    Any(Vec<Filter>),
    /// That do not match this.
    Not(Box<Filter>),
}

/// A condition on a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum When {
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

    /// Tokens whose name matches a pattern with `*`.
    pub fn name_glob(glob: impl Into<String>) -> Self {
        Self::Name(NamePattern::Glob(glob.into()))
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

    /// Whether a token matches.
    #[must_use]
    pub fn matches(&self, token: &Token) -> bool {
        match self {
            Self::Name(pattern) => token.name.known().is_some_and(|name| pattern.matches(name)),
            Self::State(state) => token.state == *state,
            Self::Created(when) => when.matches(token.created_at),
            Self::Expiry(when) => when.matches(token.expiry),
            Self::LastUsed(when) => when.matches(token.last_used),
            Self::All(filters) => filters.iter().all(|filter| filter.matches(token)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches(token)),
            Self::Not(filter) => !filter.matches(token),
        }
    }
}

impl Filter {
    /// How many bytes of names it holds.
    pub(crate) fn text_length(&self) -> usize {
        match self {
            Self::Name(
                NamePattern::Exact(text) | NamePattern::Prefix(text) | NamePattern::Glob(text),
            ) => text.len(),
            Self::All(filters) | Self::Any(filters) => filters.iter().map(Self::text_length).sum(),
            Self::Not(filter) => filter.text_length(),
            _ => 0,
        }
    }
}

impl When {
    fn matches(self, fact: Fact<Timestamp>) -> bool {
        match self {
            Self::Before(end) => fact.known().is_some_and(|at| *at < end),
            Self::From(start) => fact.known().is_some_and(|at| *at >= start),
            Self::Never => fact.is_none(),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Slow and plainly right.
    fn reference(glob: &[char], name: &[char]) -> bool {
        match (glob.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                reference(rest, name) || (!name.is_empty() && reference(glob, &name[1..]))
            }
            (Some((g, glob)), Some((n, name))) => g == n && reference(glob, name),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_glob_matches_as_its_definition_says(glob in "[ab*é]{0,7}", name in "[ab*é]{0,9}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(glob_matches(&glob, &name), reference(&chars(&glob), &chars(&name)));
        }
    }
}
