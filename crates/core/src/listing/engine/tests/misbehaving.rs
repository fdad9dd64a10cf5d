//! Walks over platforms that misbehave.

use super::*;

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
            let page = shelf.page(&request.clone().size(size));
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
                let page = shelf.page(&request.clone().position(PagePosition::Number(always)));
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
        shelf.page(&request.clone().position(PagePosition::Number(other)))
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
            let page = shelf.page(&request.clone().position(PagePosition::First));
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
                ..shelf.page(&request.clone().position(PagePosition::First))
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
fn a_first_page_that_is_smaller_than_asked_for_and_names_no_next_is_not_taken_for_all() {
    for list in [losing(), losing_by_creation(), keeping(), keeping_by_name()] {
        let shelf = Shelf::of(80);
        let walked = walk(Walker::new(&plan(&list, 100)), |request| {
            let size = request.size.unwrap().min(40);
            let page = shelf.page(&request.clone().size(size));
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
    let list = losing().with_default_page_size(0);
    assert!(Plan::for_query(&Query::new(), &list).is_ok());
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
fn a_total_that_only_one_page_tells_is_not_followed_beyond_the_end() {
    for list in [losing(), keeping(), keeping_by_name()] {
        let shelf = Shelf::of(35);
        for lying in 0..4 {
            let walked = walk(Walker::new(&plan(&list, 10)), |request| {
                let mut page = shelf.page(request);
                if request.number() == Some(lying) {
                    page.total = Some(1_000_000);
                    page.next = Some(PagePosition::Number(lying + 1));
                }
                page
            });
            assert!(
                !is_complete(&walked) || is_exact(&walked, &shelf.ids),
                "{walked:?}"
            );
            assert!(walked.requests < 50, "{walked:?}");
        }
    }
}
