//! Scans of a set that changes.

use super::*;

/// A change of the set between two requests.
#[derive(Debug, Clone, Copy)]
enum Change {
    Create,
    Delete(usize),
}

/// Generates the changes after each request: frequent ones, ones so rare that the scan fetches
/// pages concurrently, or ones that leave the total as it was.
fn changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![
        Just(Change::Create),
        any::<u16>().prop_map(|at| Change::Delete(at.into()))
    ];
    let sometimes = |weight| {
        let change = change.clone();
        prop_oneof![weight => Just(vec![]), 1 => prop::collection::vec(change, 1..5)]
    };
    let frequent = prop::collection::vec(sometimes(1), 0..60);
    let rare = prop::collection::vec(sometimes(20), 0..200);
    let replaced = any::<u16>().prop_map(|at| vec![Change::Delete(at.into()), Change::Create]);
    let hidden = prop_oneof![9 => Just(vec![]), 1 => replaced];
    prop_oneof![frequent, rare, prop::collection::vec(hidden, 0..200)]
}

/// Generates which of the requests in flight is carried out, or answered, next.
fn order_of_events() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(vec![0]), prop::collection::vec(any::<u8>(), 1..40)]
}

/// Scans pages that change, and returns the result and the ids that existed throughout.
fn scan_changing_pages(
    list: &ListCapability,
    (count, size): (u32, u32),
    changes: Vec<Vec<Change>>,
    order: &[u8],
    mut apply: impl FnMut(&mut FakePages, Change),
) -> (Scanned, Vec<u32>) {
    let mut pages = FakePages::with_gaps(count);
    let mut lasting = pages.ids.clone();
    let mut changes = changes.into_iter();
    let mut order = order.iter().cycle();
    let scanned = scan_in_order(
        PageEngine::new(&plan(list, size)),
        |request| {
            let page = pages.page(request);
            for change in changes.next().unwrap_or_default() {
                apply(&mut pages, change);
            }
            lasting.retain(|id| pages.ids.contains(id));
            page
        },
        |_| usize::from(*order.next().unwrap()),
    );
    (scanned, lasting)
}

/// Returns changes that create the first token before so many of the newest ones, and the others at
/// the end. They delete none: a deletion at the same time would hide the creation from the total.
fn create_first_before(depth: usize) -> impl FnMut(&mut FakePages, Change) {
    let mut before = Some(depth);
    move |pages, change| match change {
        Change::Create => pages.create_before(before.take().unwrap_or(0)),
        Change::Delete(_) => {}
    }
}

proptest! {
    #[test]
    fn a_complete_backward_scan_never_lacks_a_token_that_existed_throughout(
        size in small_or_large_pages(), changes in changes(), order in order_of_events(),
    ) {
        let apply = |pages: &mut FakePages, change| match change {
            Change::Create => pages.create(),
            Change::Delete(at) => pages.delete(at),
        };
        let (scanned, lasting) = scan_changing_pages(&vanishing(), size, changes, &order, apply);
        prop_assert!(scanned.end.is_ok(), "{:?}", scanned.end);
        prop_assert!(scanned.is_honest(&lasting), "{:?} of {:?}", scanned, lasting);
    }

    #[test]
    fn a_token_created_shortly_before_the_newest_hides_none_from_a_backward_scan(
        (count, size) in small_or_large_pages(),
        changes in changes(),
        depth in 0usize..400,
        order in order_of_events(),
    ) {
        let depth = depth.min(size as usize);
        let apply = create_first_before(depth);
        let (scanned, lasting) =
            scan_changing_pages(&vanishing(), (count, size), changes, &order, apply);
        prop_assert!(scanned.end.is_ok(), "{:?}", scanned.end);
        prop_assert!(scanned.is_honest(&lasting), "{:?} of {:?}", scanned, lasting);
    }

    #[test]
    fn a_token_created_shortly_before_the_newest_hides_none_from_a_forward_scan(
        (count, size) in (0u32..120, 1u32..8),
        changes in changes(),
        depth in 0usize..8,
        order in order_of_events(),
    ) {
        let depth = depth.min(size as usize);
        let apply = create_first_before(depth);
        let (scanned, lasting) =
            scan_changing_pages(&appending(), (count, size), changes, &order, apply);
        prop_assert!(scanned.is_complete(), "{:?}", scanned.end);
        prop_assert!(scanned.is_exact(&lasting), "{:?} of {:?}", scanned, lasting);
    }

    #[test]
    fn new_tokens_anywhere_hide_none_from_a_forward_scan(
        (count, size) in (prop_oneof![0u32..40, 0u32..300], 1u32..8),
        changes in changes(),
        order in order_of_events(),
    ) {
        let apply = |pages: &mut FakePages, change| {
            if let Change::Delete(at) = change {
                pages.create_at(at);
            }
        };
        let (scanned, lasting) =
            scan_changing_pages(&growing(), (count, size), changes, &order, apply);
        prop_assert!(scanned.is_complete(), "{:?}", scanned.end);
        prop_assert!(scanned.is_exact(&lasting), "{:?} of {:?}", scanned, lasting);
    }

    #[test]
    fn new_tokens_at_either_end_hide_none_from_a_forward_scan(
        (count, size) in (prop_oneof![0u32..40, 0u32..300], 1u32..8),
        changes in changes(),
        order in order_of_events(),
        newest_first in any::<bool>(),
    ) {
        // With the newest first, the same pages are read from the other end.
        let list = if newest_first { growing() } else { appending() };
        let apply = |pages: &mut FakePages, _| {
            pages.create();
            if newest_first {
                pages.ids.rotate_right(1);
            }
        };
        let (scanned, lasting) = scan_changing_pages(&list, (count, size), changes, &order, apply);
        prop_assert!(scanned.is_complete(), "{:?}", scanned.end);
        prop_assert!(scanned.is_exact(&lasting), "{:?} of {:?}", scanned, lasting);
    }
}

#[test]
fn the_page_of_the_newest_tokens_is_read_after_the_pages_before_it() {
    for count in 30..60 {
        for created_after in 0..8 {
            let mut pages = FakePages::with_gaps(count);
            let (lasting, mut requests) = (pages.ids.clone(), 0);
            // The platform carries out the request first that was sent last.
            let scanned = scan_in_order(
                PageEngine::new(&plan(&appending(), 10)),
                |request| {
                    let page = pages.page(request);
                    requests += 1;
                    if requests == created_after {
                        pages.create_before(9);
                    }
                    page
                },
                |in_flight| in_flight - 1,
            );
            assert!(
                scanned.is_complete() && scanned.is_exact(&lasting),
                "{count} {created_after}: {scanned:?}"
            );
        }
    }
}
