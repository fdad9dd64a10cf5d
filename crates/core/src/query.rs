//! The query of a listing: filter, order and limits.

mod filter;
mod sort;

pub use filter::{Filter, NamePattern, OwnerPredicate, TextPredicate, TimePredicate};
pub use sort::{Direction, NullsOrder, SortBy, SortKey};

use std::cmp::Ordering;

use crate::model::Token;

/// A query for tokens: which ones to list, in which order, and how much work that may cost.
///
/// The platform filters and sorts if it can; otherwise this crate does, with the same result. A
/// filter and an order can be built, or parsed from the text that people write on the command line
/// and in a configuration:
///
/// ```
/// use tokenfleet_core::query::SortBy;
/// use tokenfleet_core::{Direction, Filter, Query, SortKey, TokenState};
///
/// let built = Query::new()
///     .filter(Filter::name_glob("ci-*").and(Filter::State(TokenState::Active)))
///     .sort_by(SortKey::Created, Direction::Descending)
///     .limit(10);
/// let parsed = Query::new()
///     .filter("name ~ ci-* and state = active".parse()?)
///     .sort_by_keys(SortBy::parse_all("created:desc")?)
///     .limit(10);
/// assert_eq!(built, parsed);
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// The filter that tokens must match; `None` lists all.
    pub filter: Option<Filter>,
    /// The sort keys, most significant first; ties are ordered by ascending id. Without a key, the
    /// order is arbitrary.
    pub sort: Vec<SortBy>,
    /// The number of tokens to skip at the beginning.
    pub offset: u64,
    /// The maximum number of tokens to list.
    pub limit: Option<u64>,
    /// The maximum number of tokens to hold in memory for client-side sorting. Exceeding it is an
    /// error, never a shorter list.
    pub scan_limit: u64,
    /// The number of tokens to request per page; `None` leaves it to the provider.
    pub page_size: Option<u32>,
    /// The maximum number of pages to fetch concurrently, where that cannot lose a token.
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
    /// Creates a query for all tokens, in any order.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a filter; tokens must match it and every filter added before.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(match self.filter {
            Some(earlier) => earlier.and(filter),
            None => filter,
        });
        self
    }

    /// Adds a sort key, less significant than those added before.
    #[must_use]
    pub fn sort_by(mut self, key: SortKey, direction: Direction) -> Self {
        self.sort.push(SortBy::new(key, direction));
        self
    }

    /// Adds several sort keys, for example from [`SortBy::parse_all`].
    #[must_use]
    pub fn sort_by_keys(mut self, keys: impl IntoIterator<Item = SortBy>) -> Self {
        self.sort.extend(keys);
        self
    }

    /// Sets the number of tokens to skip at the beginning.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Sets the maximum number of tokens to list.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets the maximum number of tokens to hold in memory for client-side sorting.
    #[must_use]
    pub fn scan_limit(mut self, scan_limit: u64) -> Self {
        self.scan_limit = scan_limit;
        self
    }

    /// Sets the number of tokens to request per page.
    #[must_use]
    pub fn page_size(mut self, size: u32) -> Self {
        self.page_size = Some(size);
        self
    }

    /// Sets the maximum number of pages to fetch concurrently.
    #[must_use]
    pub fn max_concurrency(mut self, pages: u32) -> Self {
        self.max_concurrency = pages;
        self
    }

    /// Compares two tokens by the sort keys, then by ascending id.
    #[must_use]
    pub fn compare(&self, a: &Token, b: &Token) -> Ordering {
        self.sort
            .iter()
            .map(|by| by.compare(a, b))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| a.id.cmp(&b.id))
    }

    /// Applies this query to tokens in memory.
    ///
    /// This defines the result of a query: every listing must agree with it.
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
