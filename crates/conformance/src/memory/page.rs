//! How the platform in memory cuts its tokens into pages.

use std::cmp::Ordering;

use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::capability::Paging;
use tokenfleet_core::query::{NamePattern, SortBy};
use tokenfleet_core::{
    Direction, Error, ErrorKind, Fate, Filter, Query, Result, SortKey, Token, TokenState,
};

use super::platform::State;

const USUAL_PAGE: u32 = 30;

impl State {
    /// One page, in the order and with the filter of the request.
    pub(super) fn page(&mut self, request: &PageRequest) -> Result<Page> {
        let Some(list) = self.profile.capabilities.list.clone() else {
            return Err(Error::unsupported("the platform has no such operation"));
        };
        let largest = list.max_page_size.unwrap_or(u32::MAX);
        let usual = list.default_page_size.unwrap_or(USUAL_PAGE.min(largest));
        let size = request.size.unwrap_or(usual);
        let mut page = match (list.paging, &request.position) {
            (Paging::Numbered, position) => {
                let number = match position {
                    PagePosition::Number(number) => *number,
                    _ => 0,
                };
                self.numbered(request, number, size)
            }
            (Paging::Snapshot, position) => self.of_snapshot(request, position, size)?,
            (_, position) => self.sequential(request, position, size)?,
        };
        page.size = Some(size);
        if !list.totals {
            page.total = None;
        }
        Ok(page)
    }

    fn numbered(&self, request: &PageRequest, number: u64, size: u32) -> Page {
        let tokens = self.matching(request);
        let start = number.saturating_mul(u64::from(size));
        let mut page = cut(&tokens, start, size);
        page.number = Some(number);
        if page.next.is_some() {
            page.next = Some(PagePosition::Number(number + 1));
        }
        page
    }

    fn of_snapshot(
        &mut self,
        request: &PageRequest,
        position: &PagePosition,
        size: u32,
    ) -> Result<Page> {
        let (snapshot, start) = match position {
            PagePosition::Token(token) => parse(token).ok_or_else(bad_position)?,
            _ => {
                let snapshot = self.snapshots.len() as u64;
                let tokens = self.matching(request);
                self.snapshots.insert(snapshot, tokens);
                (snapshot, 0)
            }
        };
        let tokens = self.snapshots.get(&snapshot).ok_or_else(bad_position)?;
        let mut page = cut(tokens, start, size);
        if page.next.is_some() {
            let next = start + u64::from(size);
            page.next = Some(PagePosition::Token(format!("{snapshot}+{next}")));
        }
        Ok(page)
    }

    /// Pages that begin after the last token of the page before, wherever that would be by now.
    fn sequential(
        &mut self,
        request: &PageRequest,
        position: &PagePosition,
        size: u32,
    ) -> Result<Page> {
        let mut tokens = self.matching(request);
        match position {
            PagePosition::First => {}
            PagePosition::Token(text) => {
                let mark = text.parse().ok();
                let last = mark.and_then(|mark: usize| self.marks.get(mark));
                let last = last.ok_or_else(bad_position)?;
                tokens.retain(|token| self.compare(request.sort, last, token).is_lt());
            }
            _ => return Err(bad_position()),
        }
        let mut page = cut(&tokens, 0, size);
        if let (Some(_), Some(last)) = (&page.next, page.tokens.last()) {
            page.next = Some(PagePosition::Token(self.marks.len().to_string()));
            self.marks.push(last.clone());
        }
        Ok(page)
    }

    fn matching(&self, request: &PageRequest) -> Vec<Token> {
        let records = self.records.iter();
        let mut tokens: Vec<_> = records
            .map(|record| (record.told(&self.profile, self.now), record.suspended))
            .chain(self.shown.iter().map(|token| (token.clone(), false)))
            .filter(|(token, suspended)| match &request.filter {
                Some(filter) => self.lets_pass(filter, token.clone(), *suspended),
                None => true,
            })
            .map(|(token, _)| token)
            .collect();
        tokens.sort_by(|a, b| self.compare(request.sort, a, b));
        tokens
    }

    /// Looser than asked for, as platforms are: case does not count, and an expired token that was not suspended counts
    /// as active.
    fn lets_pass(&self, filter: &Filter, mut token: Token, suspended: bool) -> bool {
        if token.state == TokenState::Expired && !self.filters_by_expired() {
            token.state = if suspended {
                TokenState::Suspended
            } else {
                TokenState::Active
            };
        }
        token.name = token.name.map(|name| name.to_ascii_lowercase());
        in_lower_case(filter).matches(&token)
    }

    fn filters_by_expired(&self) -> bool {
        let list = self.profile.capabilities.list.as_ref();
        list.is_some_and(|list| list.filters.states.contains(&TokenState::Expired))
    }

    /// Exactly where that is declared, otherwise with a collation and places for null of its own. What an order does not
    /// tell apart, and what is asked for in no order, comes newest first.
    fn compare(&self, sort: Option<SortBy>, a: &Token, b: &Token) -> Ordering {
        let newest_first = b.id.cmp(&a.id);
        let Some(sort) = sort else {
            return newest_first;
        };
        let list = self.profile.capabilities.list.as_ref();
        let order = list.and_then(|list| list.order(sort.key));
        if order.is_some_and(|order| order.exact) {
            return match share_a_value(sort.key, a, b) {
                true => newest_first,
                false => Query::new().sort_by_keys([sort]).compare(a, b),
            };
        }
        let ascending = match sort.key {
            SortKey::Id => a.id.as_str().cmp(b.id.as_str()),
            SortKey::Name => lower(a).cmp(&lower(b)),
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

fn share_a_value(key: SortKey, a: &Token, b: &Token) -> bool {
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

fn lower(token: &Token) -> Option<String> {
    token.name.known().map(|name| name.to_lowercase())
}

fn in_lower_case(filter: &Filter) -> Filter {
    let pattern = |pattern: &NamePattern| match pattern {
        NamePattern::Exact(name) => NamePattern::Exact(name.to_ascii_lowercase()),
        NamePattern::Prefix(prefix) => NamePattern::Prefix(prefix.to_ascii_lowercase()),
        NamePattern::Glob(glob) => NamePattern::Glob(glob.to_ascii_lowercase()),
        other => other.clone(),
    };
    match filter {
        Filter::Name(name) => Filter::Name(pattern(name)),
        Filter::All(filters) => Filter::All(filters.iter().map(in_lower_case).collect()),
        Filter::Any(filters) => Filter::Any(filters.iter().map(in_lower_case).collect()),
        other => other.clone(),
    }
}

/// The tokens from `start` on; the next position is only marked, for the caller to name.
fn cut(tokens: &[Token], start: u64, size: u32) -> Page {
    let begin = usize::try_from(start)
        .unwrap_or(usize::MAX)
        .min(tokens.len());
    let end = begin.saturating_add(size as usize).min(tokens.len());
    let mut page = Page::last(tokens[begin..end].to_vec());
    page.total = Some(tokens.len() as u64);
    page.next = (end < tokens.len() && begin < end).then_some(PagePosition::First);
    page
}

fn parse(token: &str) -> Option<(u64, u64)> {
    let (snapshot, start) = token.split_once('+')?;
    Some((snapshot.parse().ok()?, start.parse().ok()?))
}

fn bad_position() -> Error {
    Error::new(
        ErrorKind::InvalidCursor,
        Fate::Rejected,
        "the platform knows no such page",
    )
}
