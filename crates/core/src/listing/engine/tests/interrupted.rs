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

/// Returns a cursor at a page of ten tokens, before which a token was emitted.
pub(super) fn cursor_at(plan: &Plan, number: u64, after: Option<u32>, total: u32) -> Cursor {
    let mut cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), plan);
    cursor.position = PagePosition::Number(number);
    cursor.size = Some(10);
    cursor.total = Some(total.into());
    cursor.after = after.map(|id| token(id).id);
    cursor
}

#[test]
fn a_scan_that_is_resumed_reads_the_rest_and_nothing_else() {
    let pages = FakePages::new(35);
    for (list, number, after, rest) in [
        (vanishing(), 3, None, 1..=35),
        (vanishing(), 1, Some(21), 1..=20),
        (appending(), 1, Some(10), 11..=35),
        (growing(), 3, Some(30), 31..=35),
    ] {
        let plan = Plan {
            max_concurrency: 1,
            ..plan(&list, 10)
        };
        let engine = PageEngine::resume(&plan, &cursor_at(&plan, number, after, 35)).unwrap();
        let mut scanned = scan(engine, |request| pages.page(request));
        assert!(scanned.is_complete(), "{scanned:?}");
        scanned.ids.sort_unstable();
        assert_eq!(scanned.ids, rest.clone().collect::<Vec<_>>());
        assert_eq!(scanned.requests, rest.count().div_ceil(10) as u64);
    }
}

#[test]
fn a_page_that_was_emitted_before_the_interruption_ends_nothing() {
    for names_next in [true, false] {
        // So many tokens were created before the place of the cursor.
        for created in [10, 20, 25] {
            let pages = FakePages::from_ids((101..=100 + created).chain(1..=35));
            let plan = plan(&growing(), 10);
            let cursor = cursor_at(&plan, 1, Some(10), 35);
            let scanned = scan(PageEngine::resume(&plan, &cursor).unwrap(), |request| {
                let page = pages.page(request);
                Page {
                    next: page.next.filter(|_| names_next),
                    ..page
                }
            });
            assert!(scanned.is_complete(), "{scanned:?}");
            let rest = (11..=35).all(|id| scanned.ids.contains(&id));
            assert!(rest, "{names_next} {created}: {scanned:?}");
        }
    }
}

#[test]
fn a_token_that_moved_up_during_the_interruption_is_found() {
    for depth in 5..=10 {
        let mut pages = FakePages::with_gaps(35);
        let lasting = pages.ids[..30].to_vec();
        let plan = plan(&vanishing(), 10);
        let cursor = cursor_at(&plan, 2, Some(pages.ids[30]), 35);
        pages.create_before(depth);
        let rest = scan(PageEngine::resume(&plan, &cursor).unwrap(), |request| {
            pages.page(request)
        });
        assert!(
            rest.is_complete() && rest.is_exact(&lasting),
            "{depth}: {rest:?}"
        );
    }
}

/// Reads until so many batches came.
fn read_batches(
    engine: &mut PageEngine,
    most: usize,
    mut respond: impl FnMut(&PageRequest) -> Page,
) -> Result<Vec<u32>> {
    let (mut seen, mut batches) = (Vec::new(), 0);
    while batches < most && !engine.is_done() {
        match engine.next_batch()? {
            Some(batch) => {
                seen.extend(ids(&batch.tokens));
                batches += 1;
            }
            None => {
                while let Some((id, request)) = engine.next_request() {
                    engine.on_response(id, Ok(respond(&request)));
                }
            }
        }
    }
    Ok(seen)
}

proptest! {
    #[test]
    fn a_scan_of_a_set_that_changes_all_the_time_is_interrupted_and_resumed_without_a_false_claim(
        count in 1u32..60,
        size in 1u32..8,
        interruptions in prop::collection::vec(0usize..8, 1..4),
        changes in prop::collection::vec(any::<u32>(), 120),
        counts_later in any::<bool>(),
        descending in any::<bool>(),
        width in 1u32..17,
    ) {
        let list = vanishing().with_max_requested_page_size(100);
        let mut query = Query::new().page_size(size).max_concurrency(width);
        if descending {
            query = query.sort_by(SortKey::Id, Direction::Descending);
        }
        let plan = Plan::for_query(&query, &list).unwrap();
        let mut pages = FakePages::from_ids((1..=count).map(|at| at * 100_000));
        let mut lasting = pages.ids.clone();
        let mut next = 10_000_000;
        let mut changes = changes.into_iter();
        let mut change = |pages: &mut FakePages, lasting: &mut Vec<u32>| {
            match changes.next() {
                Some(change) if change % 3 == 0 && !pages.ids.is_empty() => {
                    let gone = pages.ids.remove((change / 3) as usize % pages.ids.len());
                    lasting.retain(|id| *id != gone);
                }
                Some(change) if change % 3 == 1 => {
                    next += 3_000;
                    pages.ids.push(next);
                }
                _ => {}
            }
        };
        let mut engine = PageEngine::new(&plan);
        let mut seen: HashSet<u32> = HashSet::new();
        let mut respond = |request: &PageRequest| {
            let mut page = super::disordered::timed(pages.page(request));
            page.served_at = crate::model::Timestamp::from_unix_seconds(40_000);
            change(&mut pages, &mut lasting);
            if counts_later {
                page.total = Some(pages.ids.len() as u64);
            }
            page
        };
        for batches in interruptions {
            let Ok(read) = read_batches(&mut engine, batches, &mut respond) else {
                return Ok(());
            };
            seen.extend(read);
            let cursor = Cursor::new(&Account::new("p", "a"), &query, &plan).at(engine.place());
            let cursor: Cursor = cursor.to_string().parse().unwrap();
            engine = PageEngine::resume(&plan, &cursor).unwrap();
        }
        let rest = scan(engine, respond);
        let is_complete = rest.is_complete();
        seen.extend(rest.ids);
        prop_assert!(
            !is_complete || lasting.iter().all(|id| seen.contains(id)),
            "{:?} of {:?}", seen, lasting
        );
    }
}
