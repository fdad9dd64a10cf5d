//! Scans that are interrupted and resumed.

use std::collections::HashSet;

use super::*;

proptest! {
    #[test]
    fn a_scan_that_is_interrupted_anywhere_and_resumed_skips_no_lasting_token(
        (count, size) in small_or_large_pages(),
        at in any::<u16>(),
        deleted in prop::collection::vec(any::<u16>(), 0..6),
        created in 0usize..12,
        vanish in any::<bool>(),
    ) {
        let list = if vanish { vanishing() } else { appending() };
        let plan = plan(&list, size);
        let mut pages = FakePages::new(count);
        let mut engine = PageEngine::new(&plan);
        let mut seen: HashSet<u32> = HashSet::new();
        let at = usize::from(at) % (count as usize + 1);
        while seen.len() < at && !engine.is_done() {
            while let Some((id, request)) = engine.next_request() {
                engine.on_response(id, Ok(pages.page(&request)));
            }
            if let Some(batch) = engine.next_batch().unwrap() {
                seen.extend(ids(&batch.tokens));
            }
        }
        let cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
        let cursor = cursor.at(engine.place());
        if vanish {
            deleted.iter().for_each(|index| pages.delete((*index).into()));
        }
        (0..created).for_each(|_| pages.create());
        let lasting: Vec<_> = pages.ids.iter().filter(|id| **id <= count).copied().collect();
        let resumed = PageEngine::resume(&plan, &cursor).unwrap();
        let rest = scan(resumed, |request| pages.page(request));
        prop_assert!(rest.end.is_ok(), "{:?}", rest.end);
        seen.extend(rest.ids);
        prop_assert!(lasting.iter().all(|id| seen.contains(id)), "{:?} of {:?}", seen, lasting);
    }
}
