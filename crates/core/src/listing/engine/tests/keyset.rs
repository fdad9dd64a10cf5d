//! Scans by keyset cursors (decision 0020).

use std::collections::HashSet;

use super::*;
use crate::error::{Error, Fate};

/// Generates a declaration: in the platform's own order, by id, and newest first.
fn any_keyset() -> impl Strategy<Value = ListCapability> {
    prop_oneof![
        Just(keyset()),
        Just(keyset_by_id(Direction::Ascending)),
        Just(keyset_by_id(Direction::Descending)),
    ]
}

/// A change of the set between two pages.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// Creates a token as the newest one.
    Create,
    /// Creates a token before so many others.
    CreateBefore(usize),
    Delete(usize),
    /// Deletes the token at the position that the last page named.
    DeleteAtPosition,
}

fn changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![
        2 => Just(Change::Create),
        1 => (0usize..100).prop_map(Change::CreateBefore),
        3 => any::<u16>().prop_map(|at| Change::Delete(at.into())),
        2 => Just(Change::DeleteAtPosition),
    ];
    prop::collection::vec(prop::collection::vec(change, 0..5), 0..60)
}

/// Changes the set after a page. No id is ever given again.
fn apply(pages: &mut FakePages, ever: &mut HashSet<u32>, change: Change, sent: &Page) {
    let before = pages.ids.clone();
    match change {
        Change::Create => pages.create_before(0),
        Change::CreateBefore(newest) => pages.create_before(newest),
        Change::Delete(at) => pages.delete(at),
        Change::DeleteAtPosition => {
            if let Some(PagePosition::Token(position)) = &sent.next {
                pages.ids.retain(|id| id.to_string() != *position);
            }
        }
    }
    (pages.ids).retain(|id| before.contains(id) || ever.insert(*id));
}

/// A platform that changes after every page, and the ids that existed throughout.
struct Changing {
    pages: FakePages,
    lasting: Vec<u32>,
    /// All ids that were ever given.
    ever: HashSet<u32>,
    changes: std::vec::IntoIter<Vec<Change>>,
    totals: bool,
}

impl Changing {
    fn new(count: u32, changes: Vec<Vec<Change>>, totals: bool) -> Self {
        let pages = FakePages::with_gaps(count);
        Self {
            lasting: pages.ids.clone(),
            ever: pages.ids.iter().copied().collect(),
            pages,
            changes: changes.into_iter(),
            totals,
        }
    }

    fn respond(&mut self, request: &PageRequest) -> Page {
        let mut page = self.pages.keyset_page(request);
        page.total = self.totals.then_some(self.pages.ids.len() as u64);
        for change in self.changes.next().unwrap_or_default() {
            apply(&mut self.pages, &mut self.ever, change, &page);
        }
        self.lasting.retain(|id| self.pages.ids.contains(id));
        page
    }
}

fn expired() -> Error {
    Error::cursor_expired("the cursor has expired")
}

/// Answers as a platform that forgets the positions of these requests.
fn forgetting<'a>(
    platform: &'a mut Changing,
    forgotten: &'a [bool],
) -> impl FnMut(&PageRequest) -> Result<Page> + 'a {
    let mut requests = 0;
    move |request| {
        requests += 1;
        let forgets = forgotten.get(requests - 1).copied().unwrap_or(false);
        if forgets && matches!(request.position, PagePosition::Token(_)) {
            return Err(expired());
        }
        Ok(platform.respond(request))
    }
}

/// Reads until so many batches were emitted, and returns the ids and the cursor there.
fn interrupt(plan: &Plan, platform: &mut Changing, batches: usize) -> (HashSet<u32>, Cursor) {
    let mut engine = PageEngine::new(plan);
    let (mut seen, mut emitted) = (HashSet::new(), 0);
    while emitted < batches && !engine.is_done() {
        while let Some((id, request)) = engine.next_request() {
            engine.on_response(id, Ok(platform.respond(&request)));
        }
        if let Some(batch) = engine.next_batch().unwrap() {
            seen.extend(ids(&batch.tokens));
            emitted += 1;
        }
    }
    let cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), plan);
    (seen, cursor.at(engine.place()))
}

proptest! {
    #[test]
    fn a_keyset_scan_holds_every_lasting_token_once_whatever_is_created_or_deleted(
        list in any_keyset(),
        (count, size) in (0u32..120, 1u32..8),
        changes in changes(),
        totals in any::<bool>(),
    ) {
        let plan = plan(&list, size);
        let mut platform = Changing::new(count, changes, totals);
        let scanned = scan(PageEngine::new(&plan), |request| platform.respond(request));
        prop_assert!(scanned.is_exact(&platform.lasting), "{:?}", scanned);
        if totals {
            prop_assert!(scanned.end.is_ok(), "{:?}", scanned.end);
        } else {
            prop_assert!(scanned.is_complete(), "{:?}", scanned.end);
            let full = scanned.ids.len() as u64 / u64::from(size);
            prop_assert!(scanned.requests <= full + 1, "{:?}", scanned);
        }
    }

    #[test]
    fn a_keyset_scan_is_resumed_at_any_page_and_stays_complete(
        list in any_keyset(),
        (count, size) in (0u32..60, 1u32..8),
        batches in 0usize..20,
        changes in changes(),
        meanwhile in prop::collection::vec(any::<u16>(), 0..8),
    ) {
        let plan = plan(&list, size);
        let mut platform = Changing::new(count, changes, false);
        let (mut seen, cursor) = interrupt(&plan, &mut platform, batches);
        for at in meanwhile {
            platform.pages.delete(at.into());
        }
        platform.lasting.retain(|id| platform.pages.ids.contains(id));
        let cursor: Cursor = cursor.to_string().parse().unwrap();
        let engine = PageEngine::resume(&plan, &cursor).unwrap();
        let rest = scan(engine, |request| platform.respond(request));
        prop_assert!(rest.is_exact(&[]), "{:?}", rest);
        if let Err(error) = &rest.end {
            // Nothing is left at the place, as if the platform had forgotten it, and the token
            // before it is gone.
            let is_lost = error.kind() == ErrorKind::InvalidCursor && list.orders.is_empty();
            prop_assert!(is_lost && rest.ids.is_empty(), "{}", error);
            return Ok(());
        }
        prop_assert!(rest.is_complete(), "{:?}", rest);
        let repeated = rest.ids.iter().filter(|id| seen.contains(id)).count();
        prop_assert!(repeated <= size as usize, "{} of {:?} came again", repeated, rest);
        seen.extend(rest.ids);
        prop_assert!(platform.lasting.iter().all(|id| seen.contains(id)), "{:?}", seen);
    }

    #[test]
    fn a_scan_whose_cursor_expires_begins_anew_and_repeats_nothing(
        list in prop_oneof![any_keyset(), Just(ListCapability::new(Paging::Snapshot))],
        (count, size) in (0u32..60, 1u32..8),
        changes in changes(),
        sorted in any::<bool>(),
        forgotten in prop::collection::vec(prop::bool::weighted(0.1), 0..40),
    ) {
        let mut query = Query::new().page_size(size);
        let direction = list.order(SortKey::Id).and_then(|order| order.direction);
        if let Some(direction) = direction.filter(|_| sorted) {
            query = query.sort_by(SortKey::Id, direction);
        }
        let plan = Plan::for_query(&query, &list).unwrap();
        prop_assert!(!plan.sorts_in_memory);
        let mut platform = Changing::new(count, changes, false);
        let times = forgotten.iter().filter(|forgets| **forgets).count();
        let scanned = try_scan_in_order(
            PageEngine::new(&plan), forgetting(&mut platform, &forgotten), |_| 0,
        );
        match scanned.end {
            Err(error) => {
                prop_assert!(times > 3, "{}", error);
                prop_assert_eq!(error.kind(), ErrorKind::LimitExceeded);
            }
            Ok(ref end) => {
                prop_assert_eq!(end, &Completeness::Complete);
                prop_assert!(scanned.is_exact(&platform.lasting), "{:?}", scanned);
            }
        }
        match query.sort.first().map(|by| by.direction) {
            Some(Direction::Ascending) => prop_assert!(scanned.ids.is_sorted()),
            Some(Direction::Descending) => prop_assert!(scanned.ids.is_sorted_by(|a, b| a > b)),
            None => {}
        }
    }

    #[test]
    fn a_resumed_scan_whose_cursor_expires_finds_its_place_or_says_that_it_cannot(
        list in any_keyset(),
        (count, size) in (0u32..60, 1u32..8),
        batches in 1usize..20,
        changes in changes(),
        meanwhile in prop::collection::vec(any::<u16>(), 0..4),
        mut forgotten in prop::collection::vec(prop::bool::weighted(0.1), 1..20),
    ) {
        let plan = plan(&list, size);
        let mut platform = Changing::new(count, changes, false);
        let (mut seen, cursor) = interrupt(&plan, &mut platform, batches);
        for at in meanwhile {
            platform.pages.delete(at.into());
        }
        platform.lasting.retain(|id| platform.pages.ids.contains(id));
        let place_is_known = list.order(SortKey::Id).is_some()
            || cursor.after.as_ref().is_none_or(|id| {
                platform.lasting.iter().any(|lasting| lasting.to_string() == id.as_str())
            });
        forgotten[0] = true;
        let engine = PageEngine::resume(&plan, &cursor).unwrap();
        let rest = try_scan_in_order(engine, forgetting(&mut platform, &forgotten), |_| 0);
        prop_assert!(rest.is_exact(&[]), "{:?}", rest);
        match &rest.end {
            Err(error) if error.kind() == ErrorKind::LimitExceeded => {}
            // A token may also be deleted between the new pass's pages.
            Err(error) => prop_assert!(
                error.kind() == ErrorKind::InvalidCursor && list.order(SortKey::Id).is_none(),
                "{} {}", error, place_is_known
            ),
            Ok(end) => {
                prop_assert_eq!(end, &Completeness::Complete);
                if cursor.position != PagePosition::First {
                    let repeated = rest.ids.iter().filter(|id| seen.contains(id)).count();
                    prop_assert!(repeated <= size as usize, "{:?} of {:?}", rest, seen);
                }
                seen.extend(&rest.ids);
                prop_assert!(platform.lasting.iter().all(|id| seen.contains(id)), "{:?}", rest);
            }
        }
    }

    #[test]
    fn a_listing_that_is_interrupted_after_its_cursor_expired_is_resumed_behind_what_it_read(
        list in any_keyset(),
        (count, size) in (8u32..60, 1u32..8),
        (before, after) in (1usize..8, 0usize..8),
        created in 0usize..10,
    ) {
        let plan = plan(&list, size);
        let mut pages = FakePages::with_gaps(count);
        let mut engine = PageEngine::new(&plan);
        let (mut seen, mut at_failure) = (HashSet::new(), None);
        let mut answers = 0;
        let mut last_batch = Vec::new();
        while !engine.is_done() && answers < before + 1 + after {
            while let Some((id, request)) = engine.next_request() {
                answers += 1;
                let answer = if answers == before + 1 && request.number().is_none() {
                    at_failure = Some(seen.len());
                    (0..created).for_each(|_| pages.create_before(0));
                    Err(expired())
                } else {
                    Ok(pages.keyset_page(&request))
                };
                engine.on_response(id, answer);
            }
            if let Some(batch) = engine.next_batch().unwrap() {
                last_batch = ids(&batch.tokens);
                seen.extend(last_batch.iter().copied());
            }
        }
        if at_failure.is_none() || engine.is_done() {
            return Ok(());
        }
        let cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
        let cursor = cursor.at(engine.place());
        let mut expires = after < 2;
        let rest = try_scan_in_order(
            PageEngine::resume(&plan, &cursor).unwrap(),
            |request| match request.number() {
                // The position of the cursor is unknown to the platform, which then starts anew.
                None if std::mem::take(&mut expires) => Err(expired()),
                _ => Ok(pages.keyset_page(request)),
            },
            |_| 0,
        );
        prop_assert!(rest.is_complete() && rest.is_exact(&[]), "{:?}", rest);
        let repeated = rest.ids.iter().filter(|id| seen.contains(id));
        prop_assert!(repeated.count() <= last_batch.len().max(size as usize), "{:?}", rest);
        seen.extend(&rest.ids);
        prop_assert!(pages.ids.iter().take(count as usize).all(|id| seen.contains(id)));
    }
}

#[test]
fn a_cursor_that_expires_again_and_again_is_an_error_that_says_what_to_do() {
    for list in [keyset(), keyset_by_id(Direction::Descending)] {
        let mut platform = Changing::new(30, Vec::new(), false);
        let forgotten: Vec<_> = (0..20).map(|request| request % 2 == 1).collect();
        let engine = PageEngine::new(&plan(&list, 10));
        let scanned = try_scan_in_order(engine, forgetting(&mut platform, &forgotten), |_| 0);
        let error = scanned.end.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert!(error.to_string().contains("expired 4 times"), "{error}");
        assert!(error.to_string().contains("in larger pages"), "{error}");
        assert_eq!((scanned.ids.len(), scanned.requests), (10, 8));
    }
}

#[test]
fn another_refusal_of_a_page_is_no_expired_cursor() {
    let pages = FakePages::new(30);
    let scanned = try_scan_in_order(
        PageEngine::new(&plan(&keyset(), 10)),
        |request| match request.number() {
            Some(_) => Ok(pages.keyset_page(request)),
            None => Err(Error::new(ErrorKind::InvalidInput, Fate::Rejected, "no")),
        },
        |_| 0,
    );
    assert_eq!(scanned.end.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(scanned.requests, 2);
}

#[test]
fn a_cursor_of_numbered_pages_is_rejected_by_a_keyset() {
    let plan = plan(&keyset(), 10);
    let mut cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
    cursor.position = PagePosition::Number(3);
    let error = PageEngine::resume(&plan, &cursor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCursor);
}

#[test]
fn tokens_that_start_or_stop_matching_move_no_other_between_filtered_pages() {
    let list = keyset().with_filters(FilterCapability::for_names());
    let query = Query::new().filter(Filter::name("x")).page_size(3);
    let mut matching = FakePages::with_gaps(20);
    let mut lasting = matching.ids.clone();
    let mut at = 0;
    let engine = PageEngine::new(&Plan::for_query(&query, &list).unwrap());
    let scanned = scan(engine, |request| {
        assert!(request.filter.is_some());
        let page = matching.keyset_page(request);
        at += 7;
        matching.delete(at);
        matching.create_before(at);
        lasting.retain(|id| matching.ids.contains(id));
        page
    });
    assert!(
        scanned.is_complete() && scanned.is_exact(&lasting),
        "{scanned:?}"
    );
}
