//! Paging, filtering and sorting of the reference platform.

use std::cmp::Ordering;

use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::capability::Paging;
use tokenfleet_core::query::{NamePattern, SortBy};
use tokenfleet_core::{Direction, Error, Filter, Query, Result, SortKey, Token, TokenState};

use super::platform::State;
use super::record::Record;
use crate::Fault;

const DEFAULT_PAGE_SIZE: u32 = 30;

impl State {
    /// Returns one page, in the order and with the filter of the request.
    pub(super) fn page(&mut self, request: &PageRequest) -> Result<Page> {
        let Some(list) = self.profile.capabilities.list.clone() else {
            return Err(Error::unsupported("the platform has no such operation"));
        };
        let max = list.max_page_size.unwrap_or(u32::MAX);
        let default = list.default_page_size.unwrap_or(DEFAULT_PAGE_SIZE.min(max));
        let size = match request.size {
            _ if list.unpaged => u32::MAX,
            size => size.unwrap_or(default),
        };
        if self.falsified == Some(Fault::ForgetPosition)
            && matches!(request.position, PagePosition::Token(_))
        {
            return Err(unknown_position());
        }
        let mut page = match (list.paging, &request.position) {
            (Paging::Numbered, position) => {
                let number = match position {
                    PagePosition::Number(number) => *number,
                    _ => 0,
                };
                self.numbered_page(request, number, size)
            }
            (Paging::Snapshot, position) => self.snapshot_page(request, position, size)?,
            (_, position) => self.sequential_page(request, position, size)?,
        };
        page.size = Some(size);
        page.served_at = Some(self.now);
        if !list.totals {
            page.total = None;
        }
        Ok(page)
    }

    fn numbered_page(&self, request: &PageRequest, number: u64, size: u32) -> Page {
        let tokens = self.matching(request);
        let start = number.saturating_mul(u64::from(size));
        let mut page = page_from(&tokens, start, size);
        page.number = Some(number);
        if page.next.is_some() {
            page.next = Some(PagePosition::Number(number + 1));
        }
        page
    }

    fn snapshot_page(
        &mut self,
        request: &PageRequest,
        position: &PagePosition,
        size: u32,
    ) -> Result<Page> {
        let (snapshot, start) = match position {
            PagePosition::Token(token) => {
                parse_snapshot_position(token).ok_or_else(unknown_position)?
            }
            _ => {
                let snapshot = self.snapshots.len() as u64;
                let tokens = self.matching(request);
                self.snapshots.insert(snapshot, tokens);
                (snapshot, 0)
            }
        };
        let tokens = self.snapshots.get(&snapshot).ok_or_else(unknown_position)?;
        let mut page = page_from(tokens, start, size);
        if page.next.is_some() {
            let next = start + u64::from(size);
            page.next = Some(PagePosition::Token(format!("{snapshot}+{next}")));
        }
        Ok(page)
    }

    /// Returns a page that starts after the last token of the previous page, wherever that token
    /// would be now.
    fn sequential_page(
        &mut self,
        request: &PageRequest,
        position: &PagePosition,
        size: u32,
    ) -> Result<Page> {
        let mut tokens = self.matching(request);
        let total = tokens.len() as u64;
        match position {
            PagePosition::First => {}
            PagePosition::Token(text) => {
                let index = text.parse().ok();
                let last = index.and_then(|index: usize| self.page_starts.get(index));
                let last = last.ok_or_else(unknown_position)?;
                tokens.retain(|token| self.compare(request.sort, last, token).is_lt());
            }
            _ => return Err(unknown_position()),
        }
        let mut page = page_from(&tokens, 0, size);
        page.total = Some(total);
        if let (Some(_), Some(last)) = (&page.next, page.tokens.last()) {
            page.next = Some(PagePosition::Token(self.page_starts.len().to_string()));
            self.page_starts.push(last.clone());
        }
        Ok(page)
    }

    fn matching(&self, request: &PageRequest) -> Vec<Token> {
        let is_listed = |record: &&Record| !record.is_unlisted && self.shows(record);
        let records = self.records.iter().filter(is_listed);
        let mut tokens: Vec<_> = records
            .map(|record| (record.to_token(&self.profile, self.now), record.suspended))
            .chain(self.listed_as_is.iter().map(|token| (token.clone(), false)))
            .filter(|(token, suspended)| match &request.filter {
                Some(filter) => self.matches_loosely(filter, token.clone(), *suspended),
                None => true,
            })
            .map(|(token, _)| token)
            .collect();
        tokens.sort_by(|a, b| self.compare(request.sort, a, b));
        tokens
    }

    /// Applies a filter more loosely than requested, as platforms do.
    ///
    /// Case is ignored, and an expired token that was not suspended counts as active.
    fn matches_loosely(&self, filter: &Filter, mut token: Token, suspended: bool) -> bool {
        if token.state == TokenState::Expired && !self.filters_by_expired() {
            token.state = if suspended {
                TokenState::Suspended
            } else {
                TokenState::Active
            };
        }
        token.name = token.name.map(|name| name.to_ascii_lowercase());
        lowercase_filter(filter).matches(&token)
    }

    fn filters_by_expired(&self) -> bool {
        let list = self.profile.capabilities.list.as_ref();
        list.is_some_and(|list| list.filters.states.contains(&TokenState::Expired))
    }

    /// Compares two tokens in the requested order.
    ///
    /// An order that is not declared exact has its own collation and its own place for null. Ties,
    /// and requests without an order, are sorted newest first.
    fn compare(&self, sort: Option<SortBy>, a: &Token, b: &Token) -> Ordering {
        let newest_first = b.id.cmp(&a.id);
        let Some(sort) = sort else {
            return newest_first;
        };
        let list = self.profile.capabilities.list.as_ref();
        let order = list.and_then(|list| list.order(sort.key));
        if order.is_some_and(|order| order.exact) {
            return if have_equal_keys(sort.key, a, b) {
                newest_first
            } else {
                Query::new().sort_by_keys([sort]).compare(a, b)
            };
        }
        let ascending = match sort.key {
            SortKey::Id => a.id.as_str().cmp(b.id.as_str()),
            SortKey::Name => lowercase_name(a).cmp(&lowercase_name(b)),
            SortKey::State => a.state.as_str().cmp(b.state.as_str()),
            SortKey::Created => a.created_at.known().cmp(&b.created_at.known()),
            SortKey::Updated => a.updated_at.known().cmp(&b.updated_at.known()),
            SortKey::Expiry => a.expiry.known().cmp(&b.expiry.known()),
            SortKey::LastUsed => a.last_used.known().cmp(&b.last_used.known()),
            _ => Ordering::Equal,
        };
        let ordered = match sort.direction {
            Direction::Ascending => ascending,
            Direction::Descending => ascending.reverse(),
        };
        ordered.then(newest_first)
    }
}

fn have_equal_keys(key: SortKey, a: &Token, b: &Token) -> bool {
    match key {
        SortKey::Name => a.name == b.name,
        SortKey::State => a.state == b.state,
        SortKey::Created => a.created_at == b.created_at,
        SortKey::Updated => a.updated_at == b.updated_at,
        SortKey::Expiry => a.expiry == b.expiry,
        SortKey::LastUsed => a.last_used == b.last_used,
        _ => a.id == b.id,
    }
}

fn lowercase_name(token: &Token) -> Option<String> {
    token.name.known().map(|name| name.to_lowercase())
}

fn lowercase_filter(filter: &Filter) -> Filter {
    let pattern = |pattern: &NamePattern| match pattern {
        NamePattern::Exact(name) => NamePattern::Exact(name.to_ascii_lowercase()),
        NamePattern::Prefix(prefix) => NamePattern::Prefix(prefix.to_ascii_lowercase()),
        NamePattern::Glob(glob) => NamePattern::Glob(glob.to_ascii_lowercase()),
        other => other.clone(),
    };
    match filter {
        Filter::Name(name) => Filter::Name(pattern(name)),
        Filter::All(filters) => Filter::All(filters.iter().map(lowercase_filter).collect()),
        Filter::Any(filters) => Filter::Any(filters.iter().map(lowercase_filter).collect()),
        other => other.clone(),
    }
}

/// Returns the page of tokens from `start` on.
///
/// If there are more tokens, `next` is a placeholder that the caller replaces.
fn page_from(tokens: &[Token], start: u64, size: u32) -> Page {
    let begin = usize::try_from(start)
        .unwrap_or(usize::MAX)
        .min(tokens.len());
    let end = begin.saturating_add(size as usize).min(tokens.len());
    let mut page = Page::last(tokens[begin..end].to_vec());
    page.total = Some(tokens.len() as u64);
    page.next = (end < tokens.len() && begin < end).then_some(PagePosition::First);
    page
}

fn parse_snapshot_position(token: &str) -> Option<(u64, u64)> {
    let (snapshot, start) = token.split_once('+')?;
    Some((snapshot.parse().ok()?, start.parse().ok()?))
}

fn unknown_position() -> Error {
    Error::cursor_expired("the platform has no such page")
}
