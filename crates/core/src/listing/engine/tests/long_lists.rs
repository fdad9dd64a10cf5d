//! Counts of requests, and of the round trips that follow each other.

use std::collections::VecDeque;

use super::disordered::timed;
use super::*;
use crate::error::{Error, Fate};

/// A platform whose largest page nobody knows, and whose tokens are old.
#[derive(Debug, Clone, Copy)]
struct Platform {
    largest_page: u32,
    refuses_larger: bool,
}

/// The size of a page that the platform chooses.
const DEFAULT: u32 = 100;

impl Platform {
    fn list() -> ListCapability {
        vanishing()
            .with_default_page_size(1_000)
            .with_max_requested_page_size(1_000)
            .with_filters(FilterCapability::for_names())
    }

    fn respond(self, pages: &FakePages, request: &PageRequest) -> Result<Page> {
        let size = request.size.unwrap_or(DEFAULT);
        if size > self.largest_page && self.refuses_larger {
            let message = "perPage is too large";
            return Err(Error::new(ErrorKind::InvalidInput, Fate::Rejected, message));
        }
        let size = size.min(self.largest_page);
        let mut page = timed(pages.page(&request.clone().size(size)));
        page.served_at = crate::model::Timestamp::from_unix_seconds(1_000_000);
        Ok(page)
    }
}

const THOUSAND: Platform = Platform {
    largest_page: 1_000,
    refuses_larger: true,
};

/// Scans where every request takes the same time. Returns the result, the requests, and how many of
/// them followed each other.
fn scan_in_rounds(
    query: &Query,
    count: u32,
    platform: Platform,
) -> (Scanned, Vec<PageRequest>, u32) {
    let pages = FakePages::new(count);
    let plan = Plan::for_query(query, &Platform::list()).unwrap();
    let mut engine = PageEngine::new(&plan);
    let (mut emitted, mut requests) = (Vec::new(), Vec::new());
    let mut in_flight = VecDeque::new();
    let mut round = 0;
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
        while let Some((id, request)) = engine.next_request() {
            requests.push(request.clone());
            in_flight.push_back((id, request, round + 1));
        }
        let (id, request, sent_in) = in_flight.pop_front().unwrap();
        round = sent_in;
        engine.on_response(id, platform.respond(&pages, &request));
    };
    let scanned = Scanned {
        ids: emitted,
        end,
        requests: requests.len() as u64,
    };
    assert!(scanned.end.is_err() || scanned.is_complete(), "{count}");
    assert!(!scanned.is_complete() || query.limit.is_some() || scanned.is_exact(&pages.ids));
    (scanned, requests, round)
}

#[test]
fn a_long_list_takes_few_requests_and_fewer_rounds() {
    for (count, requests, rounds) in [
        (0, 1, 1),
        (101, 1, 1),
        (999, 1, 1),
        (1_000, 2, 2),
        (1_001, 2, 2),
        (1_998, 2, 2),
        (2_000, 3, 3),
        (10_000, 12, 5),
        (100_000, 110, 19),
    ] {
        let (scanned, _, took) = scan_in_rounds(&Query::new(), count, THOUSAND);
        let found = (scanned.requests, took);
        assert!(
            found.0 <= requests && found.1 <= rounds,
            "{count}: {found:?}"
        );
    }
}

#[test]
fn the_page_size_of_a_query_is_kept() {
    for (count, requests, rounds) in [
        (99, 1, 1),
        (100, 2, 2),
        (101, 2, 2),
        (198, 2, 2),
        (2_000, 23, 6),
    ] {
        let query = Query::new().page_size(100);
        let (scanned, sent, took) = scan_in_rounds(&query, count, THOUSAND);
        let found = (scanned.requests, took);
        assert!(
            found.0 <= requests && found.1 <= rounds,
            "{count}: {found:?}"
        );
        // The last page of another size shows the newest tokens, or is a probe.
        assert!(sent.iter().all(|request| request.size <= Some(100)));
    }
    let refusing = Platform {
        largest_page: 50,
        refuses_larger: true,
    };
    let query = Query::new().page_size(100);
    let (scanned, sent, _) = scan_in_rounds(&query, 200, refusing);
    assert_eq!(scanned.end.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(sent.len(), 1);
}

#[test]
fn a_platform_that_serves_smaller_pages_or_refuses_larger_ones_costs_at_most_one_request() {
    for (largest_page, refuses_larger) in [(100, false), (250, false), (100, true), (999, true)] {
        let platform = Platform {
            largest_page,
            refuses_larger,
        };
        let served = if refuses_larger {
            DEFAULT
        } else {
            largest_page
        };
        for count in [0, 1, 100, 101, 150, 250, 251, 999, 2_000, 10_000] {
            let (scanned, sent, took) = scan_in_rounds(&Query::new(), count, platform);
            let refused = u64::from(refuses_larger);
            // The first page, the others, and a probe of every thirty-two of them.
            let pages = u64::from(count.div_ceil(served).max(1));
            let several = u64::from(pages > 1 || count == served);
            let most = pages + several + refused + several * (1 + pages / 32);
            assert!(
                scanned.requests <= most,
                "{platform:?} {count}: {}",
                scanned.requests
            );
            let rounds = 2 + several + pages / 16 + 2 * several + refused;
            assert!(u64::from(took) <= rounds, "{platform:?} {count}: {took}");
            let too_large = sent
                .iter()
                .filter(|request| request.size > Some(largest_page));
            assert!(too_large.count() <= 1, "{platform:?} {count}");
        }
    }
}

#[test]
fn a_refused_range_or_filtered_page_is_not_asked_for_again_in_a_larger_size() {
    let refusing = Platform {
        largest_page: 100,
        refuses_larger: true,
    };
    for (query, refused) in [
        (Query::new().limit(250), 1),
        (Query::new().limit(50), 0),
        (Query::new().filter(Filter::name("x")), 1),
    ] {
        let (scanned, sent, _) = scan_in_rounds(&query, 2_000, refusing);
        assert!(scanned.is_complete(), "{query:?}: {scanned:?}");
        let too_large = sent.iter().filter(|request| request.size > Some(100));
        assert_eq!(too_large.count(), refused, "{query:?}: {sent:?}");
    }
}

#[test]
fn a_token_that_moves_onto_the_first_page_before_the_look_is_not_missed() {
    // So many tokens are deleted and created between the first two requests.
    for changes in 0..5 {
        let mut pages = FakePages::from_ids((1..=15).map(|at| at * 100_000));
        let mut requests = 0;
        let scanned = scan(PageEngine::new(&plan(&vanishing(), 10)), |request| {
            let mut page = timed(pages.page(request));
            page.served_at = crate::model::Timestamp::from_unix_seconds(10_000);
            requests += 1;
            if requests == 1 {
                for change in 0..changes {
                    pages.delete(0);
                    pages.ids.push(10_000_000 + change);
                }
            }
            page
        });
        let lasting: Vec<_> = (changes + 1..=15).map(|at| at * 100_000).collect();
        assert!(
            scanned.is_complete() && scanned.is_exact(&lasting),
            "{scanned:?}"
        );
        assert_eq!(scanned.requests, if changes == 0 { 2 } else { 3 });
    }
}
