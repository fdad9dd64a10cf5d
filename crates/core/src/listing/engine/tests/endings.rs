//! What a scan claims at its end: after an interruption, against the platform's own count, and
//! where the platform does not say what time it is.

use super::interrupted::cursor_at;
use super::*;
use crate::model::{Fact, Timestamp};

fn partial(reason: PartialReason) -> Completeness {
    Completeness::Partial(reason)
}

#[test]
fn a_scan_that_was_partial_before_its_interruption_stays_so_for_the_same_reason() {
    let pages = FakePages::new(35);
    for list in [vanishing(), appending(), growing()] {
        for reason in [
            PartialReason::ContradictoryTotals,
            PartialReason::UnexpectedOrder,
            PartialReason::TooManyNewTokens,
        ] {
            let plan = plan(&list, 10);
            let mut cursor = cursor_at(&plan, 1, None, 35);
            cursor.partial = Some(reason.clone());
            let engine = PageEngine::resume(&plan, &cursor).unwrap();
            let scanned = scan(engine, |request| pages.page(request));
            assert_eq!(scanned.end.unwrap(), partial(reason));
        }
    }
}

#[test]
fn a_scan_without_protection_is_partial_once_it_was_interrupted_even_before_its_last_page() {
    let pages = FakePages::new(35);
    let list = ListCapability::new(Paging::Numbered).with_totals();
    for number in [1, 3] {
        let plan = plan(&list, 10);
        assert!(!plan.is_complete());
        let engine = PageEngine::resume(&plan, &cursor_at(&plan, number, None, 35)).unwrap();
        let scanned = scan(engine, |request| pages.page(request));
        assert_eq!(
            scanned.end.unwrap(),
            partial(PartialReason::UnprotectedPaging)
        );
    }
}

#[test]
fn a_cursor_of_a_backward_scan_needs_a_numbered_page() {
    let plan = plan(&vanishing(), 10);
    let mut cursor = cursor_at(&plan, 1, None, 35);
    cursor.position = PagePosition::Token("next".to_owned());
    let error = PageEngine::resume(&plan, &cursor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCursor);
}

#[test]
fn a_scan_that_ends_before_the_first_total_was_reached_is_partial() {
    for list in [appending(), growing()] {
        let pages = FakePages::new(30);
        let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
            let page = pages.page(request);
            // The pages after the first one are empty and count nothing.
            match request.number() {
                Some(0) => page,
                number => Page {
                    number,
                    ..Page::default()
                },
            }
        });
        assert_eq!(scanned.ids.len(), 10);
        assert_eq!(
            scanned.end.unwrap(),
            partial(PartialReason::ContradictoryTotals)
        );
    }
}

#[test]
fn a_token_that_is_counted_but_never_shown_makes_a_backward_scan_partial() {
    // Another one is shown twice in its place, as after a deletion.
    for hidden in 1..10 {
        let mut pages = FakePages::new(40);
        pages.ids.retain(|id| *id != hidden);
        pages.ids.insert(9, 11);
        let scanned = scan(PageEngine::new(&plan(&vanishing(), 10)), |request| {
            pages.page(request)
        });
        assert!(!scanned.ids.contains(&hidden));
        assert_eq!(
            scanned.end.unwrap(),
            partial(PartialReason::ContradictoryTotals),
            "{hidden}"
        );
    }
}

/// Returns a page without the time at which it was served, whose tokens were created in these
/// seconds.
fn dated(mut page: Page, second: impl Fn(u32) -> u32) -> Page {
    for token in &mut page.tokens {
        let second = second(token.id.as_str().parse().unwrap());
        let created = Timestamp::from_unix_seconds(second.into());
        token.created_at = created.map_or(Fact::NotReported, Fact::Known);
    }
    page
}

#[test]
fn without_the_time_a_last_page_of_few_tokens_of_one_second_is_looked_at_once_more() {
    // So many tokens on a last page of 32, so many seconds apart, cost so many looks more.
    for (last, apart, looks) in [(3, 0, 1), (1, 10, 1), (3, 10, 0), (4, 0, 0), (32, 0, 0)] {
        let pages = FakePages::new(96 + last);
        let plan = Plan {
            max_concurrency: 1,
            ..plan(&vanishing(), 32)
        };
        let scanned = scan(PageEngine::new(&plan), |request| {
            dated(pages.page(request), |id| {
                if id > 96 {
                    5_000 + (id - 96) * apart
                } else {
                    id
                }
            })
        });
        assert!(scanned.is_complete() && scanned.is_exact(&pages.ids));
        let requests = plan.requests(u64::from(96 + last)).unwrap() + looks;
        assert_eq!(scanned.requests, requests, "{last} tokens {apart} s apart");
    }
}

#[test]
fn without_times_of_creation_ids_are_trusted_and_nothing_is_looked_at_again() {
    for last in [1, 3, 32] {
        let pages = FakePages::new(96 + last);
        let plan = Plan {
            max_concurrency: 1,
            ..plan(&vanishing(), 32)
        };
        let scanned = scan(PageEngine::new(&plan), |request| pages.page(request));
        assert!(scanned.is_complete() && scanned.is_exact(&pages.ids));
        assert_eq!(Some(scanned.requests), plan.requests(u64::from(96 + last)));
    }
}

#[test]
fn without_the_time_a_tail_of_one_second_does_not_show_that_nothing_was_deleted() {
    for changed_after in 1..24 {
        let newest = (1..=250).map(|at| 100_000 + at * 2);
        let mut pages = FakePages::from_ids((1..=4_550).chain(newest));
        let mut lasting = pages.ids.clone();
        lasting.remove(0);
        let mut requests = 0;
        // The platform carries out the request first that was sent last.
        let scanned = scan_in_order(
            PageEngine::new(&plan(&vanishing(), 400)),
            |request| {
                let page = dated(pages.page(request), |id| id.min(100_000));
                requests += 1;
                if requests == changed_after {
                    pages.ids.insert(4_550, 100_001);
                    pages.delete(0);
                }
                page
            },
            |in_flight| in_flight - 1,
        );
        assert!(
            scanned.is_honest(&lasting),
            "{changed_after}: {} tokens",
            scanned.ids.len()
        );
    }
}
