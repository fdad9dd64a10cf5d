//! Scans that request and hold no more than they need, and always end.

use super::*;
use crate::error::{Error, Fate};
use crate::model::TokenState;

/// Sends all requests that the engine wants to send, and receives their pages.
fn exchange(engine: &mut PageEngine, pages: &FakePages) -> usize {
    let requests: Vec<_> = std::iter::from_fn(|| engine.next_request()).collect();
    for (id, request) in &requests {
        engine.on_response(*id, Ok(pages.page(request)));
    }
    while engine.next_batch().unwrap().is_some() {}
    requests.len()
}

#[test]
fn no_more_pages_are_fetched_ahead_than_a_limit_can_want() {
    let pages = FakePages::new(200);
    let limited = || Query::new().page_size(10).limit(25);
    let filtered = limited().filter(Filter::State(TokenState::Active));
    let sorted = limited().sort_by(SortKey::Name, Direction::Ascending);
    for (query, ahead) in [
        (limited(), 2),
        (limited().offset(20), 2),
        // These want all tokens, so the maximum is fetched.
        (filtered, 16),
        (sorted, 16),
        (Query::new().page_size(10), 16),
    ] {
        let plan = Plan::for_query(&query, &appending()).unwrap();
        let mut engine = PageEngine::new(&plan);
        assert_eq!(exchange(&mut engine, &pages), 1);
        assert_eq!(exchange(&mut engine, &pages), ahead, "{plan}");
    }
}

#[test]
fn a_growing_set_is_read_concurrently_as_soon_as_it_stops_growing() {
    let mut pages = FakePages::new(400);
    let mut engine = PageEngine::new(&plan(&growing(), 10));
    for _ in 0..5 {
        assert_eq!(exchange(&mut engine, &pages), 1);
        pages.create();
    }
    let widths: Vec<_> = (0..4).map(|_| exchange(&mut engine, &pages)).collect();
    assert_eq!(widths[0], 1);
    assert!(widths[3] > 1, "{widths:?}");
}

#[test]
fn a_set_is_read_concurrently_again_once_nothing_is_deleted_any_more() {
    let mut pages = FakePages::new(20_000);
    let mut engine = PageEngine::new(&plan(&vanishing(), 10));
    let mut widest = |pages: &FakePages| (0..8).map(|_| exchange(&mut engine, pages)).max();
    assert!(widest(&pages) > Some(4));
    pages.delete(2_000);
    widest(&pages);
    assert!(widest(&pages) > Some(4));
}

#[test]
fn responses_to_discarded_requests_are_not_waited_for() {
    let pages = FakePages::new(200);
    let mut engine = PageEngine::new(&plan(&growing(), 10));
    while exchange(&mut engine, &pages) == 1 {}
    let generation = engine.generation();
    let requests: Vec<_> = std::iter::from_fn(|| engine.next_request()).collect();
    assert!(requests.len() > 1);
    let older = FakePages::new(199);
    engine.on_response(requests[0].0, Ok(pages.page(&requests[0].1)));
    engine.on_response(requests[1].0, Ok(older.page(&requests[1].1)));
    while engine.next_batch().unwrap().is_some() {}
    assert_ne!(engine.generation(), generation);
}

#[test]
fn only_a_fast_path_that_was_rejected_is_abandoned_for_the_scan() {
    let range = Query::new().page_size(10).limit(25);
    let whole = Query::new().page_size(10);
    let (invalid, denied) = (ErrorKind::InvalidInput, ErrorKind::PermissionDenied);
    for (query, failing, kind, abandoned) in [
        (&range, 0, invalid, true),
        (&range, 0, denied, false),
        (&range, 1, invalid, false),
        (&whole, 0, invalid, false),
    ] {
        let plan = Plan::for_query(query, &appending()).unwrap();
        let mut engine = PageEngine::new(&plan);
        for _ in 0..failing {
            exchange(&mut engine, &FakePages::new(200));
        }
        let (id, _) = engine.next_request().unwrap();
        engine.on_response(id, Err(Error::new(kind, Fate::Rejected, "no")));
        match engine.next_batch() {
            Ok(batch) => assert!(abandoned && batch.is_none() && engine.next_request().is_some()),
            Err(error) => assert!(!abandoned && error.kind() == kind, "{error}"),
        }
    }
}

#[test]
fn a_platform_that_repeats_a_page_for_ever_is_given_up_without_totals_too() {
    let list = ListCapability::new(Paging::Sequential);
    let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
        let first = request.clone().position(PagePosition::First);
        Page {
            total: None,
            number: None,
            next: Some(PagePosition::Token("more".to_owned())),
            ..FakePages::new(20).page(&first)
        }
    });
    let error = scanned.end.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation, "{error}");
    // The first page, twenty that are tolerated, and the one that is too many.
    assert_eq!(scanned.requests, 22);
}

#[test]
fn all_tokens_on_one_page_are_the_whole_list_whatever_size_was_requested() {
    let pages = FakePages::new(30);
    for list in [vanishing(), appending(), growing()] {
        for names_next in [false, true] {
            let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
                let all = request.clone().position(PagePosition::First).size(30);
                let page = pages.page(&all);
                let next = PagePosition::Number(request.number().unwrap() + 1);
                Page {
                    number: None,
                    size: None,
                    next: names_next.then_some(next),
                    ..page
                }
            });
            assert!(scanned.is_complete(), "{scanned:?}");
            assert!(scanned.is_exact(&pages.ids), "{scanned:?}");
            assert_eq!(scanned.requests, 1);
        }
    }
}

#[test]
fn a_page_range_shows_what_it_was_to_show() {
    let pages = FakePages::new(30);
    let plan = Plan::for_query(&Query::new().limit(5), &vanishing()).unwrap();
    let scanned = scan(PageEngine::new(&plan), |request| pages.page(request));
    assert!(scanned.is_complete(), "{scanned:?}");
    assert_eq!(scanned.requests, 1);
}

#[test]
fn a_page_of_another_size_serves_no_page_range_whether_it_says_so_or_holds_too_few_tokens() {
    let query = Query::new().page_size(10).offset(20).limit(10);
    let plan = Plan::for_query(&query, &appending()).unwrap();
    // Of 24 tokens, the third page of ten holds as many as that of four.
    for (count, says_size) in [(24, true), (30, false), (30, true)] {
        let pages = FakePages::new(count);
        let scanned = scan(PageEngine::new(&plan), |request| {
            let page = pages.page(&request.clone().size(4));
            Page {
                size: page.size.filter(|_| says_size),
                ..page
            }
        });
        assert!(scanned.is_complete(), "{scanned:?}");
        assert!(scanned.is_exact(&pages.ids), "{scanned:?}");
    }
}

#[test]
fn a_page_of_the_platforms_own_size_that_counts_more_must_name_the_next_one() {
    let query = Query::new();
    for names_next in [false, true] {
        let plan = Plan::for_query(&query, &appending()).unwrap();
        let scanned = scan(PageEngine::new(&plan), |request| {
            let page = FakePages::new(9).page(&request.clone().size(5));
            Page {
                size: None,
                next: page.next.filter(|_| names_next),
                ..page
            }
        });
        assert_eq!(scanned.is_complete(), names_next, "{scanned:?}");
    }
    // A total that is not what the only page holds is no end either.
    for query in [query, Query::new().page_size(10)] {
        for (tokens, total) in [(5, 3), (0, 5)] {
            let plan = Plan::for_query(&query, &appending()).unwrap();
            let scanned = scan(PageEngine::new(&plan), |_| Page {
                total: Some(total),
                ..Page::last((0..tokens).map(token).collect())
            });
            assert!(!scanned.is_complete(), "{scanned:?}");
        }
    }
}

#[test]
fn a_page_must_hold_the_order_by_id_that_was_requested() {
    let query = Query::new().limit(5);
    for direction in [Direction::Ascending, Direction::Descending] {
        let query = query.clone().sort_by(SortKey::Id, direction);
        let plan = Plan::for_query(&query, &vanishing()).unwrap();
        for ids in [vec![1, 2, 3], vec![3, 2, 1], vec![2, 2], vec![1]] {
            let in_order = match direction {
                Direction::Ascending => ids.is_sorted_by(|a, b| a < b),
                Direction::Descending => ids.is_sorted_by(|a, b| a > b),
            };
            let scanned = scan(PageEngine::new(&plan), |_| Page {
                total: Some(ids.len() as u64),
                ..Page::last(ids.iter().copied().map(token).collect())
            });
            assert_eq!(scanned.end.is_ok(), in_order, "{direction:?} {ids:?}");
        }
    }
}

#[test]
fn a_filtered_page_that_counts_more_than_it_holds_is_not_taken_for_all_matches() {
    let list = vanishing().with_filters(FilterCapability::for_names());
    let query = Query::new().filter(Filter::name("x")).page_size(10);
    let plan = Plan::for_query(&query, &list).unwrap();
    let pages = FakePages::new(50);
    let scanned = scan(PageEngine::new(&plan), |request| {
        let page = pages.page(request);
        Page {
            next: page.next.filter(|_| request.filter.is_none()),
            ..page
        }
    });
    assert!(scanned.is_complete(), "{scanned:?}");
    assert!(scanned.is_exact(&pages.ids), "{scanned:?}");
}

#[test]
fn a_short_page_at_the_end_is_no_smaller_page_size() {
    for list in [appending(), growing()] {
        for count in [7, 10] {
            let mut engine = PageEngine::new(&plan(&list, 10));
            exchange(&mut engine, &FakePages::new(count));
            assert_eq!(engine.place().size, Some(10), "{count} of {list:?}");
        }
    }
}
