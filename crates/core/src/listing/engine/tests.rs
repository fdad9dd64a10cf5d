//! A shelf of tokens to walk over, and the walking.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::error::Account;
use crate::model::{TokenId, TokenState};
use crate::provider::{FilterCapability, ListCapability, OrderCapability, Paging};
use crate::query::{Direction, Filter, Query};

mod changing;
mod misbehaving;
mod reading;
mod resuming;

/// Between two ids, where tokens may come between them.
const SPACE: u32 = 1 << 16;

/// A platform's tokens in the order that it lists them in.
#[derive(Debug, Clone)]
struct Shelf {
    ids: Vec<u32>,
    last_id: u32,
}

impl Shelf {
    fn of(count: u32) -> Self {
        Self {
            ids: (1..=count).collect(),
            last_id: count,
        }
    }

    /// With room between the ids.
    fn spaced(count: u32) -> Self {
        Self {
            ids: (1..=count).map(|id| id * SPACE).collect(),
            last_id: count * SPACE,
        }
    }

    fn create(&mut self) {
        self.last_id += 1;
        self.ids.push(self.last_id);
    }

    /// Creates a token so many places before the end, if there is room.
    fn create_before(&mut self, newest: usize) {
        let at = self.ids.len().saturating_sub(newest);
        let below = at.checked_sub(1).map_or(0, |below| self.ids[below]);
        match self.ids.get(at) {
            Some(above) if above - below > 1 => self.ids.insert(at, below + (above - below) / 2),
            Some(_) => {}
            None => {
                self.last_id += SPACE;
                self.ids.push(self.last_id);
            }
        }
    }

    fn delete(&mut self, at: usize) {
        if !self.ids.is_empty() {
            self.ids.remove(at % self.ids.len());
        }
    }

    /// An honest answer.
    fn page(&self, request: &PageRequest) -> Page {
        let (number, size) = (request.number().unwrap(), request.size.unwrap());
        let mut ids = self.ids.clone();
        if request.sort.map(|by| by.direction) == Some(Direction::Descending) {
            ids.reverse();
        }
        let start = (number as usize)
            .saturating_mul(size as usize)
            .min(self.ids.len());
        let end = (start + size as usize).min(self.ids.len());
        Page {
            tokens: ids[start..end].iter().map(|id| token(*id)).collect(),
            total: Some(self.ids.len() as u64),
            number: Some(number),
            size: Some(size),
            next: (end < self.ids.len()).then_some(PagePosition::Number(number + 1)),
        }
    }
}

fn token(id: u32) -> Token {
    Token::new(TokenId::new(id.to_string()), TokenState::Active)
}

fn by_id() -> OrderCapability {
    OrderCapability::new(SortKey::Id)
        .with_exact_order()
        .with_stable_keys()
        .with_append_only()
}

/// Tokens vanish, ids grow, totals are told: read backwards.
fn losing() -> ListCapability {
    ListCapability::new(Paging::Numbered)
        .with_totals()
        .with_order(by_id())
}

/// The same, where the order that new tokens come last in is not that of ids.
fn losing_by_creation() -> ListCapability {
    let by_creation = OrderCapability::new(SortKey::Created);
    ListCapability::new(Paging::Numbered)
        .with_totals()
        .with_order(
            by_creation
                .with_exact_order()
                .with_stable_keys()
                .with_append_only(),
        )
}

/// Nothing vanishes, ids grow: read forwards.
fn keeping() -> ListCapability {
    losing().without_vanishing_tokens()
}

/// Nothing vanishes, and new tokens come anywhere in an order that cannot be followed.
fn keeping_by_name() -> ListCapability {
    ListCapability::new(Paging::Numbered)
        .with_totals()
        .without_vanishing_tokens()
        .with_order(OrderCapability::new(SortKey::Name).with_stable_keys())
}

fn plan(list: &ListCapability, size: u32) -> Plan {
    Plan::for_query(&Query::new().page_size(size), list).unwrap()
}

#[derive(Debug)]
struct Walked {
    ids: Vec<u32>,
    end: Result<Completeness>,
    requests: u64,
}

/// Walks to the end, answering each request as it comes.
fn walk(walker: Walker, answer: impl FnMut(&PageRequest) -> Page) -> Walked {
    walk_side_by_side(walker, answer, |_| 0)
}

/// Walks to the end. Of the requests on their way, the chosen one is carried out by the platform, or, when it was, its
/// answer comes.
fn walk_side_by_side(
    mut walker: Walker,
    mut answer: impl FnMut(&PageRequest) -> Page,
    mut choose: impl FnMut(usize) -> usize,
) -> Walked {
    let (mut ids, mut requests) = (Vec::new(), 0);
    let mut on_their_way: Vec<(Moment, PageRequest, Option<Page>)> = Vec::new();
    let mut given_up = 0;
    let end = loop {
        match walker.hand_out() {
            Ok(Some(batch)) => {
                ids.extend(numbers(&batch.tokens));
                continue;
            }
            Ok(None) if walker.is_done() => break Ok(walker.completeness()),
            Ok(None) => {}
            Err(error) => break Err(error),
        }
        if walker.given_up() != given_up {
            given_up = walker.given_up();
            on_their_way.clear();
        }
        while let Some((name, request)) = walker.ask() {
            requests += 1;
            assert!(requests < 50_000, "a walk must end");
            on_their_way.push((name, request, None));
        }
        assert!(!on_their_way.is_empty(), "a walk goes on or ends");
        let chosen = choose(on_their_way.len()) % on_their_way.len();
        match &mut on_their_way[chosen] {
            (_, request, page @ None) => *page = Some(answer(request)),
            _ => {
                let (name, _, page) = on_their_way.remove(chosen);
                walker.answer(name, Ok(page.unwrap()));
            }
        }
    };
    Walked { ids, end, requests }
}

/// How many tokens there are and how many on a page. Of a large page only the last tokens are looked at again.
fn small_or_large_pages() -> impl Strategy<Value = (u32, u32)> {
    let large = (0u32..4_000, 200u32..500);
    prop_oneof![2 => (0u32..40, 1u32..8), 2 => (0u32..300, 1u32..8), 1 => large]
}

fn numbers(tokens: &[Token]) -> impl Iterator<Item = u32> {
    tokens
        .iter()
        .map(|token| token.id.as_str().parse().unwrap())
}

fn is_complete(walked: &Walked) -> bool {
    matches!(walked.end, Ok(Completeness::Complete))
}

/// Every lasting token once, and no token twice.
fn is_exact(walked: &Walked, lasting: &[u32]) -> bool {
    let mut times = HashMap::new();
    for id in &walked.ids {
        *times.entry(*id).or_insert(0) += 1;
    }
    lasting.iter().all(|id| times.contains_key(id)) && times.values().all(|times| *times == 1)
}
