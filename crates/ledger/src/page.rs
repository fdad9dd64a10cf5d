//! Pages of long answers, so that memory stays flat.

use std::num::NonZeroUsize;

use tokenfleet_core::TokenId;

/// A request for a page of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageRequest {
    /// The [`Page::next`] of the page before, or `None` for the first one.
    pub after: Option<TokenId>,
    /// The largest number of tokens to look at.
    pub limit: NonZeroUsize,
}

impl PageRequest {
    /// Creates a request for the first page of the given size.
    #[must_use]
    pub fn new(limit: NonZeroUsize) -> Self {
        Self { after: None, limit }
    }

    /// Sets the position after which the page begins.
    #[must_use]
    pub fn with_after(mut self, after: Option<TokenId>) -> Self {
        self.after = after;
        self
    }
}

/// The first page, of 10,000 tokens.
impl Default for PageRequest {
    fn default() -> Self {
        Self::new(NonZeroUsize::MIN.saturating_add(9_999))
    }
}

/// A page of an answer. It may be empty although more pages follow.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The position of the next page, or `None` if this is the last one.
    pub next: Option<TokenId>,
}

impl<T> Page<T> {
    /// Creates a page.
    #[must_use]
    pub fn new(items: Vec<T>, next: Option<TokenId>) -> Self {
        Self { items, next }
    }
}
