//! Listings that are interrupted and resumed.

use std::sync::Mutex;

use futures_executor::block_on;

use super::fake_pages::{FakePages, growing, ids, keyset, keyset_by_id, vanishing};
use super::*;
use crate::model::TokenState;
use crate::provider::Paging;
use crate::query::{Direction, Filter, SortKey};

mod keyset;

/// Returns a listing whose pages are sent by a closure.
fn listing<'a>(
    list: &ListCapability,
    query: &Query,
    respond: impl Fn(&PageRequest) -> Result<Page> + Send + Sync + 'a,
) -> Listing<'a> {
    let plan = Plan::for_query(query, list).unwrap();
    let remaining = Remaining {
        to_skip: query.offset,
        to_yield: query.limit,
    };
    Listing {
        account: Account::new("memory", "mine"),
        query: query.clone(),
        list: list.clone(),
        engine: PageEngine::new(&plan),
        plan,
        read_page: Box::new(move |request| Box::pin(std::future::ready(respond(&request)))),
        reading: FuturesUnordered::new(),
        generation: 0,
        ready: VecDeque::new(),
        sorted: Vec::new(),
        remaining,
        remaining_before_page: remaining,
        state: State::Active,
    }
}

fn next(listing: &mut Listing<'_>) -> Option<u32> {
    let token = block_on(listing.next())?.ok()?;
    ids(&[token]).pop()
}

/// Returns the ids up to the end or the first error.
fn read(listing: &mut Listing<'_>) -> Vec<u32> {
    std::iter::from_fn(|| next(listing)).collect()
}

fn broken() -> Error {
    Error::new(ErrorKind::Unavailable, Fate::Rejected, "out of order")
}

#[test]
fn a_listing_with_an_offset_that_fails_at_any_request_is_resumed_without_skipping_more() {
    let pages = FakePages::new(30);
    for offset in [0, 1, 2, 3, 10, 20] {
        let query = Query::new().page_size(3).offset(offset);
        let answer = |request: &PageRequest| Ok(pages.page(request));
        let whole = read(&mut listing(&vanishing(), &query, answer));
        for failing in 0..11 {
            let requests = Mutex::new(0);
            let mut first = listing(&vanishing(), &query, |request| {
                let mut requests = requests.lock().unwrap();
                *requests += 1;
                if *requests > failing {
                    Err(broken())
                } else {
                    Ok(pages.page(request))
                }
            });
            let mut seen = read(&mut first);
            let cursor = first.cursor();
            let rest = listing(&vanishing(), &query, answer);
            seen.extend(read(&mut rest.resume(&cursor).unwrap()));
            for id in &whole {
                assert!(
                    seen.contains(id),
                    "{offset}, {failing}: {id} of {seen:?}, {cursor}"
                );
            }
        }
    }
}

#[test]
fn a_listing_says_how_many_tokens_it_read_of_how_many() {
    let pages = FakePages::new(25);
    let size = Query::new().page_size(4);
    let active = Filter::State(TokenState::Active);
    for (query, wanted) in [
        (size.clone(), 25),
        (size.clone().limit(10), 10),
        (size.clone().filter(active).limit(10), 25),
        (
            size.clone()
                .sort_by(SortKey::Name, Direction::Ascending)
                .limit(10),
            25,
        ),
    ] {
        for list in [vanishing(), growing()] {
            let mut listing = listing(&list, &query, |request| Ok(pages.page(request)));
            assert_eq!((listing.tokens_read(), listing.tokens_to_read()), (0, None));
            for yielded in 1.. {
                if next(&mut listing).is_none() {
                    break;
                }
                let read = listing.tokens_read();
                assert!((yielded..=25).contains(&read), "{yielded} {query:?}");
                assert_eq!(
                    listing.tokens_to_read(),
                    Some(read.max(wanted)),
                    "{query:?}"
                );
            }
        }
    }
}

#[test]
fn a_listing_is_cut_off_by_an_offset_or_a_limit_that_leaves_out_tokens() {
    let pages = FakePages::new(10);
    let query = Query::new().page_size(3);
    let filtered = Query::new().filter(Filter::State(TokenState::Active));
    for (query, cut_off) in [
        (filtered.clone().page_size(10).limit(10), false),
        (filtered.page_size(10).limit(9), true),
        (query.clone(), false),
        (query.clone().limit(5), true),
        (query.clone().limit(11), false),
        (query.clone().offset(4), true),
        (query.clone().offset(4).limit(3), true),
    ] {
        for list in [vanishing(), growing()] {
            let mut listing = listing(&list, &query, |request| Ok(pages.page(request)));
            read(&mut listing);
            assert_eq!(listing.is_cut_off(), cut_off, "{query:?}");
        }
    }
}

#[test]
fn only_what_is_sorted_in_memory_has_to_fit_into_the_scan_limit() {
    let pages = FakePages::new(20);
    let query = Query::new().page_size(10).scan_limit(19);
    let by_name = query.clone().sort_by(SortKey::Name, Direction::Ascending);
    for (query, is_read) in [
        (query, true),
        (by_name.clone(), false),
        (by_name.scan_limit(20), true),
    ] {
        let mut listing = listing(&vanishing(), &query, |request| Ok(pages.page(request)));
        let read = read(&mut listing).len();
        assert_eq!(read, if is_read { 20 } else { 0 }, "{query:?}");
        assert_eq!(listing.completeness().is_some(), is_read, "{query:?}");
    }
}

#[test]
fn a_limit_makes_no_listing_complete_that_needs_several_unprotected_pages() {
    let unprotected = ListCapability::new(Paging::Numbered).with_totals();
    let query = Query::new()
        .filter(Filter::State(TokenState::Active))
        .limit(5);
    for (count, is_complete) in [(10, true), (11, false)] {
        let pages = FakePages::new(count);
        let query = query.clone().page_size(10);
        let mut listing = listing(&unprotected, &query, |request| Ok(pages.page(request)));
        assert_eq!(read(&mut listing).len(), 5);
        let completeness = listing.completeness().unwrap();
        assert_eq!(completeness.is_complete(), is_complete, "{count} tokens");
    }
}

#[test]
fn a_listing_lacks_nothing_that_is_listed_unless_it_is_partial() {
    let unlisted = Completeness::Complete.without_unlisted(Some("login tokens"));
    let partial = Completeness::Partial(PartialReason::UnexpectedOrder);
    for (claim, is_complete, is_complete_as_shown) in [
        (Completeness::Complete, true, true),
        (unlisted, false, true),
        (partial, false, false),
    ] {
        assert_eq!(claim.is_complete(), is_complete, "{claim:?}");
        assert_eq!(
            claim.is_complete_as_shown(),
            is_complete_as_shown,
            "{claim:?}"
        );
    }
}

#[test]
fn tokens_repeated_after_an_interruption_do_not_count() {
    let pages = FakePages::new(40);
    let query = Query::new()
        .page_size(4)
        .filter(Filter::State(TokenState::Active));
    for query in [
        query.clone().limit(24),
        query.clone().offset(10),
        query.offset(5).limit(20),
    ] {
        for list in [vanishing(), growing()] {
            for interrupted_after in 0..24 {
                let mut first = listing(&list, &query, |request| Ok(pages.page(request)));
                let mut seen: Vec<_> = (0..interrupted_after)
                    .filter_map(|_| next(&mut first))
                    .collect();
                let cursor: Cursor = first.cursor().to_string().parse().unwrap();
                if cursor.position == PagePosition::First {
                    continue;
                }
                let mut whole = seen.clone();
                whole.extend(read(&mut first));
                // Three tokens vanish from the beginning of the scan, or are created there.
                let changed = if list.tokens_vanish {
                    FakePages::new(37)
                } else {
                    FakePages::from_ids((41..=43).chain(1..=40))
                };
                let rest = listing(&list, &query, |request| Ok(changed.page(request)));
                seen.extend(read(&mut rest.resume(&cursor).unwrap()));
                for id in whole.iter().filter(|id| changed.ids.contains(id)) {
                    assert!(
                        seen.contains(id),
                        "{interrupted_after}: {id} of {seen:?}, {cursor}"
                    );
                }
                let beyond = seen.iter().any(|id| !whole.contains(id));
                assert!(
                    query.limit.is_some() || !beyond,
                    "{interrupted_after}: {seen:?}, {cursor}"
                );
            }
        }
    }
}

#[test]
fn a_keyset_with_an_offset_and_a_limit_is_resumed_exactly_although_its_cursor_expired() {
    let pages = FakePages::new(30);
    let is_first = |request: &PageRequest| request.position == PagePosition::First;
    let answer = |request: &PageRequest| Ok(pages.keyset_page(request));
    let newest_first = keyset_by_id(Direction::Descending);
    for (list, offset, limit) in [
        (keyset(), 0, None),
        (keyset(), 5, Some(11)),
        (newest_first.clone(), 5, Some(11)),
        (newest_first, 4, None),
    ] {
        let mut query = Query::new().page_size(4).offset(offset);
        query.limit = limit;
        let whole = read(&mut listing(&list, &query, answer));
        for interrupted_after in 0..whole.len() {
            for (expires_at, resumed_expires) in [(None, true), (Some(3), false), (Some(4), true)] {
                let requests = Mutex::new(0);
                let forget_once = |request: &PageRequest| {
                    let mut requests = requests.lock().unwrap();
                    *requests += 1;
                    if Some(*requests) == expires_at && !is_first(request) {
                        return Err(Error::cursor_expired("expired"));
                    }
                    answer(request)
                };
                let mut first = listing(&list, &query, forget_once);
                let mut seen: Vec<_> = (0..interrupted_after)
                    .filter_map(|_| next(&mut first))
                    .collect();
                assert_eq!(seen, whole[..interrupted_after]);
                let cursor: Cursor = first.cursor().to_string().parse().unwrap();
                let forgets = Mutex::new(resumed_expires);
                let rest = listing(&list, &query, |request| {
                    let mut forgets = forgets.lock().unwrap();
                    if !is_first(request) && std::mem::take(&mut *forgets) {
                        return Err(Error::cursor_expired("expired"));
                    }
                    answer(request)
                });
                let mut rest = rest.resume(&cursor).unwrap();
                seen.extend(read(&mut rest));
                assert!(rest.completeness().is_some_and(|end| end.is_complete()));
                let context = || format!("{interrupted_after} {expires_at:?} {list:?}: {seen:?}");
                assert!(whole.iter().all(|id| seen.contains(id)), "{}", context());
                assert!(seen.iter().all(|id| whole.contains(id)), "{}", context());
            }
        }
    }
}

#[test]
fn an_offset_skips_no_fewer_tokens_while_others_are_created() {
    for offset in 0..=100 {
        let query = Query::new()
            .sort_by(SortKey::Id, Direction::Descending)
            .page_size(10)
            .offset(offset);
        for interrupted_after in [None, Some(0), Some(3), Some(15)] {
            let count = Mutex::new(100);
            let answer = |request: &PageRequest| {
                let mut count = count.lock().unwrap();
                let page = FakePages::new(*count).page(request);
                *count += 1;
                Ok(page)
            };
            let mut listed = listing(&vanishing(), &query, answer);
            let mut ids: Vec<u32> = (0..interrupted_after.unwrap_or(0))
                .filter_map(|_| next(&mut listed))
                .collect();
            if interrupted_after.is_some() {
                let cursor = listed.cursor();
                listed = listing(&vanishing(), &query, answer)
                    .resume(&cursor)
                    .unwrap();
            }
            ids.extend(read(&mut listed));
            let newest = 104 - u32::try_from(offset).unwrap();
            assert!(
                ids.iter().all(|id| *id <= newest),
                "{offset}, {interrupted_after:?}: {ids:?}"
            );
            assert!(
                (1..=100 - u32::try_from(offset).unwrap()).all(|id| ids.contains(&id)),
                "{offset}, {interrupted_after:?}: {ids:?}"
            );
        }
    }
}
