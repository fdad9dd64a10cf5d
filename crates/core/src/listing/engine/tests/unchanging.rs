//! Scans of a set that does not change.

use super::*;

#[test]
fn every_token_is_emitted_once_whatever_the_page_size() {
    for list in [vanishing(), vanishing_by_creation(), appending(), growing()] {
        for (count, size) in [(0, 3), (1, 3), (3, 3), (7, 3), (9, 3), (10, 1)] {
            let pages = FakePages::new(count);
            let concurrent = plan(&list, size);
            let sequential = Plan {
                max_concurrency: 1,
                ..concurrent.clone()
            };
            for plan in [concurrent, sequential] {
                let mut scanned = scan(PageEngine::new(&plan), |request| pages.page(request));
                scanned.ids.sort_unstable();
                assert_eq!(scanned.ids, pages.ids);
                assert!(scanned.is_complete(), "{scanned:?}");
                let least = plan.requests(count.into()).unwrap();
                let probes = match plan.max_concurrency {
                    1 => 0,
                    _ => 1 + least / 4,
                };
                assert!(
                    (least..=least + probes).contains(&scanned.requests),
                    "{scanned:?}"
                );
            }
        }
    }
}

#[test]
fn an_offset_at_or_beyond_the_end_leaves_a_complete_empty_listing() {
    for list in [vanishing(), appending(), growing()] {
        for offset in [7, 8, 100] {
            let query = Query::new().page_size(3).offset(offset);
            let plan = Plan::for_query(&query, &list).unwrap();
            let pages = FakePages::new(7);
            let scanned = scan(PageEngine::new(&plan), |request| pages.page(request));
            assert!(scanned.is_complete(), "{scanned:?}");
        }
    }
}

#[test]
fn a_page_range_is_not_read_from_pages_of_another_size() {
    let pages = FakePages::new(19);
    for (offset, limit, most) in (0..20)
        .flat_map(|offset| (1..13).map(move |limit| (offset, limit)))
        .flat_map(|(offset, limit)| (1..13).map(move |most| (offset, limit, most)))
    {
        for list in [vanishing(), appending()] {
            let query = Query::new().sort_by(SortKey::Id, Direction::Ascending);
            let query = query.offset(offset).limit(limit);
            let plan = Plan::for_query(&query, &list.with_default_page_size(12)).unwrap();
            let scanned = scan(PageEngine::new(&plan), |request| {
                let size = request.size.unwrap().min(most);
                pages.page(&request.clone().size(size))
            });
            let wanted = (1..=19).skip(offset as usize).take(limit as usize);
            for id in wanted {
                assert!(scanned.ids.contains(&id), "{query:?} without {id}: {plan}");
            }
        }
    }
}

#[test]
fn a_mutable_filter_is_pushed_down_for_one_page_and_dropped_beyond() {
    let list = vanishing().with_filters(FilterCapability::for_names());
    let query = Query::new().filter(Filter::name("x")).page_size(10);
    let plan = Plan::for_query(&query, &list).unwrap();
    let scan_of = |matching: u32| {
        let mut filtered = 0;
        let scanned = scan(PageEngine::new(&plan), |request| match request.filter {
            Some(_) => {
                filtered += 1;
                FakePages::new(matching).page(request)
            }
            None => FakePages::new(50).page(request),
        });
        (scanned.ids.len(), filtered, scanned.is_complete())
    };
    assert_eq!(scan_of(9), (9, 1, true), "one page holds all matches");
    for matching in [10, 11] {
        let all = (50, 1, true);
        assert_eq!(scan_of(matching), all, "more than a page may match");
    }
}

/// Scans backward in pages of 1,000 tokens, and returns the result and the number of tokens that
/// each probe brought.
fn scan_with_probes(
    pages: &FakePages,
    adapt: impl Fn(&PageRequest) -> PageRequest,
) -> (Scanned, Vec<usize>) {
    let mut probes = Vec::new();
    let scanned = scan(PageEngine::new(&plan(&vanishing(), 1_000)), |request| {
        let page = pages.page(&adapt(request));
        if request.size != Some(1_000) {
            probes.push(page.tokens.len());
        }
        page
    });
    (scanned, probes)
}

proptest! {
    #[test]
    fn a_probe_of_a_large_page_takes_one_or_two_hundred_tokens(count in 8_000u32..16_000) {
        let pages = FakePages::new(count);
        let (scanned, probes) = scan_with_probes(&pages, PageRequest::clone);
        prop_assert!(scanned.is_complete() && scanned.is_exact(&pages.ids));
        let pages_needed = u64::from(count.div_ceil(1_000));
        prop_assert!(scanned.requests <= pages_needed + 6, "{}", scanned.requests);
        // A last page with no more tokens than that is probed whole.
        prop_assert_eq!(probes.is_empty(), (count - 1) % 1_000 < 200);
        prop_assert!(probes.iter().all(|tokens| (100..=200).contains(tokens)), "{:?}", probes);
    }
}

#[test]
fn a_platform_with_one_page_size_is_probed_by_whole_pages() {
    let pages = FakePages::new(20_000);
    let (scanned, probes) = scan_with_probes(&pages, |request| request.clone().size(1_000));
    assert!(scanned.is_complete() && scanned.is_exact(&pages.ids));
    // The pages in flight at the failed probe are read again, once.
    assert_eq!(probes.len(), 1);
    assert!(scanned.requests <= 45, "{}", scanned.requests);
}

#[test]
fn a_backward_scan_yields_descending_ids() {
    let query = Query::new()
        .sort_by(SortKey::Id, Direction::Descending)
        .page_size(3);
    let plan = Plan::for_query(&query, &vanishing()).unwrap();
    assert!(!plan.sorts_in_memory);
    let scanned = scan(PageEngine::new(&plan), |request| {
        FakePages::new(8).page(request)
    });
    assert_eq!(scanned.ids, [8, 7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn unprotected_paging_is_complete_on_one_page_and_partial_beyond_even_if_resumed() {
    let list = ListCapability::new(Paging::Numbered).with_totals();
    let pages = FakePages::new(20);
    assert!(
        scan(PageEngine::new(&plan(&list, 20)), |request| pages
            .page(request))
        .is_complete()
    );
    let plan = plan(&list, 10);
    assert!(!scan(PageEngine::new(&plan), |request| pages.page(request)).is_complete());
    let mut cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
    cursor.position = PagePosition::Number(1);
    let resumed = scan(PageEngine::resume(&plan, &cursor).unwrap(), |request| {
        pages.page(&request.clone().size(10))
    });
    assert!(!resumed.is_complete());
}

#[test]
fn an_unprotected_page_that_contradicted_itself_at_first_is_no_complete_listing() {
    let list = ListCapability::new(Paging::Numbered).with_totals();
    let pages = FakePages::new(20);
    let mut requests = 0;
    let scanned = scan(PageEngine::new(&plan(&list, 20)), |request| {
        requests += 1;
        let mut page = pages.page(request);
        page.total = Some(if requests == 1 { 19 } else { 20 });
        page
    });
    assert_eq!(scanned.requests, 2);
    assert!(!scanned.is_complete(), "{scanned:?}");
}

#[test]
fn a_filter_that_is_too_long_to_send_is_applied_in_the_client() {
    let filters = FilterCapability::for_names()
        .with_combinations()
        .with_immutable_matches();
    let list = appending().with_filters(filters);
    let pushed = |names| {
        let names = (0..names).map(|name| Filter::name(format!("{name:x}")));
        let query = Query::new().filter(Filter::any_of(names));
        Plan::for_query(&query, &list)
            .unwrap()
            .pushed_filter
            .is_some()
    };
    assert!(pushed(10) && !pushed(300));
}

#[test]
fn a_cursor_in_filtered_pages_is_rejected_where_the_filter_is_not_sent() {
    let list = appending().with_filters(FilterCapability::for_names().with_immutable_matches());
    let query = Query::new().filter(Filter::name("x")).page_size(10);
    let mut cursor = Cursor::new(
        &Account::new("p", "a"),
        &query,
        &Plan::for_query(&query, &list).unwrap(),
    );
    cursor.position = PagePosition::Number(1);
    let filtering = Plan::for_query(&query, &list).unwrap();
    assert!(PageEngine::resume(&filtering, &cursor).is_ok());
    let plan = Plan::for_query(&query, &appending()).unwrap();
    let error = PageEngine::resume(&plan, &cursor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCursor);
    // A position in unfiltered pages stays one.
    cursor.filter = None;
    assert!(PageEngine::resume(&filtering, &cursor).is_ok());
}

#[test]
fn a_cursor_that_names_a_page_by_a_token_is_rejected_by_a_backward_scan() {
    for (list, rejected) in [(vanishing(), true), (appending(), false)] {
        let plan = plan(&list, 10);
        let mut cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
        cursor.position = PagePosition::Token("next".to_owned());
        let error = PageEngine::resume(&plan, &cursor).err();
        let kind = error.map(|error| error.kind());
        assert_eq!(kind, rejected.then_some(ErrorKind::InvalidCursor));
    }
}
