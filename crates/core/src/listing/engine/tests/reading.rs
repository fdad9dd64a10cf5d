//! Walks over a set that rests.

use super::*;

#[test]
fn every_token_is_handed_out_once_whatever_the_page_size() {
    for list in [losing(), losing_by_creation(), keeping(), keeping_by_name()] {
        for (count, size) in [(0, 3), (1, 3), (3, 3), (7, 3), (9, 3), (10, 1)] {
            let shelf = Shelf::of(count);
            let side_by_side = plan(&list, size);
            let one_by_one = Plan {
                max_concurrency: 1,
                ..side_by_side.clone()
            };
            for plan in [side_by_side, one_by_one] {
                let mut walked = walk(Walker::new(&plan), |request| shelf.page(request));
                walked.ids.sort_unstable();
                assert_eq!(walked.ids, shelf.ids);
                assert!(is_complete(&walked), "{walked:?}");
                let least = plan.requests(count.into()).unwrap();
                let looks = match plan.max_concurrency {
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
            let query = Query::new().page_size(3).offset(offset);
            let plan = Plan::for_query(&query, &list).unwrap();
            let shelf = Shelf::of(7);
            let walked = walk(Walker::new(&plan), |request| shelf.page(request));
            assert!(is_complete(&walked), "{walked:?}");
        }
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
            let query = Query::new().sort_by(SortKey::Id, Direction::Ascending);
            let query = query.offset(offset).limit(limit);
            let plan = Plan::for_query(&query, &list.with_default_page_size(12)).unwrap();
            let walked = walk(Walker::new(&plan), |request| {
                let size = request.size.unwrap().min(most);
                shelf.page(&request.clone().size(size))
            });
            let wanted = (1..=19).skip(offset as usize).take(limit as usize);
            for id in wanted {
                assert!(walked.ids.contains(&id), "{query:?} without {id}: {plan}");
            }
        }
    }
}

#[test]
fn a_filter_on_what_may_change_serves_one_page_and_is_dropped_beyond() {
    let list = losing().with_filters(FilterCapability::for_names());
    let query = Query::new().filter(Filter::name("x")).page_size(10);
    let plan = Plan::for_query(&query, &list).unwrap();
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

/// What a walk over so many tokens, 1,000 a page, found, and how many tokens came by each of its looks.
fn walk_with_looks(
    shelf: &Shelf,
    answer: impl Fn(&PageRequest) -> PageRequest,
) -> (Walked, Vec<usize>) {
    let mut looks = Vec::new();
    let walked = walk(Walker::new(&plan(&losing(), 1_000)), |request| {
        let page = shelf.page(&answer(request));
        if request.size != Some(1_000) {
            looks.push(page.tokens.len());
        }
        page
    });
    (walked, looks)
}

proptest! {
    #[test]
    fn a_second_look_at_the_end_of_a_large_page_takes_a_hundred_tokens_or_two(count in 8_000u32..16_000) {
        let shelf = Shelf::of(count);
        let (walked, looks) = walk_with_looks(&shelf, PageRequest::clone);
        prop_assert!(is_complete(&walked) && is_exact(&walked, &shelf.ids));
        prop_assert!(walked.requests <= u64::from(count.div_ceil(1_000)) + 6, "{}", walked.requests);
        // What the last page itself holds is taken with it where it is no more.
        prop_assert_eq!(looks.is_empty(), (count - 1) % 1_000 < 200);
        prop_assert!(looks.iter().all(|tokens| (100..=200).contains(tokens)), "{:?}", looks);
    }
}

#[test]
fn a_platform_that_knows_one_size_of_pages_is_looked_at_by_these() {
    let shelf = Shelf::of(20_000);
    let (walked, looks) = walk_with_looks(&shelf, |request| request.clone().size(1_000));
    assert!(is_complete(&walked) && is_exact(&walked, &shelf.ids));
    // What was on its way then is read again, once.
    assert_eq!(looks.len(), 1);
    assert!(walked.requests <= 45, "{}", walked.requests);
}

#[test]
fn a_descending_order_by_id_is_what_a_backward_walk_yields() {
    let query = Query::new()
        .sort_by(SortKey::Id, Direction::Descending)
        .page_size(3);
    let plan = Plan::for_query(&query, &losing()).unwrap();
    assert!(!plan.sorts_here);
    let walked = walk(Walker::new(&plan), |request| Shelf::of(8).page(request));
    assert_eq!(walked.ids, [8, 7, 6, 5, 4, 3, 2, 1]);
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
        shelf.page(&request.clone().size(10))
    });
    assert!(!is_complete(&resumed));
}

#[test]
fn a_filter_of_many_short_names_is_applied_here() {
    let filters = FilterCapability::for_names()
        .with_combinations()
        .with_immutable_matches();
    let list = keeping().with_filters(filters);
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
fn pages_of_matches_are_not_counted_on_among_all_tokens() {
    let list = keeping().with_filters(FilterCapability::for_names().with_immutable_matches());
    let query = Query::new().filter(Filter::name("x")).page_size(10);
    let mut cursor = Cursor::new(
        &Account::new("p", "a"),
        &query,
        &Plan::for_query(&query, &list).unwrap(),
    );
    cursor.position = PagePosition::Number(1);
    let plan = Plan::for_query(&query, &keeping()).unwrap();
    let error = Walker::resume(&plan, &cursor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCursor);
}
