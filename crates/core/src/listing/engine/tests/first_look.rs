//! Looks at the newest tokens of a set whose ids come in any order within one second of their
//! creation (decision 0019).

use super::disordered::{SECOND, SKEW, timed};
use super::interrupted::cursor_at;
use super::*;
use crate::error::{Error, Fate};
use crate::model::{Fact, Timestamp};

/// Returns a page without the time at which it was served, whose tokens were created at these
/// milliseconds.
fn dated(mut page: Page, created: impl Fn(u32) -> u32) -> Page {
    for token in &mut page.tokens {
        let millis = created(token.id.as_str().parse().unwrap());
        let text = format!(
            "2026-01-01T00:00:{:02}.{:03}Z",
            millis / 1000,
            millis % 1000
        );
        token.created_at = Fact::Known(text.parse().unwrap());
    }
    page
}

#[test]
fn without_the_time_a_page_of_two_neighbouring_seconds_is_not_taken_for_settled() {
    // The newest tokens; the servers' clocks differ by a second, and one is late.
    for spread in 0..=SKEW {
        let mut pages = FakePages::from_ids((1..=40).map(|at| at * 10));
        let lasting = pages.ids.clone();
        let mut requests = 0;
        let scanned = scan(PageEngine::new(&plan(&vanishing(), 11)), |request| {
            let newest = 400;
            let second = |id| if id < 300 { id / 10 } else { 50 };
            let page = dated(pages.page(request), |id| {
                1000 * if id >= newest {
                    second(id) + spread
                } else {
                    second(id)
                }
            });
            requests += 1;
            if requests == 2 {
                pages.ids.insert(30, 305);
            }
            page
        });
        assert!(scanned.is_honest(&lasting), "{spread}: {scanned:?}");
    }
}

#[test]
fn without_the_time_a_later_token_below_those_of_one_second_makes_a_partial_listing() {
    for (created, honest) in [(50_900, true), (50_100, false)] {
        let mut pages = FakePages::from_ids((1..=40).map(|at| at * 10));
        let mut requests = 0;
        let scanned = scan(PageEngine::new(&plan(&vanishing(), 10)), |request| {
            let page = dated(pages.page(request), |id| match id {
                295 => created,
                300.. => 50_500,
                _ => id * 100,
            });
            requests += 1;
            if requests == 2 {
                // Token 300 moves onto the last page, and the total stays.
                pages.ids.insert(29, 295);
                pages.delete(40);
            }
            page
        });
        assert_eq!(!scanned.is_complete(), honest, "{created}: {scanned:?}");
    }
}

#[test]
fn a_token_that_moves_up_onto_skipped_pages_is_not_missed_by_a_complete_listing() {
    // So many seconds ago the newest tokens were created, so many of which are skipped.
    for (age, complete) in [(0, false), (SKEW, false), (SKEW + 1, true)] {
        for offset in [10, 15, 20, 30] {
            let old = (1..=15).map(|at| at * 10 * SECOND);
            let now = 1_000;
            let newest = (0..35).map(|at| (now - age) * SECOND + at * 10);
            let mut pages = FakePages::from_ids(old.chain(newest));
            let query = Query::new().page_size(10).offset(offset);
            let plan = Plan::for_query(&query, &vanishing()).unwrap();
            let mut requests = 0;
            let scanned = scan(PageEngine::new(&plan), |request| {
                let mut page = timed(pages.page(request));
                page.served_at = Timestamp::from_unix_seconds(now.into());
                requests += 1;
                let created = now * SECOND - SKEW * SECOND + 5;
                if requests == 1 && age <= SKEW {
                    let at = pages.ids.binary_search(&created).unwrap_err();
                    pages.ids.insert(at, created);
                }
                page
            });
            assert_eq!(
                scanned.is_complete(),
                complete,
                "{age} {offset}: {scanned:?}"
            );
        }
    }
}

#[test]
fn a_look_at_settled_tokens_costs_nothing() {
    for size in [16, 30] {
        for count in 1..150 {
            let pages = FakePages::from_ids((1..=count).map(|at| at * SECOND));
            let plan = Plan {
                max_concurrency: 1,
                ..plan(&vanishing(), size)
            };
            let scanned = scan(PageEngine::new(&plan), |request| {
                let mut page = timed(pages.page(request));
                page.served_at = Timestamp::from_unix_seconds(i64::from(count + SKEW) + 1);
                page
            });
            assert!(scanned.is_complete() && scanned.is_exact(&pages.ids));
            assert_eq!(Some(scanned.requests), plan.requests(count.into()));
        }
    }
}

#[test]
fn a_first_page_of_tokens_whose_age_is_unknown_is_read_again() {
    for count in 11..=18 {
        let pages = FakePages::new(count);
        let plan = plan(&vanishing(), 10);
        let scanned = scan(PageEngine::new(&plan), |request| pages.page(request));
        assert!(scanned.is_complete() && scanned.is_exact(&pages.ids));
        assert_eq!(Some(scanned.requests), plan.requests(count.into()));
    }
}

#[test]
fn a_scan_that_is_resumed_at_its_first_page_looks_at_the_newest_tokens() {
    // The cursor's page may be beyond the last one: then all of its tokens were deleted.
    for number in [3, 4] {
        // The response to the request after which the token is created may take a minute.
        for (created_after, delay) in [(0, 0), (0, 60), (1, 0), (2, 0), (3, 0)] {
            let newest = 1_000 * SECOND;
            let old = (1..=20).map(|at| at * SECOND);
            let mut pages = FakePages::from_ids(old.chain((1..=20).map(|at| newest + at)));
            let lasting = pages.ids.clone();
            let plan = plan(&vanishing(), 10);
            let cursor = cursor_at(&plan, number, None, 40);
            let mut requests = 0;
            let scanned = scan(PageEngine::resume(&plan, &cursor).unwrap(), |request| {
                let mut page = timed(pages.page(request));
                page.served_at = Timestamp::from_unix_seconds(1_000 + delay);
                if requests == created_after {
                    pages.ids.insert(20, newest);
                }
                requests += 1;
                page
            });
            assert!(scanned.is_honest(&lasting), "{number}: {scanned:?}");
        }
    }
}

#[test]
fn a_look_that_still_reaches_the_end_is_taken_although_the_total_grew() {
    for count in 31..=45 {
        let mut pages = FakePages::from_ids((1..=count).map(|at| at * SECOND));
        let lasting = pages.ids.clone();
        let scanned = scan(PageEngine::new(&plan(&vanishing(), 10)), |request| {
            let mut page = timed(pages.page(request));
            page.served_at = Timestamp::from_unix_seconds(100);
            if request.number() == Some(0) && pages.ids == lasting {
                pages.ids.push(100 * SECOND);
            }
            page
        });
        assert!(
            scanned.is_complete() && scanned.is_exact(&lasting),
            "{count}: {scanned:?}"
        );
    }
}

#[test]
fn settled_tokens_of_one_second_are_complete_in_whatever_order_their_ids_come() {
    // The one that was created last is on the page of the look, or below it.
    for last in 1..=40 {
        let pages = FakePages::from_ids(1..=40);
        let scanned = scan(PageEngine::new(&plan(&vanishing(), 10)), |request| {
            let mut page = dated(pages.page(request), |id| 50_500 + u32::from(id == last));
            page.served_at = Some("2026-01-01T00:01:00Z".parse().unwrap());
            page
        });
        assert!(
            scanned.is_complete() && scanned.is_exact(&pages.ids),
            "{last}: {scanned:?}"
        );
    }
}

#[test]
fn what_is_created_after_a_look_at_settled_tokens_costs_no_request() {
    let mut pages = FakePages::from_ids(1..=40);
    let lasting = pages.ids.clone();
    let plan = Plan {
        max_concurrency: 1,
        ..plan(&vanishing(), 10)
    };
    let scanned = scan(PageEngine::new(&plan), |request| {
        let mut page = dated(pages.page(request), |_| 50_500);
        page.served_at = Some("2026-01-01T00:01:00Z".parse().unwrap());
        if request.number() != Some(0) && pages.ids == lasting {
            pages.create();
        }
        page
    });
    assert!(
        scanned.is_complete() && scanned.is_exact(&lasting),
        "{scanned:?}"
    );
    assert_eq!(Some(scanned.requests), plan.requests(40));
}

#[test]
fn a_platform_that_rejects_pages_of_every_size_ends_the_scan() {
    for served in 0..6 {
        let now = 1_000;
        let pages = FakePages::from_ids((1..=40).map(|at| now * SECOND + at));
        let mut requests = 0;
        let scanned = try_scan_in_order(
            PageEngine::new(&plan(&vanishing(), 10)),
            |request| {
                requests += 1;
                if requests > served {
                    let message = "there are no such pages";
                    return Err(Error::new(ErrorKind::InvalidInput, Fate::Rejected, message));
                }
                let mut page = timed(pages.page(request));
                page.served_at = Timestamp::from_unix_seconds(now.into());
                Ok(page)
            },
            |_| 0,
        );
        let error = scanned.end.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{served}: {error}");
        // The size that was tried, and the requested one.
        assert!(scanned.requests <= served + 2, "{served}");
    }
}

#[test]
fn times_of_creation_that_ids_do_not_follow_say_nothing() {
    let pages = FakePages::from_ids(1..=40);
    let scanned = scan(PageEngine::new(&plan(&vanishing(), 10)), |request| {
        dated(pages.page(request), |id| (50 - id) * 1_000)
    });
    assert!(
        scanned.is_complete() && scanned.is_exact(&pages.ids),
        "{scanned:?}"
    );
}

#[test]
fn a_tail_of_fresh_tokens_does_not_show_that_nothing_was_deleted() {
    let now = 10_000;
    for changed_after in 1..24 {
        let old = (1..=4_550).map(|at| at * SECOND);
        let mut pages = FakePages::from_ids(old.chain((1..=250).map(|at| now * SECOND + at)));
        let mut lasting = pages.ids.clone();
        lasting.remove(0);
        let mut requests = 0;
        // The platform carries out the request first that was sent last.
        let scanned = scan_in_order(
            PageEngine::new(&plan(&vanishing(), 400)),
            |request| {
                let mut page = timed(pages.page(request));
                page.served_at = Timestamp::from_unix_seconds(now.into());
                requests += 1;
                if requests == changed_after {
                    pages.ids.insert(4_550, now * SECOND);
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
