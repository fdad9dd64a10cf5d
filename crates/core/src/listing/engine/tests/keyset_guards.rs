//! Scans of platforms that declare keyset cursors and do not keep what that promises.

use super::*;
use crate::error::Error;
use crate::listing::fake_pages::page_of;
use crate::model::{Fact, Timestamp};
use crate::provider::OrderCapability;

fn by_id() -> [ListCapability; 3] {
    [
        keyset(),
        keyset_by_id(Direction::Ascending),
        keyset_by_id(Direction::Descending),
    ]
}

fn next(position: impl ToString) -> Option<PagePosition> {
    Some(PagePosition::Token(position.to_string()))
}

fn expect_violation(scanned: &Scanned, requests: u64) {
    let error = scanned.end.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation, "{error}");
    assert!(scanned.requests <= requests, "{scanned:?}");
}

#[test]
fn a_position_that_stands_still_is_a_violation_even_if_its_tokens_change() {
    for list in by_id() {
        let order = list.order(SortKey::Id);
        let descending = order.is_some_and(|order| !order.serves(Direction::Ascending));
        for moving in 0..20 {
            let (mut sent, mut pages) = (1_000, 0);
            let scanned = scan(PageEngine::new(&plan(&list, 1)), |_| {
                sent = if descending { sent - 1 } else { sent + 1 };
                pages += 1;
                Page {
                    next: next(pages.min(moving)),
                    ..page_of(&[sent], 1)
                }
            });
            expect_violation(&scanned, moving.max(1) + 1);
        }
    }
}

#[test]
fn positions_that_come_again_in_a_cycle_are_a_violation_even_if_their_tokens_change() {
    for cycle in 2..12 {
        let mut sent = 0;
        let scanned = scan(PageEngine::new(&plan(&keyset(), 1)), |_| {
            sent += 1;
            Page {
                next: next(sent % cycle),
                ..page_of(&[sent], 1)
            }
        });
        expect_violation(&scanned, 4 * u64::from(cycle) + 4);
    }
}

#[test]
fn a_page_of_repeated_tokens_is_a_violation_even_if_its_position_is_new() {
    for list in by_id() {
        for always_first in [true, false] {
            let pages = FakePages::new(30);
            let mut positions = 0;
            let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
                positions += 1;
                let second = PagePosition::Token(if positions == 1 { "0" } else { "10" }.into());
                let request = match (always_first, list.orders.is_empty()) {
                    (false, true) => request.clone().position(second),
                    _ => request.clone().position(PagePosition::First),
                };
                Page {
                    next: next(format!("p{positions}")),
                    ..pages.keyset_page(&request)
                }
            });
            expect_violation(&scanned, 3);
        }
    }
}

#[test]
fn an_empty_page_that_says_more_follow_is_a_violation() {
    for list in by_id() {
        let pages = FakePages::new(30);
        let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
            match request.number() {
                Some(_) => pages.keyset_page(request),
                None => Page {
                    next: next("more"),
                    ..Page::default()
                },
            }
        });
        expect_violation(&scanned, 2);
    }
}

#[test]
fn pages_that_overlap_repeat_no_token_and_lose_none() {
    for overlap in 1..4 {
        let pages = FakePages::new(30);
        let scanned = scan(PageEngine::new(&plan(&keyset(), 5)), |request| {
            let mut inclusive = request.clone();
            if let PagePosition::Token(after) = &request.position {
                let after: u32 = after.parse().unwrap();
                inclusive.position = PagePosition::Token((after - overlap).to_string());
            }
            pages.keyset_page(&inclusive)
        });
        assert!(
            scanned.is_complete() && scanned.is_exact(&pages.ids),
            "{scanned:?}"
        );
    }
    // The last page may hold nothing but the token at the position.
    let scanned = scan(
        PageEngine::new(&plan(&keyset(), 5)),
        |request| match request.number() {
            Some(_) => Page {
                next: next(5),
                ..page_of(&[1, 2, 3, 4, 5], 5)
            },
            None => page_of(&[5], 5),
        },
    );
    assert!(
        scanned.is_complete() && scanned.is_exact(&[1, 2, 3, 4, 5]),
        "{scanned:?}"
    );
}

#[test]
fn tokens_out_of_a_declared_order_make_a_partial_listing() {
    let pages = FakePages::from_ids((11..=20).chain(1..=10));
    let list = keyset_by_id(Direction::Ascending);
    let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
        match request.number() {
            Some(_) => Page {
                next: next("second"),
                ..page_of(&pages.ids[..10], 10)
            },
            None => page_of(&pages.ids[10..], 10),
        }
    });
    let partial = Completeness::Partial(PartialReason::UnexpectedOrder);
    assert_eq!(scanned.end.as_ref().unwrap(), &partial, "{scanned:?}");
    assert!(scanned.is_exact(&pages.ids));
}

#[test]
fn an_end_that_is_none_is_read_once_more_and_told_by_the_total() {
    // The platform answers an expired cursor with an empty last page: once, or always.
    for (always, requests) in [(false, 2 + 3), (true, 2 + 2)] {
        for list in by_id() {
            let pages = FakePages::new(30);
            let mut ended = false;
            let scanned = scan(PageEngine::new(&plan(&list, 10)), |request| {
                let mut page = pages.keyset_page(request);
                if request.number().is_none() && !ended {
                    ended = !always;
                    page = Page::default();
                }
                page.total = Some(30);
                page
            });
            assert_eq!(scanned.requests, requests, "{scanned:?}");
            if always {
                let partial = Completeness::Partial(PartialReason::ContradictoryTotals);
                assert_eq!(scanned.end.unwrap(), partial);
            } else {
                assert!(
                    scanned.is_complete() && scanned.is_exact(&pages.ids),
                    "{scanned:?}"
                );
            }
        }
    }
}

#[test]
fn a_new_pass_that_repeats_itself_is_a_violation() {
    let sorted = |direction| Query::new().sort_by(SortKey::Id, direction);
    for (list, query) in [
        (keyset(), Query::new()),
        (keyset_by_id(Direction::Ascending), Query::new()),
        (keyset_by_id(Direction::Descending), Query::new()),
        (
            keyset_by_id(Direction::Ascending),
            sorted(Direction::Ascending),
        ),
        (
            keyset_by_id(Direction::Descending),
            sorted(Direction::Descending),
        ),
    ] {
        let pages = FakePages::new(30);
        let (mut requests, mut anew) = (0, false);
        let plan = Plan::for_query(&query.page_size(10), &list).unwrap();
        let scanned = try_scan_in_order(
            PageEngine::new(&plan),
            |request| {
                requests += 1;
                if requests == 3 {
                    anew = true;
                    return Err(Error::cursor_expired("expired"));
                }
                if anew {
                    let first = request.clone().position(PagePosition::First);
                    return Ok(Page {
                        next: next(requests),
                        ..pages.keyset_page(&first)
                    });
                }
                Ok(pages.keyset_page(request))
            },
            |_| 0,
        );
        expect_violation(&scanned, 10);
    }
}

#[test]
fn a_new_pass_that_looks_for_its_place_on_the_same_tokens_again_is_a_violation() {
    let pages = FakePages::new(30);
    let plan = plan(&keyset(), 10);
    let mut cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
    cursor.position = PagePosition::Token("20".to_owned());
    cursor.after = Some(token(20).id);
    cursor.size = Some(10);
    let mut requests = 0;
    let scanned = try_scan_in_order(
        PageEngine::resume(&plan, &cursor).unwrap(),
        |request| {
            requests += 1;
            if requests == 1 {
                return Err(Error::cursor_expired("expired"));
            }
            let first = request.clone().position(PagePosition::First);
            Ok(Page {
                next: next(requests),
                ..pages.keyset_page(&first)
            })
        },
        |_| 0,
    );
    expect_violation(&scanned, 4);
}

/// Returns a cursor at a position, before which a token was emitted.
fn cursor_at(plan: &Plan, position: &str, after: u32) -> Cursor {
    let mut cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), plan);
    cursor.position = PagePosition::Token(position.to_owned());
    cursor.after = Some(token(after).id);
    cursor.size = Some(10);
    cursor
}

#[test]
fn a_resumed_scan_does_not_believe_an_end_at_once() {
    for total in [None, Some(30)] {
        for list in by_id() {
            let pages = FakePages::new(30);
            let plan = plan(&list, 10);
            let descending = plan
                .pushed_order
                .is_some_and(|by| by.direction == Direction::Descending);
            let (at, rest) = if descending {
                (11, 1..=10)
            } else {
                (20, 21..=30)
            };
            let mut ended = false;
            let cursor = cursor_at(&plan, &at.to_string(), at);
            let scanned = scan(PageEngine::resume(&plan, &cursor).unwrap(), |request| {
                let ends = !std::mem::replace(&mut ended, true);
                let page = if ends {
                    Page::default()
                } else {
                    pages.keyset_page(request)
                };
                Page { total, ..page }
            });
            let rest: Vec<_> = rest.collect();
            assert!(
                scanned.is_complete() && scanned.is_exact(&rest),
                "{scanned:?}"
            );
            assert_eq!(scanned.ids.len(), 10);
        }
    }
}

#[test]
fn a_resumed_scan_whose_end_comes_again_is_complete() {
    for list in by_id() {
        let plan = plan(&list, 10);
        let pages = FakePages::new(10);
        let descending = plan
            .pushed_order
            .is_some_and(|by| by.direction == Direction::Descending);
        let at = if descending { 1 } else { 10 };
        let cursor = cursor_at(&plan, &at.to_string(), at);
        let scanned = scan(PageEngine::resume(&plan, &cursor).unwrap(), |request| {
            pages.keyset_page(request)
        });
        assert!(
            scanned.is_complete() && scanned.ids.is_empty(),
            "{scanned:?}"
        );
        assert!(scanned.requests <= 3, "{scanned:?}");
    }
}

#[test]
fn a_resumed_snapshot_whose_cursor_expires_cannot_tell_what_was_emitted() {
    let plan = plan(&ListCapability::new(Paging::Snapshot), 10);
    let cursor = cursor_at(&plan, "snapshot 1, page 2", 10);
    let mut requests = 0;
    let scanned = try_scan_in_order(
        PageEngine::resume(&plan, &cursor).unwrap(),
        |_| {
            requests += 1;
            if requests == 1 {
                return Err(Error::cursor_expired("expired"));
            }
            // In the new snapshot the eleventh token comes first.
            let ids: Vec<_> = [11].into_iter().chain(1..=10).chain(12..=15).collect();
            Ok(page_of(&ids, 20))
        },
        |_| 0,
    );
    let error = scanned.end.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCursor, "{error}");
}

#[test]
fn a_resumed_snapshot_whose_cursor_stands_still_is_a_violation() {
    let pages = FakePages::new(30);
    let plan = plan(&ListCapability::new(Paging::Snapshot), 10);
    let scanned = scan(
        PageEngine::resume(&plan, &cursor_at(&plan, "10", 10)).unwrap(),
        |request| Page {
            next: next("10"),
            ..pages.keyset_page(request)
        },
    );
    expect_violation(&scanned, 30);
}

#[test]
fn tokens_of_one_second_around_an_expired_cursor_are_not_lost() {
    let mut created: Vec<Token> = (1..=6).map(token).collect();
    for (token, second) in created.iter_mut().zip([1, 2, 3, 3, 5, 6]) {
        token.created_at = Fact::Known(Timestamp::from_unix_seconds(second).unwrap());
    }
    let order = OrderCapability::new(SortKey::Created);
    let list = keyset().with_order(order.with_exact_order().with_stable_keys());
    let query = Query::new().sort_by(SortKey::Created, Direction::Ascending);
    let plan = Plan::for_query(&query.page_size(3), &list).unwrap();
    assert!(!plan.sorts_in_memory);
    let mut expires = true;
    let scanned = try_scan_in_order(
        PageEngine::new(&plan),
        |request| match request.number() {
            Some(_) => Ok(Page {
                tokens: created[..3].to_vec(),
                next: next("3"),
                ..Page::default()
            }),
            None if std::mem::take(&mut expires) => Err(Error::cursor_expired("expired")),
            None => Ok(Page {
                tokens: created[3..].to_vec(),
                ..Page::default()
            }),
        },
        |_| 0,
    );
    assert!(scanned.is_exact(&[1, 2, 3, 4, 5, 6]), "{scanned:?}");
}

#[test]
fn a_token_that_is_created_does_not_stand_for_one_that_is_lost() {
    let mut pages = FakePages::new(29);
    let scanned = scan(PageEngine::new(&plan(&keyset(), 10)), |request| {
        let total = Some(pages.ids.len() as u64 + 1);
        let page = pages.keyset_page(request);
        if pages.ids.len() == 29 {
            pages.create();
        }
        Page { total, ..page }
    });
    let partial = Completeness::Partial(PartialReason::ContradictoryTotals);
    assert_eq!(scanned.end.as_ref().unwrap(), &partial, "{scanned:?}");
    assert!(scanned.is_exact(&pages.ids));
}

#[test]
fn tokens_that_are_created_behind_every_page_make_no_partial_listing() {
    let mut pages = FakePages::with_gaps(30);
    let scanned = scan(PageEngine::new(&plan(&keyset(), 10)), |request| {
        let total = Some(pages.ids.len() as u64);
        let page = pages.keyset_page(request);
        pages.create_before(pages.ids.len() - 1);
        Page { total, ..page }
    });
    assert!(scanned.requests < 12, "{scanned:?}");
    assert!(scanned.is_exact(&[]), "{scanned:?}");
}

#[test]
fn a_second_pass_does_not_count_what_is_created_behind_it_as_missing() {
    let mut pages = FakePages::with_gaps(30);
    let lasting = pages.ids.clone();
    let mut requests = 0;
    let scanned = scan(PageEngine::new(&plan(&keyset(), 10)), |request| {
        requests += 1;
        let mut page = pages.keyset_page(request);
        page.total = Some(pages.ids.len() as u64);
        if requests <= 3 {
            // A token that is counted and never shown has the pages read once more.
            page.total = Some(31);
        } else {
            pages.create_before(pages.ids.len() - 1);
        }
        page
    });
    assert_eq!(scanned.requests, 6);
    assert!(
        scanned.is_complete() && scanned.is_exact(&lasting),
        "{scanned:?}"
    );
}
