//! One page of a listing.

use crate::model::Token;
use crate::query::{Filter, SortBy};

/// The last page that can be asked for: far beyond what any platform has, and safe to count with.
pub(crate) const LAST_PAGE: u64 = 1 << 40;

/// Which page of which tokens a provider shall read.
///
/// A filter or an order in it is what the platform itself shall apply: it must be among the declared
/// [`ListCapability`](crate::ListCapability), or the request is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PageRequest {
    /// Where the page lies.
    pub position: PagePosition,
    /// How many tokens it shall hold at most; `None` leaves it to the platform.
    pub size: Option<u32>,
    /// Only tokens that match. The platform may return more, never fewer.
    pub filter: Option<Filter>,
    /// In this order.
    pub sort: Option<SortBy>,
}

impl PageRequest {
    /// The first page of all tokens.
    #[must_use]
    pub fn first() -> Self {
        Self::default()
    }

    /// The page at that position.
    #[must_use]
    pub fn position(mut self, position: PagePosition) -> Self {
        self.position = position;
        self
    }

    /// Of at most that many tokens.
    #[must_use]
    pub fn size(mut self, size: u32) -> Self {
        self.size = Some(size);
        self
    }

    /// Of the tokens that match.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// In that order.
    #[must_use]
    pub fn sort_by(mut self, sort: SortBy) -> Self {
        self.sort = Some(sort);
        self
    }

    /// The number of the requested page, counted from 0, unless the position is a token.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.position.number()
    }
}

/// Where a page lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PagePosition {
    /// At the beginning.
    #[default]
    First,
    /// By number, counted from 0 whatever the platform counts from.
    Number(u64),
    /// By a text that the platform gave with the page before.
    Token(String),
}

impl PagePosition {
    /// Returns the number of the page, counted from 0, unless the position is a token.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::First => Some(0),
            Self::Number(number) => Some(*number),
            Self::Token(_) => None,
        }
    }
}

/// What a platform answered for one page.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Page {
    /// The tokens, in the platform's order.
    pub tokens: Vec<Token>,
    /// How many tokens match in all, as far as the platform says.
    pub total: Option<u64>,
    /// The page's number as the platform repeats it, counted from 0.
    pub number: Option<u64>,
    /// The page size as the platform applied it.
    pub size: Option<u32>,
    /// Where the next page lies; `None`: this is the last one.
    pub next: Option<PagePosition>,
}

impl Page {
    /// The last page, of which nothing more is known.
    #[must_use]
    pub fn last(tokens: Vec<Token>) -> Self {
        Self {
            tokens,
            ..Self::default()
        }
    }
}
