//! Scans whose first page is not read again while its last token is in its place (decision 0077).

use super::disordered::timed;
use super::*;
use crate::error::{Error, Fate};
use crate::model::Timestamp;

const SIZE: u32 = 4;

/// The ids that the tokens have which are created during a scan, at the time of its first page.
const CREATED: u32 = 10_000_000;

/// Returns tokens of many minutes, all of which are settled.
fn settled(count: u32) -> FakePages {
    FakePages::from_ids((1..=count).map(|at| at * 100_000))
}

fn respond(pages: &FakePages, request: &PageRequest) -> Page {
    let mut page = timed(pages.page(request));
    page.served_at = Timestamp::from_unix_seconds((CREATED / 1_000).into());
    page
}

/// An order in which a platform carries requests out, and its responses are received.
type Order = fn(usize, usize) -> usize;

const ORDERS: [Order; 4] = [
    |_, _| 0,
    |_, in_flight| in_flight - 1,
    |at, _| at,
    |at, _| at.wrapping_mul(at) / 3,
];

/// Scans while the token at an index is deleted after one request was carried out, and another one
/// is created after a second one. Returns whether the scan is complete.
fn scan_while_replaced(
    count: u32,
    deleted: usize,
    (deleted_after, created_after): (usize, usize),
    order: Order,
) -> bool {
    let mut pages = settled(count);
    let (mut read, mut chosen) = (0, 0);
    let scanned = scan_in_order(
        PageEngine::new(&plan(&vanishing(), SIZE)),
        |request| {
            let page = respond(&pages, request);
            read += 1;
            if read == deleted_after {
                pages.delete(deleted);
            }
            if read == created_after {
                pages.ids.push(CREATED);
            }
            page
        },
        |in_flight| {
            chosen += 1;
            order(chosen, in_flight)
        },
    );
    let mut lasting = settled(count).ids;
    if read >= deleted_after {
        lasting.remove(deleted);
    }
    assert!(
        scanned.is_honest(&lasting),
        "{count} without {deleted}, {deleted_after} {created_after}: {scanned:?}"
    );
    scanned.is_complete()
}

#[test]
fn a_deletion_and_a_creation_between_any_two_requests_hide_no_token() {
    let border = SIZE as usize - 1;
    let mut complete = Vec::new();
    for count in [5, 6, 7, 8, 9, 12, 13, 24, 40] {
        let requests = 3 + (count / SIZE) as usize * 3 / 2;
        for deleted in [0, border, border + 1] {
            for deleted_after in 1..requests {
                for created_after in 1..requests {
                    for order in ORDERS {
                        let after = (deleted_after, created_after);
                        complete.push(scan_while_replaced(count, deleted, after, order));
                    }
                }
            }
        }
    }
    // The others began with a page that showed the new token alone.
    let share = complete.iter().filter(|is_complete| **is_complete).count();
    assert!(
        share * 20 >= complete.len() * 19,
        "{share} of {}",
        complete.len()
    );
}

#[test]
fn the_first_page_is_read_once_and_its_last_token_twice_while_nothing_is_deleted() {
    for count in SIZE + 1..60 {
        let pages = settled(count);
        let first = &pages.ids[..SIZE as usize];
        let mut shown_of_first = 0;
        let scanned = scan(PageEngine::new(&plan(&vanishing(), SIZE)), |request| {
            let page = respond(&pages, request);
            let shown = ids(&page.tokens);
            shown_of_first += shown.iter().filter(|id| first.contains(id)).count();
            page
        });
        assert!(
            scanned.is_complete() && scanned.is_exact(&pages.ids),
            "{scanned:?}"
        );
        assert_eq!(shown_of_first, first.len() + 1, "{count}: {scanned:?}");
    }
}

#[test]
fn a_deletion_between_the_reading_and_the_counting_of_a_page_hides_no_token() {
    let list = vanishing().with_max_requested_page_size(100);
    let queries = [
        Query::new().page_size(SIZE),
        Query::new()
            .page_size(SIZE)
            .sort_by(SortKey::Id, Direction::Descending),
    ];
    let mut complete = Vec::new();
    for query in queries {
        let plan = Plan::for_query(&query, &list).unwrap();
        for (count, counted) in (1..60).flat_map(|count| (1..8).map(move |at| (count, at))) {
            for deleted in (0..=SIZE as usize).chain([count as usize - 1]) {
                let mut pages = settled(count);
                let mut requests = 0;
                let scanned = scan(PageEngine::new(&plan), |request| {
                    let mut page = respond(&pages, request);
                    // Nothing but the count tells whether more follow.
                    page.next = None;
                    requests += 1;
                    if requests == counted && deleted < pages.ids.len() {
                        pages.delete(deleted);
                        page.total = Some(pages.ids.len() as u64);
                    }
                    page
                });
                assert!(
                    scanned.is_honest(&pages.ids),
                    "{query:?} {count} {counted} {deleted}: {scanned:?}"
                );
                complete.push(scanned.is_complete());
            }
        }
    }
    let share = complete.iter().filter(|is_complete| **is_complete).count();
    assert!(
        share * 20 >= complete.len() * 19,
        "{share} of {}",
        complete.len()
    );
}

#[test]
fn the_first_page_is_read_again_where_one_token_alone_is_not_served() {
    /// A platform that serves no page of one token.
    type Unserved = fn(&FakePages, &PageRequest) -> Result<Page>;
    let platforms: [Unserved; 4] = [
        |_, _| Err(Error::new(ErrorKind::InvalidInput, Fate::Rejected, "no")),
        |_, _| Err(Error::response_too_large(Fate::Rejected, "too large")),
        |pages, request| Ok(respond(pages, &request.clone().size(SIZE))),
        |pages, request| {
            Ok(respond(
                pages,
                &request.clone().position(PagePosition::First),
            ))
        },
    ];
    for one_token in platforms {
        for count in 2 * SIZE..60 {
            let pages = settled(count);
            let scanned = try_scan_in_order(
                PageEngine::new(&plan(&vanishing(), SIZE)),
                |request| match request.size {
                    Some(1) => one_token(&pages, request),
                    _ => Ok(respond(&pages, request)),
                },
                |_| 0,
            );
            assert!(
                scanned.is_complete() && scanned.is_exact(&pages.ids),
                "{scanned:?}"
            );
        }
    }
}
