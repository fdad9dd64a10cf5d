//! Walks over a set that changes, and over platforms that misbehave.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{
    Account, Direction, Filter, FilterCapability, ListCapability, OrderCapability, Paging, Query,
    TokenId, TokenState,
};

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

/// The same, where the order that new tokens come last in is not that of ids.
fn losing_by_creation() -> ListCapability {
    let by_creation = OrderCapability::loose(SortKey::Created);
    ListCapability::new(Paging::Numbered)
        .with_totals()
        .with_order(by_creation.exactly().stable().appending())
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

fn numbers(tokens: &[Token]) -> impl Iterator<Item = u32> {
    tokens
        .iter()
        .map(|token| token.id.as_str().parse().unwrap())
}

fn is_complete(walked: &Walked) -> bool {
    matches!(walked.end, Ok(Completeness::Complete))
}

#[test]
fn every_token_is_handed_out_once_whatever_the_page_size() {
    for list in [losing(), losing_by_creation(), keeping(), keeping_by_name()] {
        for (count, size) in [(0, 3), (1, 3), (3, 3), (7, 3), (9, 3), (10, 1)] {
            let shelf = Shelf::of(count);
            let side_by_side = plan(&list, size);
            let one_by_one = Plan {
                pages_at_a_time: 1,
                ..side_by_side.clone()
            };
            for plan in [side_by_side, one_by_one] {
                let mut walked = walk(Walker::new(&plan), |request| shelf.page(request));
                walked.ids.sort_unstable();
                assert_eq!(walked.ids, shelf.ids);
                assert!(is_complete(&walked), "{walked:?}");
                let least = plan.requests(count.into()).unwrap();
                let looks = match plan.pages_at_a_time {
                    1 => 0,
                    _ => 1 + least / 4,
                };
                assert!(
                    (least..=least + looks).contains(&walked.requests),
                    "{walked:?}"
                );
            }
        }
    }
}

#[test]
fn an_offset_up_to_the_end_or_beyond_leaves_a_complete_listing_of_nothing() {
    for list in [losing(), keeping(), keeping_by_name()] {
        for offset in [7, 8, 100] {
            let query = Query::new().with_page_size(3).skipping(offset);
            let plan = Plan::of(&query, &list).unwrap();
            let shelf = Shelf::of(7);
            let walked = walk(Walker::new(&plan), |request| shelf.page(request));
            assert!(is_complete(&walked), "{walked:?}");
        }
    }
}

/// What happens between two requests.
#[derive(Debug, Clone, Copy)]
enum Change {
    Create,
    Delete(usize),
}

/// What happens after each request: often something, or so seldom that the walk dares to read side by side, or only what
/// leaves the total as it was.
fn changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![
        Just(Change::Create),
        any::<u16>().prop_map(|at| Change::Delete(at.into()))
    ];
    let now_and_then = |weight| {
        let change = change.clone();
        prop_oneof![weight => Just(vec![]), 1 => prop::collection::vec(change, 1..5)]
    };
    let often = prop::collection::vec(now_and_then(1), 0..60);
    let seldom = prop::collection::vec(now_and_then(20), 0..200);
    let made_up_for = any::<u16>().prop_map(|at| vec![Change::Delete(at.into()), Change::Create]);
    let unseen = prop_oneof![9 => Just(vec![]), 1 => made_up_for];
    prop_oneof![often, seldom, prop::collection::vec(unseen, 0..200)]
}

/// Which of the requests on their way is carried out, or its answer comes, next.
fn order_of_events() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(vec![0]), prop::collection::vec(any::<u8>(), 1..40)]
}

/// What a walk over a changing shelf found, and what existed throughout.
fn walk_over_changes(
    list: &ListCapability,
    (count, size): (u32, u32),
    changes: Vec<Vec<Change>>,
    order: &[u8],
    mut apply: impl FnMut(&mut Shelf, Change),
) -> (Walked, Vec<u32>) {
    let mut shelf = Shelf::spaced(count);
    let mut lasting = shelf.ids.clone();
    let mut changes = changes.into_iter();
    let mut order = order.iter().cycle();
    let walked = walk_side_by_side(
        Walker::new(&plan(list, size)),
        |request| {
            let page = shelf.page(request);
            for change in changes.next().unwrap_or_default() {
                apply(&mut shelf, change);
            }
            lasting.retain(|id| shelf.ids.contains(id));
            page
        },
        |_| usize::from(*order.next().unwrap()),
    );
    (walked, lasting)
}

/// Every lasting token once, and no token twice.
fn is_exact(walked: &Walked, lasting: &[u32]) -> bool {
    let mut times = HashMap::new();
    for id in &walked.ids {
        *times.entry(*id).or_insert(0) += 1;
    }
    lasting.iter().all(|id| times.contains_key(id)) && times.values().all(|times| *times == 1)
}

proptest! {
    #[test]
    fn what_exists_throughout_is_never_missing_from_a_complete_backward_walk(
        count in prop_oneof![0u32..40, 0u32..300], size in 1u32..8, changes in changes(), order in order_of_events(),
    ) {
        let (walked, lasting) = walk_over_changes(&losing(), (count, size), changes, &order, |shelf, change| match change {
            Change::Create => shelf.create(),
            Change::Delete(at) => shelf.delete(at),
        });
        prop_assert!(walked.end.is_ok(), "{:?}", walked.end);
        prop_assert!(!is_complete(&walked) || is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }

    #[test]
    fn a_token_created_a_little_before_the_newest_hides_none(
        count in 0u32..60, size in 1u32..8, changes in changes(), depth in 0usize..8, order in order_of_events(),
    ) {
        let depth = depth.min(size as usize);
        let mut before = Some(depth);
        let (walked, lasting) = walk_over_changes(&losing(), (count, size), changes, &order, |shelf, change| match change {
            Change::Create => shelf.create_before(before.take().unwrap_or(0)),
            // A deletion in the same moment would make up for it in the total.
            Change::Delete(_) => {}
        });
        prop_assert!(walked.end.is_ok(), "{:?}", walked.end);
        prop_assert!(!is_complete(&walked) || is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }

    #[test]
    fn a_token_created_a_little_before_the_newest_hides_none_from_a_forward_walk(
        count in 0u32..120, size in 1u32..8, changes in changes(), depth in 0usize..8, order in order_of_events(),
    ) {
        let depth = depth.min(size as usize);
        let mut before = Some(depth);
        let (walked, lasting) = walk_over_changes(&keeping(), (count, size), changes, &order, |shelf, change| match change {
            Change::Create => shelf.create_before(before.take().unwrap_or(0)),
            Change::Delete(_) => {}
        });
        prop_assert!(is_complete(&walked), "{:?}", walked.end);
        prop_assert!(is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }

    #[test]
    fn new_tokens_anywhere_hide_none_from_a_forward_walk(
        count in prop_oneof![0u32..40, 0u32..300], size in 1u32..8, changes in changes(), order in order_of_events(),
    ) {
        let (walked, lasting) = walk_over_changes(&keeping_by_name(), (count, size), changes, &order, |shelf, change| {
            if let Change::Delete(at) = change {
                shelf.last_id += 1;
                let at = at % (shelf.ids.len() + 1);
                shelf.ids.insert(at, shelf.last_id);
            }
        });
        prop_assert!(is_complete(&walked), "{:?}", walked.end);
        prop_assert!(is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }

    #[test]
    fn new_tokens_at_the_end_hide_none_from_a_forward_walk(
        count in prop_oneof![0u32..40, 0u32..300], size in 1u32..8, changes in changes(), order in order_of_events(), newest_first in any::<bool>(),
    ) {
        let mut list = keeping();
        if newest_first {
            // The same shelf, read from its other end.
            list = keeping_by_name();
        }
        let (walked, lasting) = walk_over_changes(&list, (count, size), changes, &order, |shelf, _| {
            shelf.create();
            if newest_first {
                shelf.ids.rotate_right(1);
            }
        });
        prop_assert!(is_complete(&walked), "{:?}", walked.end);
        prop_assert!(is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }

    #[test]
    fn a_walk_that_is_cut_anywhere_and_resumed_skips_nothing_that_lasts(
        count in 1u32..40, size in 1u32..8, cut in 0usize..40, deleted in prop::collection::vec(any::<u16>(), 0..6),
        created in 0usize..12, kept in any::<bool>(),
    ) {
        let list = if kept { keeping() } else { losing() };
        let plan = plan(&list, size);
        let mut shelf = Shelf::of(count);
        let mut walker = Walker::new(&plan);
        let mut seen = Vec::new();
        while seen.len() < cut && !walker.is_done() {
            while let Some((name, request)) = walker.ask() {
                walker.answer(name, Ok(shelf.page(&request)));
            }
            if let Some(batch) = walker.hand_out().unwrap() {
                seen.extend(batch.tokens);
            }
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
fn a_window_is_not_taken_from_pages_of_another_size() {
    let shelf = Shelf::of(19);
    for (offset, limit, most) in (0..20)
        .flat_map(|offset| (1..13).map(move |limit| (offset, limit)))
        .flat_map(|(offset, limit)| (1..13).map(move |most| (offset, limit, most)))
    {
        for list in [losing(), keeping()] {
            let query = Query::new().sorted_by(SortKey::Id, Direction::Ascending);
            let query = query.skipping(offset).limited_to(limit);
            let plan = Plan::of(&query, &list.with_usual_page(12)).unwrap();
            let walked = walk(Walker::new(&plan), |request| {
                let size = request.size.unwrap().min(most);
                shelf.page(&request.clone().with_size(size))
            });
            let wanted = (1..=19).skip(offset as usize).take(limit as usize);
            for id in wanted {
                assert!(walked.ids.contains(&id), "{query:?} without {id}: {plan}");
            }
        }
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

        let promising = walk(Walker::new(&plan(&list, 10)), |request| {
            let number = request.number().unwrap();
            Page {
                number: Some(number),
                total: Some(number + 1_000_000),
                next: Some(PagePosition::Number(number + 1)),
                ..shelf.page(&request.clone().at(PagePosition::First))
            }
        });
        assert!(
            !is_complete(&promising) && promising.requests < 100,
            "{promising:?}"
        );
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

#[test]
fn a_first_page_that_is_smaller_than_asked_for_and_names_no_next_is_not_taken_for_all() {
    for list in [losing(), losing_by_creation(), keeping(), keeping_by_name()] {
        let shelf = Shelf::of(80);
        let walked = walk(Walker::new(&plan(&list, 100)), |request| {
            let size = request.size.unwrap().min(40);
            let page = shelf.page(&request.clone().with_size(size));
            // It finds the end by the size that it was asked for.
            let end = (request.number().unwrap() + 1) * u64::from(request.size.unwrap());
            let next = (end < 80).then(|| PagePosition::Number(request.number().unwrap() + 1));
            Page {
                size: request.size,
                next,
                ..page
            }
        });
        assert!(
            !is_complete(&walked) || is_exact(&walked, &shelf.ids),
            "{walked:?}"
        );
    }
}

/// Sends all that the walker asks for.
fn sent(walker: &mut Walker) -> Vec<(Moment, PageRequest)> {
    std::iter::from_fn(|| walker.ask()).collect()
}

#[test]
fn a_page_that_is_read_again_is_asked_for_although_another_failed() {
    let shelf = Shelf::of(100);
    let mut walker = Walker::new(&plan(&keeping(), 10));
    for (name, request) in sent(&mut walker) {
        walker.answer(name, Ok(shelf.page(&request)));
    }
    while walker.hand_out().unwrap().is_some() {}
    let on_their_way = sent(&mut walker);
    assert!(on_their_way.len() > 1);
    let mut short = shelf.page(&on_their_way[0].1);
    short.tokens.truncate(5);
    for (name, _) in &on_their_way[1..] {
        walker.answer(*name, Err(violation("broken")));
    }
    walker.answer(on_their_way[0].0, Ok(short));
    assert!(walker.hand_out().unwrap().is_none());
    assert_eq!(sent(&mut walker).len(), 1);
}

#[test]
fn nothing_slips_past_a_page_that_is_read_again_while_others_wait() {
    let lasting: Vec<u32> = (2..=200).collect();
    for short in 0..19 {
        for deleted_after in 0..30 {
            let (mut requests, mut shortened) = (0, None);
            let mut shelf = Shelf::of(200);
            let walked = walk_side_by_side(
                Walker::new(&plan(&losing(), 10)),
                |request| {
                    requests += 1;
                    let mut page = shelf.page(request);
                    if request.number() == Some(short) && shortened.is_none() && requests > 2 {
                        shortened = Some(requests);
                        page.tokens.truncate(5);
                    }
                    if shortened.is_some_and(|at| at + deleted_after == requests) {
                        shelf.delete(0);
                        shelf.create();
                    }
                    page
                },
                |_| 0,
            );
            assert!(
                !is_complete(&walked) || is_exact(&walked, &lasting),
                "{short} {deleted_after}: {walked:?}"
            );
        }
    }
}

#[test]
fn new_tokens_where_nothing_counts_them_are_no_mistake_of_the_platform() {
    let list = ListCapability {
        totals: false,
        ..keeping_by_name()
    };
    let mut shelf = Shelf::of(30);
    let lasting = shelf.ids.clone();
    let walked = walk(Walker::new(&plan(&list, 10)), |request| {
        let page = shelf.page(request);
        shelf.create();
        shelf.ids.rotate_right(1);
        Page {
            total: None,
            ..page
        }
    });
    assert!(
        is_complete(&walked) && is_exact(&walked, &lasting),
        "{walked:?}"
    );
}

#[test]
fn a_platform_that_declares_pages_of_nothing_is_planned_for() {
    let list = losing().with_usual_page(0);
    assert!(Plan::of(&Query::new(), &list).is_ok());
}

#[test]
fn a_total_beyond_all_reason_is_a_violation() {
    for list in [losing(), keeping(), keeping_by_name()] {
        for total in [u64::MAX, u64::MAX / 4] {
            let shelf = Shelf::of(30);
            let walked = walk(Walker::new(&plan(&list, 10)), |request| Page {
                total: Some(total),
                next: Some(PagePosition::Number(request.number().unwrap() + 1)),
                ..shelf.page(request)
            });
            assert_eq!(walked.end.unwrap_err().kind(), ErrorKind::ProtocolViolation);
            assert_eq!(walked.requests, 1);
        }
    }
}

#[test]
fn a_filter_of_many_short_names_is_applied_here() {
    let filters = FilterCapability::by_name().combined().settled();
    let list = keeping().with_filters(filters);
    let pushed = |names| {
        let names = (0..names).map(|name| Filter::name(format!("{name:x}")));
        let query = Query::new().matching(Filter::any_of(names));
        Plan::of(&query, &list).unwrap().pushed_filter.is_some()
    };
    assert!(pushed(10) && !pushed(300));
}

#[test]
fn pages_of_matches_are_not_counted_on_among_all_tokens() {
    let list = keeping().with_filters(FilterCapability::by_name().settled());
    let query = Query::new().matching(Filter::name("x")).with_page_size(10);
    let mut cursor = Cursor::new(
        &Account::new("p", "a"),
        &query,
        &Plan::of(&query, &list).unwrap(),
    );
    cursor.position = PagePosition::Number(1);
    let plan = Plan::of(&query, &keeping()).unwrap();
    let error = Walker::resume(&plan, &cursor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCursor);
}
