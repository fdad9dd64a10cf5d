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

proptest! {
    #[test]
    fn ids_in_any_order_within_a_second_hide_none_and_leave_the_scan_complete(
        (count, size) in prop_oneof![(30u32..300, 8u32..40), (90u32..600, 60u32..100), (500u32..3_000, 200u32..500)],
        (old_second, fresh) in (prop_oneof![Just(1u32), Just(5), Just(600)], 0u32..8),
        changes in prop::collection::vec((any::<u16>(), any::<u16>()), 0..300),
        rate in 0usize..4,
        seconds in 1u32..40,
        order in prop_oneof![Just(vec![0]), prop::collection::vec(any::<u8>(), 1..40)],
    ) {
        // A small page may show one second only. Then a creation and a deletion between the same
        // two requests can go unseen (decision 0019).
        let rate = if size < 60 { rate.min(1) } else { rate };
        // So many old tokens share a second; the newest ones were created in the present one.
        let old = |at: u32| 10_000_000 + (at / old_second) * SECOND + 100 + at % old_second;
        let now = old(count) / SECOND + 1;
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
        let (mut changes, mut requests) = (changes.into_iter(), 0);
        let mut order = order.iter().cycle();
        let scanned = scan_in_order(
            PageEngine::new(&plan(&vanishing(), size)),
            |request| {
                let page = timed(pages.page(request));
                requests += 1;
                for (at, change) in changes.by_ref().take(rate) {
                    if change % 2 == 0 {
                        pages.delete(at.into());
                    } else {
                        create(&mut pages, random(now + requests / seconds, at));
                    }
                }
                lasting.retain(|id| pages.ids.contains(id));
                page
            },
            |_| usize::from(*order.next().unwrap()),
        );
        // A page may hold no token of an earlier second if it is small or many tokens share one.
        let is_anchored = size >= 60 && old_second < size / 8;
        prop_assert!(!is_anchored || scanned.is_complete(), "{:?}", scanned.end);
        prop_assert!(!is_anchored || scanned.is_honest(&lasting), "{:?} of {:?}", scanned, lasting);
    }
}
