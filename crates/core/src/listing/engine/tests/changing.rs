//! Walks over a set that changes.

use super::*;

/// What happens between two requests.
#[derive(Debug, Clone, Copy)]
enum Change {
    Create,
    Delete(usize),
}

/// What happens after each request: often something, or so seldom that the walk dares to read side by side, or only what
/// leaves the total as it was.
fn changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![
        Just(Change::Create),
        any::<u16>().prop_map(|at| Change::Delete(at.into()))
    ];
    let now_and_then = |weight| {
        let change = change.clone();
        prop_oneof![weight => Just(vec![]), 1 => prop::collection::vec(change, 1..5)]
    };
    let often = prop::collection::vec(now_and_then(1), 0..60);
    let seldom = prop::collection::vec(now_and_then(20), 0..200);
    let made_up_for = any::<u16>().prop_map(|at| vec![Change::Delete(at.into()), Change::Create]);
    let unseen = prop_oneof![9 => Just(vec![]), 1 => made_up_for];
    prop_oneof![often, seldom, prop::collection::vec(unseen, 0..200)]
}

/// Which of the requests on their way is carried out, or its answer comes, next.
fn order_of_events() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(vec![0]), prop::collection::vec(any::<u8>(), 1..40)]
}

/// What a walk over a changing shelf found, and what existed throughout.
fn walk_over_changes(
    list: &ListCapability,
    (count, size): (u32, u32),
    changes: Vec<Vec<Change>>,
    order: &[u8],
    mut apply: impl FnMut(&mut Shelf, Change),
) -> (Walked, Vec<u32>) {
    let mut shelf = Shelf::spaced(count);
    let mut lasting = shelf.ids.clone();
    let mut changes = changes.into_iter();
    let mut order = order.iter().cycle();
    let walked = walk_side_by_side(
        Walker::new(&plan(list, size)),
        |request| {
            let page = shelf.page(request);
            for change in changes.next().unwrap_or_default() {
                apply(&mut shelf, change);
            }
            lasting.retain(|id| shelf.ids.contains(id));
            page
        },
        |_| usize::from(*order.next().unwrap()),
    );
    (walked, lasting)
}

proptest! {
    #[test]
    fn what_exists_throughout_is_never_missing_from_a_complete_backward_walk(
        shelf in small_or_large_pages(), changes in changes(), order in order_of_events(),
    ) {
        let (walked, lasting) = walk_over_changes(&losing(), shelf, changes, &order, |shelf, change| match change {
            Change::Create => shelf.create(),
            Change::Delete(at) => shelf.delete(at),
        });
        prop_assert!(walked.end.is_ok(), "{:?}", walked.end);
        prop_assert!(!is_complete(&walked) || is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }

    #[test]
    fn a_token_created_a_little_before_the_newest_hides_none(
        (count, size) in small_or_large_pages(), changes in changes(), depth in 0usize..400, order in order_of_events(),
    ) {
        let depth = depth.min(size as usize);
        let mut before = Some(depth);
        let (walked, lasting) = walk_over_changes(&losing(), (count, size), changes, &order, |shelf, change| match change {
            Change::Create => shelf.create_before(before.take().unwrap_or(0)),
            // A deletion in the same moment would make up for it in the total.
            Change::Delete(_) => {}
        });
        prop_assert!(walked.end.is_ok(), "{:?}", walked.end);
        prop_assert!(!is_complete(&walked) || is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }

    #[test]
    fn a_token_created_a_little_before_the_newest_hides_none_from_a_forward_walk(
        count in 0u32..120, size in 1u32..8, changes in changes(), depth in 0usize..8, order in order_of_events(),
    ) {
        let depth = depth.min(size as usize);
        let mut before = Some(depth);
        let (walked, lasting) = walk_over_changes(&keeping(), (count, size), changes, &order, |shelf, change| match change {
            Change::Create => shelf.create_before(before.take().unwrap_or(0)),
            Change::Delete(_) => {}
        });
        prop_assert!(is_complete(&walked), "{:?}", walked.end);
        prop_assert!(is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }

    #[test]
    fn new_tokens_anywhere_hide_none_from_a_forward_walk(
        count in prop_oneof![0u32..40, 0u32..300], size in 1u32..8, changes in changes(), order in order_of_events(),
    ) {
        let (walked, lasting) = walk_over_changes(&keeping_by_name(), (count, size), changes, &order, |shelf, change| {
            if let Change::Delete(at) = change {
                shelf.last_id += 1;
                let at = at % (shelf.ids.len() + 1);
                shelf.ids.insert(at, shelf.last_id);
            }
        });
        prop_assert!(is_complete(&walked), "{:?}", walked.end);
        prop_assert!(is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }

    #[test]
    fn new_tokens_at_the_end_hide_none_from_a_forward_walk(
        count in prop_oneof![0u32..40, 0u32..300], size in 1u32..8, changes in changes(), order in order_of_events(), newest_first in any::<bool>(),
    ) {
        let mut list = keeping();
        if newest_first {
            // The same shelf, read from its other end.
            list = keeping_by_name();
        }
        let (walked, lasting) = walk_over_changes(&list, (count, size), changes, &order, |shelf, _| {
            shelf.create();
            if newest_first {
                shelf.ids.rotate_right(1);
            }
        });
        prop_assert!(is_complete(&walked), "{:?}", walked.end);
        prop_assert!(is_exact(&walked, &lasting), "{:?} of {:?}", walked, lasting);
    }
}
