//! Pages that are too large to be read.

use super::*;
use crate::error::{Error, Fate};

/// Scans pages of which no response may weigh more than a limit, and returns the result or the
/// error. Every token weighs 1, and the heavy ones as much as is said.
fn scan_heavy(
    mut engine: PageEngine,
    pages: &mut FakePages,
    weight: impl Fn(u32) -> u64,
    limit: u64,
    mut change: impl FnMut(&mut FakePages),
) -> Scanned {
    let (mut emitted, mut requests) = (Vec::new(), 0);
    let end = loop {
        match engine.next_batch() {
            Ok(Some(batch)) => {
                emitted.extend(ids(&batch.tokens));
                continue;
            }
            Ok(None) if engine.is_done() => break Ok(engine.completeness()),
            Ok(None) => {}
            Err(error) => break Err(error),
        }
        let sent: Vec<_> = std::iter::from_fn(|| engine.next_request()).collect();
        assert!(!sent.is_empty(), "a scan continues or ends");
        for (id, request) in sent {
            requests += 1;
            assert!(requests < 50_000, "a scan must end");
            let page = pages.page(&request);
            let size: u64 = ids(&page.tokens).into_iter().map(&weight).sum();
            change(pages);
            let too_large = Error::response_too_large(Fate::Rejected, "larger than 64 MiB");
            engine.on_response(
                id,
                if size > limit {
                    Err(too_large)
                } else {
                    Ok(page)
                },
            );
        }
    };
    Scanned {
        ids: emitted,
        end,
        requests,
    }
}

proptest! {
    #[test]
    fn a_page_that_is_too_large_is_read_in_smaller_ones(
        (count, size) in prop_oneof![(0u32..60, 1u32..20), (0u32..900, 50u32..300)],
        heavy in prop::collection::vec(0u32..900, 0..4),
        limit in 8u64..40,
        deletions in prop::collection::vec(prop::option::weighted(0.2, 0usize..900), 0..40),
    ) {
        let weight = |id: u32| if heavy.contains(&id) { limit } else { 1 };
        for list in [vanishing(), vanishing_by_creation(), appending(), growing()] {
            let mut pages = FakePages::new(count);
            let mut lasting = pages.ids.clone();
            let mut deletions = deletions.iter();
            let scanned = scan_heavy(
                PageEngine::new(&plan(&list, size)), &mut pages, weight, limit,
                |pages| {
                    if list.tokens_vanish
                        && let Some(Some(at)) = deletions.next()
                    {
                        pages.delete(*at);
                        lasting.retain(|id| pages.ids.contains(id));
                    }
                },
            );
            prop_assert!(scanned.is_complete(), "{:?}", scanned.end);
            prop_assert!(scanned.is_exact(&lasting), "{:?} of {:?}", scanned, lasting);
        }
    }
}

#[test]
fn a_token_that_is_too_large_alone_is_named() {
    for list in [vanishing(), appending(), growing()] {
        let mut pages = FakePages::new(30);
        let weight = |id| if id == 17 { 100 } else { 1 };
        let scanned = scan_heavy(
            PageEngine::new(&plan(&list, 10)),
            &mut pages,
            weight,
            50,
            |_| {},
        );
        let error = scanned.end.unwrap_err();
        assert!(error.is_response_too_large());
        let text = error.advice().unwrap();
        assert!(
            text.contains("token 17 ") && text.contains("--page-size 1"),
            "{text}"
        );
    }
}

#[test]
fn smaller_pages_begin_where_the_one_that_was_too_large_did() {
    for list in [appending(), growing()] {
        let mut pages = FakePages::new(100);
        let weight = |id| if id == 95 { 10 } else { 1 };
        let engine = PageEngine::new(&plan(&list, 10));
        let scanned = scan_heavy(engine, &mut pages, weight, 15, |_| {});
        assert!(scanned.is_complete() && scanned.is_exact(&pages.ids));
        // Nine pages of ten, the one that is too large, and two of five.
        assert_eq!(scanned.requests, 12);
    }
}

#[test]
fn a_backward_scan_reads_no_page_again_but_the_one_that_was_too_large() {
    let mut pages = FakePages::new(100);
    let weight = |id| if id == 55 { 10 } else { 1 };
    let plan = Plan {
        max_concurrency: 1,
        ..plan(&vanishing(), 10)
    };
    let scanned = scan_heavy(PageEngine::new(&plan), &mut pages, weight, 15, |_| {});
    assert!(scanned.is_complete() && scanned.is_exact(&pages.ids));
    // The first page, four of ten, the one that is too large, and twelve of five.
    assert_eq!(scanned.requests, 1 + 4 + 1 + 12);
}

#[test]
fn a_filtered_page_that_is_too_large_is_tried_in_half_the_size() {
    let list = vanishing().with_filters(FilterCapability::for_names());
    let query = Query::new().filter(Filter::name("x")).page_size(10);
    let mut engine = PageEngine::new(&Plan::for_query(&query, &list).unwrap());
    for size in [10, 5] {
        let (id, request) = engine.next_request().unwrap();
        assert_eq!((request.size, request.filter.is_some()), (Some(size), true));
        let too_large = Error::response_too_large(Fate::Rejected, "larger than 64 MiB");
        engine.on_response(id, Err(too_large));
        assert!(engine.next_batch().unwrap().is_none());
    }
}
