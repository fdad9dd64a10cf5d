//! Walks that are cut and go on.

use std::collections::HashSet;

use super::*;

proptest! {
    #[test]
    fn a_walk_that_is_cut_anywhere_and_resumed_skips_nothing_that_lasts(
        (count, size) in small_or_large_pages(), cut in any::<u16>(), deleted in prop::collection::vec(any::<u16>(), 0..6),
        created in 0usize..12, kept in any::<bool>(),
    ) {
        let list = if kept { keeping() } else { losing() };
        let plan = plan(&list, size);
        let mut shelf = Shelf::of(count);
        let mut walker = Walker::new(&plan);
        let mut seen = Vec::new();
        let cut = usize::from(cut) % (count as usize + 1);
        while seen.len() < cut && !walker.is_done() {
            while let Some((name, request)) = walker.ask() {
                walker.answer(name, Ok(shelf.page(&request)));
            }
            if let Some(batch) = walker.hand_out().unwrap() {
                seen.extend(batch.tokens);
            }
        }
        let mut cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
        walker.mark(&mut cursor);
        if !kept {
            deleted.iter().for_each(|at| shelf.delete((*at).into()));
        }
        (0..created).for_each(|_| shelf.create());
        let lasting: Vec<_> = shelf.ids.iter().filter(|id| **id <= count).copied().collect();
        let rest = walk(Walker::resume(&plan, &cursor).unwrap(), |request| shelf.page(request));
        prop_assert!(rest.end.is_ok(), "{:?}", rest.end);
        let seen: HashSet<u32> = seen.iter().map(|token| token.id.as_str().parse().unwrap()).chain(rest.ids).collect();
        prop_assert!(lasting.iter().all(|id| seen.contains(id)), "{:?} of {:?}", seen, lasting);
    }
}
