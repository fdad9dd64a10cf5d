//! Scans of a set whose ids come in any order within one second of their creation.

use super::*;
use crate::model::{Fact, Timestamp, Token};

/// The ids that one second has room for.
const SECOND: u32 = 1_000;

/// Returns the pages with the times of creation that the ids begin with.
fn timed(mut page: Page) -> Page {
    let time = |token: &Token| {
        let id: u32 = token.id.as_str().parse().unwrap();
        Timestamp::from_unix_seconds((id / SECOND).into())
    };
    for token in &mut page.tokens {
        token.created_at = time(token).map_or(Fact::NotReported, Fact::Known);
    }
    page
}

/// The seconds by which the clocks of the fake platform's servers differ.
const SKEW: u32 = 2;

proptest! {
    #[test]
    fn ids_in_any_order_within_a_second_hide_none_and_leave_the_scan_complete(
        (count, size) in prop_oneof![(30u32..300, 8u32..40), (90u32..600, 60u32..100), (500u32..3_000, 200u32..500)],
        (old_second, fresh) in (prop_oneof![Just(1u32), Just(5), Just(600)], 0u32..8),
        pause in prop_oneof![Just(1u32), Just(10)],
        changes in prop::collection::vec((any::<u16>(), any::<u16>(), 0..=SKEW), 0..300),
        rate in 0usize..4,
        seconds in 1u32..40,
        max_page_size in prop_oneof![Just(None), Just(Some(1_000u32))],
        order in prop_oneof![Just(vec![0]), prop::collection::vec(any::<u8>(), 1..40)],
    ) {
        // So many old tokens share a second; the newest ones were created after a pause.
        let old = |at: u32| 10_000_000 + (at / old_second) * SECOND + 100 + at % old_second;
        let now = old(count) / SECOND + pause;
        let random = |second: u32, at: u16| second * SECOND + u32::from(at) % SECOND;
        let mut pages = FakePages::from_ids((0..count).map(old));
        let create = |pages: &mut FakePages, id: u32| {
            if let Err(at) = pages.ids.binary_search(&id) {
                pages.ids.insert(at, id);
            }
        };
        for at in 0..fresh {
            create(&mut pages, random(now, (at * 7919 % 1000) as u16));
        }
        let mut lasting = pages.ids.clone();
        let first_fresh = (now - 2 * SKEW - 1) * SECOND;
        let fresh = lasting.iter().filter(|id| **id >= first_fresh).count() as u32;
        let mut list = vanishing();
        list.max_page_size = max_page_size;
        let (mut changes, mut requests) = (changes.into_iter(), 0);
        let mut order = order.iter().cycle();
        let scanned = scan_in_order(
            PageEngine::new(&plan(&list, size)),
            |request| {
                let mut page = timed(pages.page(request));
                requests += 1;
                for (at, change, skew) in changes.by_ref().take(rate) {
                    if change % 2 == 0 {
                        pages.delete(at.into());
                    } else {
                        create(&mut pages, random(now + requests / seconds - skew, at));
                    }
                }
                lasting.retain(|id| pages.ids.contains(id));
                // A response may be sent long after the page was read.
                let served_at = now + requests / seconds;
                page.served_at = Timestamp::from_unix_seconds(served_at.into());
                page
            },
            |_| usize::from(*order.next().unwrap()),
        );
        prop_assert!(scanned.is_honest(&lasting), "{:?} of {:?}", scanned, lasting);
        // All that is not settled has to fit on one page, with those that are created meanwhile.
        let largest = max_page_size.unwrap_or(size);
        let fits = largest >= 16 && fresh + 3 * rate as u32 <= largest / 8;
        prop_assert!(!fits || scanned.is_complete(), "{:?}", scanned.end);
    }
}
