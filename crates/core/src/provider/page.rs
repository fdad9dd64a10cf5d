//! The request for one page of tokens, and the page itself.

use crate::model::{Timestamp, Token};
use crate::query::{Filter, SortBy};

/// The largest page number that can be requested: far beyond any real listing, and small enough
/// that arithmetic cannot overflow.
pub(crate) const LAST_PAGE: u64 = 1 << 40;

/// A request for one page of tokens.
///
/// The platform itself applies the filter and the order, so they must be declared in the
/// [`ListCapability`](crate::capability::ListCapability).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PageRequest {
    /// The position of the page.
    pub position: PagePosition,
    /// The maximum number of tokens of the page; `None` leaves it to the platform.
    pub size: Option<u32>,
    /// The filter that tokens must match. The platform may return more tokens, but never fewer.
    pub filter: Option<Filter>,
    /// The order of the tokens; `None` leaves it to the platform.
    pub sort: Option<SortBy>,
}

impl PageRequest {
    /// Creates a request for the first page of all tokens.
    #[must_use]
    pub fn first() -> Self {
        Self::default()
    }

    /// Sets the position of the page.
    #[must_use]
    pub fn position(mut self, position: PagePosition) -> Self {
        self.position = position;
        self
    }

    /// Sets the maximum number of tokens of the page.
    #[must_use]
    pub fn size(mut self, size: u32) -> Self {
        self.size = Some(size);
        self
    }

    /// Sets the filter.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Sets the order.
    #[must_use]
    pub fn sort_by(mut self, sort: SortBy) -> Self {
        self.sort = Some(sort);
        self
    }

    /// Returns the number of the requested page, counted from 0, or `None` for a page token.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.position.number()
    }
}

/// The position of a page in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PagePosition {
    /// The first page.
    #[default]
    First,
    /// The page with this number, counted from 0 whatever the platform counts from.
    Number(u64),
    /// The page that this page token identifies. The platform returned it with the previous page.
    Token(String),
}

impl PagePosition {
    /// Returns the page number, counted from 0, or `None` for a page token.
    ///
    /// ```
    /// use tokenfleet_core::adapter::PagePosition;
    ///
    /// assert_eq!(PagePosition::First.number(), Some(0));
    /// assert_eq!(PagePosition::Number(3).number(), Some(3));
    /// assert_eq!(PagePosition::Token("abc".into()).number(), None);
    /// ```
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::First => Some(0),
            Self::Number(number) => Some(*number),
            Self::Token(_) => None,
        }
    }
}

/// One page of tokens, as a platform returned it.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Page {
    /// The tokens, in the platform's order.
    pub tokens: Vec<Token>,
    /// The total number of matching tokens, if the platform reports it.
    pub total: Option<u64>,
    /// The page number as the platform reports it, counted from 0.
    pub number: Option<u64>,
    /// The page size that the platform applied.
    pub size: Option<u32>,
    /// The position of the next page; `None` if this is the last one.
    pub next: Option<PagePosition>,
    /// The time on the platform's clock when it sent the page, if it says so (the `Date` of an HTTP
    /// response). It tells which tokens are too old for new ones to come before them
    /// (decision 0019).
    pub served_at: Option<Timestamp>,
}

impl Page {
    /// Creates a last page without a total, a number or a size.
    #[must_use]
    pub fn last(tokens: Vec<Token>) -> Self {
        Self {
            tokens,
            ..Self::default()
        }
    }
}
