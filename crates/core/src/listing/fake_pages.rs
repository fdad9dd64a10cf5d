//! A fake source of pages for the tests of listings.

use crate::model::{Token, TokenId, TokenState};
use crate::provider::{ListCapability, OrderCapability, Page, PagePosition, PageRequest, Paging};
use crate::query::{Direction, SortKey};

/// The distance between two ids, so that tokens can be created between them.
const GAP: u32 = 1 << 16;

/// The tokens of a platform, in the order in which it lists them.
#[derive(Debug, Clone)]
pub(super) struct FakePages {
    pub(super) ids: Vec<u32>,
    pub(super) last_id: u32,
}

impl FakePages {
    /// Returns tokens with the ids from 1 to `count`.
    pub(super) fn new(count: u32) -> Self {
        Self::from_ids(1..=count)
    }

    /// Returns tokens with these ids.
    pub(super) fn from_ids(ids: impl IntoIterator<Item = u32>) -> Self {
        let ids: Vec<_> = ids.into_iter().collect();
        let last_id = ids.iter().copied().max().unwrap_or_default();
        Self { ids, last_id }
    }

    /// Returns tokens between whose ids others can be created.
    pub(super) fn with_gaps(count: u32) -> Self {
        Self::from_ids((1..=count).map(|id| id * GAP))
    }

    /// Creates a token at the end.
    pub(super) fn create(&mut self) {
        self.last_id += 1;
        self.ids.push(self.last_id);
    }

    /// Creates a token before so many of the newest ones, if there is a gap.
    pub(super) fn create_before(&mut self, newest: usize) {
        let at = self.ids.len().saturating_sub(newest);
        let below = at.checked_sub(1).map_or(0, |below| self.ids[below]);
        match self.ids.get(at) {
            Some(above) if above - below > 1 => self.ids.insert(at, below + (above - below) / 2),
            Some(_) => {}
            None => {
                self.last_id += GAP;
                self.ids.push(self.last_id);
            }
        }
    }

    /// Creates a token at an index, in an order that does not follow ids.
    pub(super) fn create_at(&mut self, index: usize) {
        self.last_id += 1;
        let index = index % (self.ids.len() + 1);
        self.ids.insert(index, self.last_id);
    }

    /// Deletes the token at an index, if there are any.
    pub(super) fn delete(&mut self, index: usize) {
        if !self.ids.is_empty() {
            self.ids.remove(index % self.ids.len());
        }
    }

    /// Returns the page that an honest platform sends.
    pub(super) fn page(&self, request: &PageRequest) -> Page {
        let (number, size) = (request.number().unwrap(), request.size.unwrap());
        let mut ids = self.ids.clone();
        if request.sort.map(|by| by.direction) == Some(Direction::Descending) {
            ids.reverse();
        }
        let start = (number as usize)
            .saturating_mul(size as usize)
            .min(ids.len());
        let end = (start + size as usize).min(ids.len());
        Page {
            tokens: ids[start..end].iter().map(|id| token(*id)).collect(),
            total: Some(ids.len() as u64),
            number: Some(number),
            size: Some(size),
            next: (end < ids.len()).then_some(PagePosition::Number(number + 1)),
            served_at: None,
        }
    }

    /// Returns the page that an honest platform sends whose positions are the ids of tokens.
    pub(super) fn keyset_page(&self, request: &PageRequest) -> Page {
        let after: Option<u32> = match &request.position {
            PagePosition::Token(text) => Some(text.parse().unwrap()),
            _ => None,
        };
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        if request.sort.map(|by| by.direction) == Some(Direction::Descending) {
            ids.reverse();
            ids.retain(|id| after.is_none_or(|after| *id < after));
        } else {
            ids.retain(|id| after.is_none_or(|after| *id > after));
        }
        page_of(&ids, request.size.unwrap())
    }
}

/// Returns the last page of these tokens, or the first one if there are more than fit.
pub(super) fn page_of(ids: &[u32], size: u32) -> Page {
    let end = ids.len().min(size as usize);
    let last = ids[..end].last().filter(|_| end < ids.len());
    Page {
        tokens: ids[..end].iter().map(|id| token(*id)).collect(),
        next: last.map(|id| PagePosition::Token(id.to_string())),
        ..Page::default()
    }
}

/// Returns an active token with this id.
pub(super) fn token(id: u32) -> Token {
    Token::new(TokenId::new(id.to_string()), TokenState::Active)
}

/// Returns the ids of tokens as numbers.
pub(super) fn ids(tokens: &[Token]) -> Vec<u32> {
    let number = |token: &Token| token.id.as_str().parse().unwrap();
    tokens.iter().map(number).collect()
}

/// Returns a platform that names pages by keyset cursors, in its own order.
pub(super) fn keyset() -> ListCapability {
    ListCapability::new(Paging::Keyset)
}

/// Returns a platform that names pages by keyset cursors, ordered by id in one direction.
pub(super) fn keyset_by_id(direction: Direction) -> ListCapability {
    keyset().with_order(append_only(SortKey::Id).with_direction(direction))
}

fn numbered_with_totals() -> ListCapability {
    ListCapability::new(Paging::Numbered).with_totals()
}

fn append_only(key: SortKey) -> OrderCapability {
    OrderCapability::new(key)
        .with_exact_order()
        .with_stable_keys()
        .with_append_only()
}

/// Returns a platform from which tokens vanish and whose new tokens come last: scanned backward.
pub(super) fn vanishing() -> ListCapability {
    numbered_with_totals().with_order(append_only(SortKey::Id))
}

/// Returns the same platform, ordered by creation instead of by id.
pub(super) fn vanishing_by_creation() -> ListCapability {
    numbered_with_totals().with_order(append_only(SortKey::Created))
}

/// Returns a platform from which nothing vanishes and whose new tokens come last: scanned forward.
pub(super) fn appending() -> ListCapability {
    vanishing().without_vanishing_tokens()
}

/// Returns a platform from which nothing vanishes and whose new tokens come anywhere in an order
/// that cannot be checked.
pub(super) fn growing() -> ListCapability {
    numbered_with_totals()
        .without_vanishing_tokens()
        .with_order(OrderCapability::new(SortKey::Name).with_stable_keys())
}
