//! Scans of platforms that misbehave.

use super::*;

#[test]
fn a_platform_that_counts_more_than_it_shows_makes_a_partial_listing() {
    for list in [vanishing(), appending()] {
        for missing in 0..3 {
            let pages = FakePages::new(30);
            let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
                let mut page = pages.page(request);
                if request.number() == Some(missing) {
                    page.tokens.truncate(5);
                }
                page
            });
            let all = scanned.ids.len() == 30;
            assert!(all || !scanned.is_complete(), "page {missing}: {scanned:?}");
        }
        let scanned = scan(PageEngine::new(&plan(&list, 100)), |request| {
            let mut page = FakePages::new(20).page(request);
            page.total = Some(30);
            page
        });
        assert!(!scanned.is_complete(), "{scanned:?}");
    }
}

#[test]
fn a_platform_that_sends_smaller_pages_than_it_says_is_read_to_the_end() {
    for list in [vanishing(), appending()] {
        let pages = FakePages::new(150);
        let mut scanned = scan(PageEngine::new(&plan(&list, 100)), |request| {
            let size = request.size.unwrap().min(40);
            let page = pages.page(&request.clone().size(size));
            // It echoes the requested size, and so sees the end too early.
            let size = request.size;
            let end = (request.number().unwrap() + 1) * u64::from(size.unwrap());
            let next = (end < 150).then(|| PagePosition::Number(request.number().unwrap() + 1));
            Page { size, next, ..page }
        });
        scanned.ids.sort_unstable();
        assert_eq!(scanned.ids, pages.ids);
        assert!(scanned.is_complete());
    }
}

#[test]
fn a_platform_that_ignores_the_page_number_never_makes_a_complete_listing() {
    for list in [vanishing(), appending(), growing()] {
        for always in [0, 2] {
            let pages = FakePages::new(30);
            let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
                let page = pages.page(&request.clone().position(PagePosition::Number(always)));
                let number = request.number().unwrap();
                Page {
                    number: None,
                    next: (number < 2).then_some(PagePosition::Number(number + 1)),
                    ..page
                }
            });
            assert!(!scanned.is_complete(), "{scanned:?}");
            if !list.tokens_vanish {
                let error = scanned.end.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ProtocolViolation, "{error}");
            }
        }
    }
    let pages = FakePages::new(30);
    let scanned = scan(PageEngine::new(&plan(&appending(), 10)), |request| {
        let other = request.number().unwrap() ^ 1;
        pages.page(&request.clone().position(PagePosition::Number(other)))
    });
    assert_eq!(
        scanned.end.unwrap_err().kind(),
        ErrorKind::ProtocolViolation
    );
}

#[test]
fn a_platform_that_orders_only_within_pages_never_makes_a_complete_listing() {
    let pages = FakePages::from_ids((11..=20).chain(1..=10));
    for list in [vanishing(), appending()] {
        let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
            pages.page(request)
        });
        assert!(!scanned.is_complete(), "{scanned:?}");
    }
}

#[test]
fn endless_and_absurd_listings_end_after_a_bounded_number_of_requests() {
    for list in [vanishing(), appending(), growing()] {
        let pages = FakePages::new(10);
        let mut total = 20;
        let same_page = scan(PageEngine::new(&plan(&list, 10)), |request| {
            total += 1;
            let page = pages.page(&request.clone().position(PagePosition::First));
            let next = Some(PagePosition::Number(request.number().unwrap() + 1));
            Page {
                number: None,
                total: Some(total),
                next,
                ..page
            }
        });
        assert!(
            !same_page.is_complete() && same_page.requests < 100,
            "{same_page:?}"
        );

        let absurd = scan(PageEngine::new(&plan(&list, 10)), |request| Page {
            total: Some(u64::MAX / 4),
            next: Some(PagePosition::Number(request.number().unwrap() + 1)),
            ..pages.page(request)
        });
        assert!(!absurd.is_complete() && absurd.requests < 100, "{absurd:?}");

        let promising = scan(PageEngine::new(&plan(&list, 10)), |request| {
            let number = request.number().unwrap();
            Page {
                number: Some(number),
                total: Some(number + 1_000_000),
                next: Some(PagePosition::Number(number + 1)),
                ..pages.page(&request.clone().position(PagePosition::First))
            }
        });
        assert!(
            !promising.is_complete() && promising.requests < 100,
            "{promising:?}"
        );
    }
    let mut id = 0;
    let growing = scan(PageEngine::new(&plan(&appending(), 1)), |request| {
        id += 1;
        Page {
            tokens: vec![token(id)],
            total: Some(u64::from(id) + 1),
            next: Some(PagePosition::Number(request.number().unwrap() + 1)),
            ..Page::default()
        }
    });
    assert_eq!(growing.end.unwrap_err().kind(), ErrorKind::LimitExceeded);
    // Twice the pages that the first total implies, and a thousand.
    assert_eq!(growing.ids.len(), 2 * 2 + 1_000);
}

#[test]
fn a_first_page_that_is_smaller_than_requested_and_names_no_next_is_not_taken_for_all() {
    for list in [vanishing(), vanishing_by_creation(), appending(), growing()] {
        let pages = FakePages::new(80);
        let scanned = scan(PageEngine::new(&plan(&list, 100)), |request| {
            let size = request.size.unwrap().min(40);
            let page = pages.page(&request.clone().size(size));
            // It sees the end by the requested size.
            let end = (request.number().unwrap() + 1) * u64::from(request.size.unwrap());
            let next = (end < 80).then(|| PagePosition::Number(request.number().unwrap() + 1));
            Page {
                size: request.size,
                next,
                ..page
            }
        });
        assert!(scanned.is_honest(&pages.ids), "{scanned:?}");
    }
}

#[test]
fn pages_that_name_no_next_one_are_read_as_far_as_the_total_tells() {
    for list in [vanishing(), appending(), growing()] {
        let pages = FakePages::new(35);
        let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| Page {
            next: None,
            ..pages.page(request)
        });
        assert!(
            scanned.is_complete() && scanned.is_exact(&pages.ids),
            "{scanned:?}"
        );
    }
}

/// Sends all requests that the engine wants to send.
fn send_all(engine: &mut PageEngine) -> Vec<(Tick, PageRequest)> {
    std::iter::from_fn(|| engine.next_request()).collect()
}

#[test]
fn a_retry_is_sent_although_another_page_failed() {
    let pages = FakePages::new(100);
    let mut engine = PageEngine::new(&plan(&appending(), 10));
    for (id, request) in send_all(&mut engine) {
        engine.on_response(id, Ok(pages.page(&request)));
    }
    while engine.next_batch().unwrap().is_some() {}
    let in_flight = send_all(&mut engine);
    assert!(in_flight.len() > 1);
    let mut short = pages.page(&in_flight[0].1);
    short.tokens.truncate(5);
    for (id, _) in &in_flight[1..] {
        engine.on_response(*id, Err(violation("broken")));
    }
    engine.on_response(in_flight[0].0, Ok(short));
    assert!(engine.next_batch().unwrap().is_none());
    assert_eq!(send_all(&mut engine).len(), 1);
}

#[test]
fn no_token_slips_past_a_page_that_is_retried_while_others_wait() {
    let lasting: Vec<u32> = (2..=200).collect();
    for short in 0..19 {
        for deleted_after in 0..30 {
            let (mut requests, mut shortened) = (0, None);
            let mut pages = FakePages::new(200);
            let scanned = scan_in_order(
                PageEngine::new(&plan(&vanishing(), 10)),
                |request| {
                    requests += 1;
                    let mut page = pages.page(request);
                    if request.number() == Some(short) && shortened.is_none() && requests > 2 {
                        shortened = Some(requests);
                        page.tokens.truncate(5);
                    }
                    if shortened.is_some_and(|at| at + deleted_after == requests) {
                        pages.delete(0);
                        pages.create();
                    }
                    page
                },
                |_| 0,
            );
            assert!(
                scanned.is_honest(&lasting),
                "{short} {deleted_after}: {scanned:?}"
            );
        }
    }
}

#[test]
fn repeats_are_accepted_where_no_total_shows_how_many_tokens_were_created() {
    let list = ListCapability {
        totals: false,
        ..growing()
    };
    let mut pages = FakePages::new(30);
    let lasting = pages.ids.clone();
    let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
        let page = pages.page(request);
        pages.create();
        pages.ids.rotate_right(1);
        Page {
            total: None,
            ..page
        }
    });
    assert!(
        scanned.is_complete() && scanned.is_exact(&lasting),
        "{scanned:?}"
    );
}

#[test]
fn a_default_page_size_of_zero_is_ignored() {
    let list = vanishing().with_default_page_size(0);
    assert!(Plan::for_query(&Query::new(), &list).is_ok());
}

#[test]
fn an_impossible_total_is_a_protocol_violation() {
    for list in [vanishing(), appending(), growing()] {
        for total in [u64::MAX, u64::MAX / 4] {
            let pages = FakePages::new(30);
            let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| Page {
                total: Some(total),
                next: Some(PagePosition::Number(request.number().unwrap() + 1)),
                ..pages.page(request)
            });
            assert_eq!(
                scanned.end.unwrap_err().kind(),
                ErrorKind::ProtocolViolation
            );
            assert_eq!(scanned.requests, 1);
        }
    }
}

#[test]
fn a_total_that_only_one_page_reports_is_not_followed_beyond_the_end() {
    for list in [vanishing(), appending(), growing()] {
        let pages = FakePages::new(35);
        for lying in 0..4 {
            let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
                let mut page = pages.page(request);
                if request.number() == Some(lying) {
                    page.total = Some(1_000_000);
                    page.next = Some(PagePosition::Number(lying + 1));
                }
                page
            });
            assert!(scanned.is_honest(&pages.ids), "{scanned:?}");
            assert!(scanned.requests < 50, "{scanned:?}");
        }
    }
}
