//! Walks over a set that changes, and over platforms that misbehave.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{
    Account, Direction, Filter, FilterCapability, ListCapability, OrderCapability, Paging, Query,
    TokenId, TokenState,
};

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

    fn create(&mut self) {
        self.last_id += 1;
        self.ids.push(self.last_id);
    }

    fn delete(&mut self, at: usize) {
        if !self.ids.is_empty() {
            self.ids.remove(at % self.ids.len());
        }
    }

    /// An honest answer.
    fn page(&self, request: &PageRequest) -> Page {
        let (number, size) = (request.number().unwrap(), request.size.unwrap());
        let start = (number as usize)
            .saturating_mul(size as usize)
            .min(self.ids.len());
        let end = (start + size as usize).min(self.ids.len());
        Page {
            tokens: self.ids[start..end].iter().map(|id| token(*id)).collect(),
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
    OrderCapability::loose(SortKey::Id)
        .exactly()
        .stable()
        .appending()
}

/// Tokens vanish, ids grow, totals are told: read backwards.
fn losing() -> ListCapability {
    ListCapability::new(Paging::Numbered)
        .with_totals()
        .with_order(by_id())
}

/// Nothing vanishes, ids grow: read forwards.
fn keeping() -> ListCapability {
    losing().never_losing_tokens()
}

/// Nothing vanishes, and new tokens come anywhere in an order that cannot be followed.
fn keeping_by_name() -> ListCapability {
    ListCapability::new(Paging::Numbered)
        .with_totals()
        .never_losing_tokens()
        .with_order(OrderCapability::loose(SortKey::Name).stable())
}

fn plan(list: &ListCapability, size: u32) -> Plan {
    Plan::of(&Query::new().with_page_size(size), list).unwrap()
}

#[derive(Debug)]
struct Walked {
    ids: Vec<u32>,
    end: Result<Completeness>,
    requests: u64,
}

/// Walks to the end, answering each request.
fn walk(mut walker: Walker, mut answer: impl FnMut(&PageRequest) -> Page) -> Walked {
    let (mut ids, mut requests) = (Vec::new(), 0);
    while let Some(request) = walker.wants() {
        requests += 1;
        assert!(requests < 50_000, "a walk must end");
        match walker.accept(answer(&request)) {
            Ok(tokens) => ids.extend(tokens.iter().map(|t| t.id.as_str().parse::<u32>().unwrap())),
            Err(error) => {
                return Walked {
                    ids,
                    end: Err(error),
                    requests,
                };
            }
        }
    }
    Walked {
        ids,
        end: Ok(walker.completeness()),
        requests,
    }
}

fn is_complete(walked: &Walked) -> bool {
    matches!(walked.end, Ok(Completeness::Complete))
}

#[test]
fn every_token_is_handed_out_once_whatever_the_page_size() {
    for list in [losing(), keeping(), keeping_by_name()] {
        for (count, size) in [(0, 3), (1, 3), (3, 3), (7, 3), (9, 3), (10, 1)] {
            let shelf = Shelf::of(count);
            let mut walked = walk(Walker::new(&plan(&list, size)), |request| {
                shelf.page(request)
            });
            walked.ids.sort_unstable();
            assert_eq!(walked.ids, shelf.ids);
            assert!(is_complete(&walked), "{walked:?}");
            assert!(walked.requests <= u64::from(count.div_ceil(size)) + 1);
        }
    }
}

/// What happens between two requests.
#[derive(Debug, Clone, Copy)]
enum Change {
    Create,
    Delete(usize),
}

fn changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![
        Just(Change::Create),
        any::<u16>().prop_map(|at| Change::Delete(at.into()))
    ];
    prop::collection::vec(prop::collection::vec(change, 0..4), 0..40)
}

proptest! {
    #[test]
    fn what_exists_throughout_is_never_missing_from_a_complete_backward_walk(
        count in 0u32..40, size in 1u32..8, changes in changes(),
    ) {
        let mut shelf = Shelf::of(count);
        let mut lasting = shelf.ids.clone();
        let mut changes = changes.into_iter();
        let walked = walk(Walker::new(&plan(&losing(), size)), |request| {
            let page = shelf.page(request);
            for change in changes.next().unwrap_or_default() {
                match change {
                    Change::Create => shelf.create(),
                    Change::Delete(at) => shelf.delete(at),
                }
            }
            lasting.retain(|id| shelf.ids.contains(id));
            page
        });
        let mut times = HashMap::new();
        for id in &walked.ids {
            *times.entry(*id).or_insert(0) += 1;
        }
        if is_complete(&walked) {
            prop_assert!(lasting.iter().all(|id| times.get(id) == Some(&1)), "{:?} of {:?}", walked, lasting);
            prop_assert!(times.values().all(|times| *times == 1));
        }
        prop_assert!(walked.end.is_ok(), "{:?}", walked.end);
    }

    #[test]
    fn new_tokens_anywhere_hide_none_from_a_forward_walk(
        count in 0u32..40, size in 1u32..8, places in prop::collection::vec(prop::collection::vec(any::<u16>(), 0..3), 0..40),
    ) {
        let mut shelf = Shelf::of(count);
        let lasting = shelf.ids.clone();
        let mut places = places.into_iter();
        let walked = walk(Walker::new(&plan(&keeping_by_name(), size)), |request| {
            let page = shelf.page(request);
            for at in places.next().unwrap_or_default() {
                shelf.last_id += 1;
                let at = usize::from(at) % (shelf.ids.len() + 1);
                shelf.ids.insert(at, shelf.last_id);
            }
            page
        });
        prop_assert!(is_complete(&walked), "{:?}", walked.end);
        prop_assert!(lasting.iter().all(|id| walked.ids.iter().filter(|seen| *seen == id).count() == 1));
    }

    #[test]
    fn a_walk_that_is_cut_anywhere_and_resumed_skips_nothing_that_lasts(
        count in 1u32..40, size in 1u32..8, cut in 0usize..12, deleted in prop::collection::vec(any::<u16>(), 0..6),
        created in 0usize..12, kept in any::<bool>(),
    ) {
        let list = if kept { keeping() } else { losing() };
        let plan = plan(&list, size);
        let mut shelf = Shelf::of(count);
        let mut walker = Walker::new(&plan);
        let mut seen = Vec::new();
        for _ in 0..cut {
            let Some(request) = walker.wants() else { break };
            seen.extend(walker.accept(shelf.page(&request)).unwrap());
        }
        let mut cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
        walker.mark(&mut cursor);
        if !kept {
            deleted.iter().for_each(|at| shelf.delete((*at).into()));
        }
        (0..created).for_each(|_| shelf.create());
        let lasting: Vec<_> = shelf.ids.iter().filter(|id| **id <= count).copied().collect();
        let rest = walk(Walker::resume(&plan, &cursor).unwrap(), |request| shelf.page(request));
        prop_assert!(rest.end.is_ok(), "{:?}", rest.end);
        let seen: Vec<u32> = seen.iter().map(|token| token.id.as_str().parse().unwrap()).chain(rest.ids).collect();
        prop_assert!(lasting.iter().all(|id| seen.contains(id)), "{:?} of {:?}", seen, lasting);
    }
}

#[test]
fn a_platform_that_counts_more_than_it_shows_is_believed_in_part() {
    for list in [losing(), keeping()] {
        for missing in 0..3 {
            let shelf = Shelf::of(30);
            let walked = walk(Walker::new(&plan(&list, 10)), |request| {
                let mut page = shelf.page(request);
                if request.number() == Some(missing) {
                    page.tokens.truncate(5);
                }
                page
            });
            let all = walked.ids.len() == 30;
            assert!(all || !is_complete(&walked), "page {missing}: {walked:?}");
        }
        let walked = walk(Walker::new(&plan(&list, 100)), |request| {
            let mut page = Shelf::of(20).page(request);
            page.total = Some(30);
            page
        });
        assert!(!is_complete(&walked), "{walked:?}");
    }
}

#[test]
fn a_platform_that_gives_smaller_pages_than_it_says_is_followed() {
    for list in [losing(), keeping()] {
        let shelf = Shelf::of(150);
        let mut walked = walk(Walker::new(&plan(&list, 100)), |request| {
            let size = request.size.unwrap().min(40);
            let page = shelf.page(&request.clone().with_size(size));
            // It repeats the size that it was asked for, and so finds the end too early.
            let size = request.size;
            let end = (request.number().unwrap() + 1) * u64::from(size.unwrap());
            let next = (end < 150).then(|| PagePosition::Number(request.number().unwrap() + 1));
            Page { size, next, ..page }
        });
        walked.ids.sort_unstable();
        assert_eq!(walked.ids, shelf.ids);
        assert!(is_complete(&walked));
    }
}

#[test]
fn a_platform_that_ignores_the_page_number_is_never_called_complete() {
    for list in [losing(), keeping(), keeping_by_name()] {
        for always in [0, 2] {
            let shelf = Shelf::of(30);
            let walked = walk(Walker::new(&plan(&list, 10)), |request| {
                let page = shelf.page(&request.clone().at(PagePosition::Number(always)));
                let number = request.number().unwrap();
                Page {
                    number: None,
                    next: (number < 2).then_some(PagePosition::Number(number + 1)),
                    ..page
                }
            });
            assert!(!is_complete(&walked), "{walked:?}");
            if !list.tokens_vanish {
                let error = walked.end.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ProtocolViolation, "{error}");
            }
        }
    }
    let shelf = Shelf::of(30);
    let walked = walk(Walker::new(&plan(&keeping(), 10)), |request| {
        let other = request.number().unwrap() ^ 1;
        shelf.page(&request.clone().at(PagePosition::Number(other)))
    });
    assert_eq!(walked.end.unwrap_err().kind(), ErrorKind::ProtocolViolation);
}

#[test]
fn a_platform_that_orders_within_pages_only_is_not_called_complete() {
    let shelf = Shelf {
        ids: (11..=20).chain(1..=10).collect(),
        last_id: 20,
    };
    for list in [losing(), keeping()] {
        let walked = walk(Walker::new(&plan(&list, 10)), |request| shelf.page(request));
        assert!(!is_complete(&walked), "{walked:?}");
    }
}

#[test]
fn endless_and_absurd_listings_end_after_a_bounded_number_of_requests() {
    for list in [losing(), keeping(), keeping_by_name()] {
        let shelf = Shelf::of(10);
        let mut total = 20;
        let same_page = walk(Walker::new(&plan(&list, 10)), |request| {
            total += 1;
            let page = shelf.page(&request.clone().at(PagePosition::First));
            let next = Some(PagePosition::Number(request.number().unwrap() + 1));
            Page {
                number: None,
                total: Some(total),
                next,
                ..page
            }
        });
        assert!(
            !is_complete(&same_page) && same_page.requests < 100,
            "{same_page:?}"
        );

        let absurd = walk(Walker::new(&plan(&list, 10)), |request| Page {
            total: Some(u64::MAX / 4),
            next: Some(PagePosition::Number(request.number().unwrap() + 1)),
            ..shelf.page(request)
        });
        assert!(!is_complete(&absurd) && absurd.requests < 100, "{absurd:?}");
    }
    let mut id = 0;
    let growing = walk(Walker::new(&plan(&keeping(), 1)), |request| {
        id += 1;
        Page {
            tokens: vec![token(id)],
            total: Some(u64::from(id) + 1),
            next: Some(PagePosition::Number(request.number().unwrap() + 1)),
            ..Page::default()
        }
    });
    assert_eq!(growing.end.unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn unprotected_paging_is_complete_on_one_page_and_partial_beyond_also_when_resumed() {
    let list = ListCapability::new(Paging::Numbered).with_totals();
    let shelf = Shelf::of(20);
    assert!(is_complete(&walk(
        Walker::new(&plan(&list, 20)),
        |request| shelf.page(request)
    )));
    let plan = plan(&list, 10);
    assert!(!is_complete(
        &walk(Walker::new(&plan), |request| shelf.page(request))
    ));
    let mut cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
    cursor.position = PagePosition::Number(1);
    let resumed = walk(Walker::resume(&plan, &cursor).unwrap(), |request| {
        shelf.page(&request.clone().with_size(10))
    });
    assert!(!is_complete(&resumed));
}

#[test]
fn a_filter_on_what_may_change_serves_one_page_and_is_dropped_beyond() {
    let list = losing().with_filters(FilterCapability::by_name());
    let query = Query::new().matching(Filter::name("x")).with_page_size(10);
    let plan = Plan::of(&query, &list).unwrap();
    let walk_over = |matching: u32| {
        let mut filtered = 0;
        let walked = walk(Walker::new(&plan), |request| match request.filter {
            Some(_) => {
                filtered += 1;
                Shelf::of(matching).page(request)
            }
            None => Shelf::of(50).page(request),
        });
        (walked.ids.len(), filtered, is_complete(&walked))
    };
    assert_eq!(walk_over(10), (10, 1, true), "one page holds what matches");
    assert_eq!(
        walk_over(11),
        (50, 1, true),
        "more than a page: all are read"
    );
}

#[test]
fn a_descending_order_by_id_is_what_a_backward_walk_yields() {
    let query = Query::new()
        .sorted_by(SortKey::Id, Direction::Descending)
        .with_page_size(3);
    let plan = Plan::of(&query, &losing()).unwrap();
    assert!(!plan.sorts_here);
    let walked = walk(Walker::new(&plan), |request| Shelf::of(8).page(request));
    assert_eq!(walked.ids, [8, 7, 6, 5, 4, 3, 2, 1]);
}
