//! What a caller asks a listing for.

mod filter;
mod sort;

pub use filter::{Filter, NamePattern, OwnerPredicate, TimePredicate};
pub use sort::{Direction, NullsOrder, SortBy, SortKey};

use std::cmp::Ordering;

use crate::model::Token;

/// Which tokens to list, in which order, and how much work that may cost.
///
/// Whatever a platform can do itself is left to it; the rest is done here, with the same result. Filter and order can
/// be built, or read from the text that people write on the command line and in a configuration:
///
/// ```
/// use tokenfleet_core::query::SortBy;
/// use tokenfleet_core::{Direction, Filter, Query, SortKey, TokenState};
///
/// let built = Query::new()
///     .filter(Filter::name_glob("ci-*").and(Filter::State(TokenState::Active)))
///     .sort_by(SortKey::Created, Direction::Descending)
///     .limit(10);
/// let read = Query::new()
///     .filter("name ~ ci-* and state = active".parse()?)
///     .sort_by_keys(SortBy::parse_all("created:desc")?)
///     .limit(10);
/// assert_eq!(built, read);
/// # Ok::<(), tokenfleet_core::Error>(())
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
    pub max_concurrency: u32,
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
            max_concurrency: 16,
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
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(match self.filter {
            Some(earlier) => earlier.and(filter),
            None => filter,
        });
        self
    }

    /// Sorted by one more key.
    #[must_use]
    pub fn sort_by(mut self, key: SortKey, direction: Direction) -> Self {
        self.sort.push(SortBy::new(key, direction));
        self
    }

    /// Sorted by these keys too, such as [`SortBy::parse_all`] reads them.
    #[must_use]
    pub fn sort_by_keys(mut self, keys: impl IntoIterator<Item = SortBy>) -> Self {
        self.sort.extend(keys);
        self
    }

    /// Without the first `offset` tokens.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// At most `limit` tokens.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Holding at most `scan_limit` tokens in memory where they must be sorted here.
    #[must_use]
    pub fn scan_limit(mut self, scan_limit: u64) -> Self {
        self.scan_limit = scan_limit;
        self
    }

    /// Asking for `size` tokens per page.
    #[must_use]
    pub fn page_size(mut self, size: u32) -> Self {
        self.page_size = Some(size);
        self
    }

    /// Asking for that many pages at a time, at most.
    #[must_use]
    pub fn max_concurrency(mut self, pages: u32) -> Self {
        self.max_concurrency = pages;
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
