//! The plans of queries on platforms of every kind.

use super::*;
use crate::listing::fake_pages::{appending, growing, keyset, keyset_by_id, vanishing};
use crate::model::TokenState;
use crate::provider::OrderCapability;

fn plan(query: &Query, list: &ListCapability) -> Plan {
    Plan::for_query(query, list).unwrap()
}

fn exact(key: SortKey) -> OrderCapability {
    OrderCapability::new(key)
        .with_exact_order()
        .with_stable_keys()
}

/// Returns every combination of so many facts.
fn combinations<const N: usize>() -> impl Iterator<Item = [bool; N]> {
    (0..1_u32 << N).map(|bits| std::array::from_fn(|at| (bits >> at) & 1 == 1))
}

#[test]
fn a_scan_is_protected_only_where_no_token_can_slip_between_two_pages() {
    for paging in [
        Paging::Numbered,
        Paging::Snapshot,
        Paging::Keyset,
        Paging::Sequential,
    ] {
        for [totals, vanish, is_exact, stable, appends] in combinations() {
            let list = ListCapability {
                totals,
                tokens_vanish: vanish,
                ..ListCapability::new(paging).with_order(OrderCapability {
                    exact: is_exact,
                    stable,
                    appends,
                    ..OrderCapability::new(SortKey::Id)
                })
            };
            let plan = plan(&Query::new(), &list);
            let snapshot = paging == Paging::Snapshot;
            let keyset = paging == Paging::Keyset;
            let read_backward = paging == Paging::Numbered && totals && is_exact && appends;
            let protected = snapshot || keyset || (stable && (!vanish || read_backward));
            assert_eq!(plan.is_complete(), protected, "{list:?}");
            let backward = protected && vanish && !snapshot && !keyset;
            assert_eq!(plan.scan == ScanDirection::Backward, backward, "{list:?}");
            assert_eq!(plan.pushed_order.is_some(), stable, "{list:?}");
            assert_eq!(plan.exact_order, stable && is_exact, "{list:?}");
            let append_only = if stable { appends } else { snapshot };
            assert_eq!(plan.append_only, append_only, "{list:?}");
        }
    }
}

#[test]
fn a_scan_follows_the_safest_key_then_the_wanted_one_then_one_that_appends() {
    let by_id = exact(SortKey::Id).with_append_only();
    for orders in [
        [by_id.clone(), exact(SortKey::Name)],
        [exact(SortKey::Name), by_id],
    ] {
        let list = ListCapability {
            orders: orders.to_vec(),
            ..appending()
        };
        let by_name = Query::new().sort_by(SortKey::Name, Direction::Descending);
        let key = |query: &Query, list: &ListCapability| {
            let pushed = plan(query, list).pushed_order;
            pushed.unwrap().key
        };
        assert_eq!(key(&Query::new(), &list), SortKey::Id);
        assert_eq!(key(&by_name, &list), SortKey::Name);
        let list = ListCapability {
            tokens_vanish: true,
            ..list
        };
        assert_eq!(key(&by_name, &list), SortKey::Id);
    }
}

#[test]
fn matches_are_sorted_in_memory_unless_the_scan_yields_the_wanted_order() {
    let (ascending, descending) = (Direction::Ascending, Direction::Descending);
    for (key, direction) in [
        (SortKey::Id, ascending),
        (SortKey::Id, descending),
        (SortKey::Name, descending),
    ] {
        for [is_exact, stable, absent_elsewhere] in combinations() {
            let order = OrderCapability {
                exact: is_exact,
                stable,
                ..OrderCapability::new(key)
            };
            let list = ListCapability {
                orders: vec![order],
                ..appending()
            };
            let mut by = SortBy::new(key, direction);
            if absent_elsewhere {
                by = match direction {
                    Direction::Ascending => by.nulls_first(),
                    Direction::Descending => by.nulls_last(),
                };
            }
            let plan = plan(&Query::new().sort_by_keys([by]), &list);
            let yields = is_exact && stable && (key == SortKey::Id || !absent_elsewhere);
            assert_eq!(plan.sorts_in_memory(), !yields, "{by} of {list:?}");
            let pushed = if yields { direction } else { ascending };
            let pushed = stable.then_some(SortBy::new(key, pushed));
            assert_eq!(plan.pushed_order, pushed, "{by} of {list:?}");
        }
    }
    // A backward scan yields the reverse of the order that it requests.
    for (key, direction, in_memory) in [
        (SortKey::Id, ascending, true),
        (SortKey::Id, descending, false),
        (SortKey::Name, descending, true),
    ] {
        let list = vanishing().with_order(exact(SortKey::Name));
        let plan = plan(&Query::new().sort_by(key, direction), &list);
        assert_eq!(plan.sorts_in_memory(), in_memory, "{key:?} {direction:?}");
        let pushed = SortBy::new(SortKey::Id, ascending);
        assert_eq!(plan.pushed_order, Some(pushed));
    }
    assert!(!plan(&Query::new(), &vanishing()).sorts_in_memory());
}

#[test]
fn pages_are_read_concurrently_only_where_totals_show_that_nothing_slipped() {
    let width = |list: &ListCapability, size: u32| {
        let query = Query::new().page_size(size).max_concurrency(16);
        plan(&query, list).max_concurrency
    };
    for (size, forward, backward) in [
        (1, 16, 16),
        (512, 16, 16),
        (513, 15, 15),
        (2048, 4, 4),
        (2049, 3, 1),
        (4096, 2, 1),
        (8192, 1, 1),
        (8193, 1, 1),
    ] {
        assert_eq!(width(&appending(), size), forward, "{size}");
        assert_eq!(width(&vanishing(), size), backward, "{size}");
    }
    assert_eq!(plan(&Query::new(), &appending()).max_concurrency, 1);
    let without_order = ListCapability {
        orders: Vec::new(),
        ..appending()
    };
    let without_totals = ListCapability {
        totals: false,
        ..appending()
    };
    let sequential = ListCapability {
        paging: Paging::Sequential,
        ..appending()
    };
    for list in [without_order, without_totals, sequential] {
        assert_eq!(width(&list, 10), 1, "{list:?}");
    }
}

#[test]
fn the_number_of_requests_is_that_of_the_pages_and_of_the_first_looks() {
    let size = Query::new().page_size(10);
    let filters = FilterCapability::for_names();
    let named = size.clone().filter(Filter::name("ci"));
    let range = Query::new().offset(30).limit(20).page_size(10);
    for (query, list, expected) in [
        (&size, appending(), [1, 1, 3, 10]),
        (&size, vanishing(), [1, 2, 4, 11]),
        (&named, vanishing().with_filters(filters), [1, 3, 5, 12]),
        (&range, appending(), [1, 1, 1, 2]),
    ] {
        let plan = plan(query, &list);
        let requests = [0, 10, 30, 100].map(|tokens| plan.requests(tokens).unwrap());
        assert_eq!(requests, expected, "{plan}");
    }
    let rest = Query::new().offset(30).page_size(10);
    assert_eq!(plan(&rest, &appending()).requests(100), Some(7));
    assert_eq!(plan(&Query::new(), &appending()).requests(100), None);
}

#[test]
fn an_order_in_one_direction_is_pushed_down_in_that_direction_only() {
    let (ascending, descending) = (Direction::Ascending, Direction::Descending);
    for served in [ascending, descending] {
        for paging in [Paging::Keyset, Paging::Numbered] {
            let list = ListCapability {
                paging,
                totals: true,
                ..keyset_by_id(served)
            };
            let by_id = |direction| plan(&Query::new().sort_by(SortKey::Id, direction), &list);
            for plan in [
                plan(&Query::new(), &list),
                by_id(ascending),
                by_id(descending),
            ] {
                assert_eq!(plan.pushed_order, Some(SortBy::new(SortKey::Id, served)));
            }
            if paging == Paging::Keyset {
                assert_eq!(by_id(ascending).sorts_in_memory(), served != ascending);
                assert_eq!(by_id(descending).sorts_in_memory(), served != descending);
            } else {
                // Only what is served ascending can be read backward.
                assert_eq!(by_id(served).is_complete(), served == ascending);
            }
            let ranges = [ascending, descending].map(|direction| {
                let query = Query::new().sort_by(SortKey::Id, direction).limit(5);
                range(&query, &list).is_some()
            });
            let numbered = paging == Paging::Numbered;
            let expected = [ascending, descending].map(|one| numbered && one == served);
            assert_eq!(ranges, expected, "{list:?}");
        }
    }
}

#[test]
fn a_keyset_is_read_forward_one_page_at_a_time_and_is_complete() {
    for list in [keyset(), keyset_by_id(Direction::Descending)] {
        let plan = plan(&Query::new().page_size(10).max_concurrency(16), &list);
        assert!(plan.is_complete() && plan.keyset);
        assert_eq!(
            (plan.scan, plan.max_concurrency),
            (ScanDirection::Forward, 1)
        );
        assert_eq!(
            [0, 9, 10, 11, 30].map(|tokens| plan.requests(tokens)),
            [1, 1, 2, 2, 4].map(Some),
            "a full page may name another one, which is empty"
        );
    }
    // An order in which tokens move is none to page by.
    let loose = keyset().with_order(OrderCapability::new(SortKey::LastUsed).with_exact_order());
    let by_use = Query::new().sort_by(SortKey::LastUsed, Direction::Descending);
    let planned = plan(&by_use, &loose);
    assert!(planned.pushed_order.is_none() && planned.sorts_in_memory() && planned.is_complete());
    let scan = ScanDirection::Forward;
    let resumed = Plan::for_scan(&by_use, &loose, scan, Some(SortKey::LastUsed), None).unwrap();
    assert!(!resumed.is_complete());
}

#[test]
fn a_mutable_filter_is_pushed_down_for_all_pages_of_a_keyset() {
    let list = keyset().with_filters(FilterCapability::for_names());
    let plan = plan(&Query::new().filter(Filter::name("ci")), &list);
    assert_eq!(plan.fast_path, None);
    assert_eq!(plan.pushed_filter, Some(Filter::name("ci")));
}

/// Returns the first page, the number of pages and the size of a page range, and its order.
fn range(query: &Query, list: &ListCapability) -> Option<(u64, Option<u64>, u32, Option<SortBy>)> {
    match plan(query, list).fast_path? {
        FastPath::PageRange(range, order) => {
            Some((range.first_page, range.pages, range.page_size, order))
        }
        FastPath::FilteredPage => None,
    }
}

#[test]
fn an_offset_or_a_limit_is_read_as_a_page_range_where_that_loses_nothing() {
    let ascending = Some(SortBy::new(SortKey::Id, Direction::Ascending));
    let descending = Some(SortBy::new(SortKey::Id, Direction::Descending));
    let first = Query::new().limit(10);
    let later = Query::new().offset(20).limit(20).page_size(10);
    let one = Some((0, Some(1), 10, ascending));
    let several = Some((2, Some(2), 10, ascending));
    assert_eq!(range(&first, &appending()), one);
    assert_eq!(range(&later, &appending()), several);
    let from_there = Query::new().offset(20).page_size(10);
    let rest = Some((2, None, 10, ascending));
    assert_eq!(range(&from_there, &appending()), rest);
    // Where tokens vanish, only a single page is a snapshot. It continues the backward scan.
    let one = Some((0, Some(1), 10, descending));
    assert_eq!(range(&first, &vanishing()), one);
    let wanted = first.clone().sort_by(SortKey::Id, Direction::Ascending);
    let one = Some((0, Some(1), 10, ascending));
    assert_eq!(range(&wanted, &vanishing()), one);
    assert_eq!(range(&later, &vanishing()), None);
    let unsafe_order = later.clone().sort_by(SortKey::Id, Direction::Ascending);
    assert_eq!(range(&unsafe_order, &vanishing()), None);
    let unprotected = ListCapability {
        orders: Vec::new(),
        ..appending()
    };
    assert_eq!(range(&later, &unprotected), None);
    let elsewhere = later.sort_by(SortKey::Name, Direction::Ascending);
    assert_eq!(range(&elsewhere, &growing()), None);
    // Nothing to skip, no page numbers, no totals, or a filter: offset and limit count matches.
    assert_eq!(range(&Query::new(), &appending()), None);
    let filtered = first.clone().filter(Filter::name("ci"));
    assert_eq!(range(&filtered, &appending()), None);
    for (paging, totals) in [
        (Paging::Numbered, false),
        (Paging::Sequential, true),
        (Paging::Keyset, true),
        (Paging::Snapshot, true),
    ] {
        let list = ListCapability {
            paging,
            totals,
            ..appending()
        };
        assert_eq!(range(&first, &list), None, "{list:?}");
    }
}

#[test]
fn people_are_told_of_pages_as_they_count_them() {
    let size = Query::new().page_size(10);
    for (query, told) in [
        (size.clone().limit(10), "fetch only page 1, 10 tokens"),
        (
            size.clone().offset(20).limit(20),
            "fetch only pages 3 to 4, 10 tokens",
        ),
        (
            size.offset(20),
            "fetch only page 3 and the pages after it, 10 tokens",
        ),
    ] {
        let text = plan(&query, &appending()).to_string();
        assert!(text.starts_with(told), "{text}");
    }
    for (list, told) in [
        (appending(), "fetch pages from first to last, one"),
        (vanishing(), "fetch pages from last to first, one"),
        (
            keyset(),
            "fetch pages from first to last by keyset cursor, one",
        ),
    ] {
        let text = plan(&Query::new(), &list).to_string();
        assert!(text.starts_with(told), "{text}");
    }
}

#[test]
fn a_scan_in_another_direction_than_the_safest_is_not_protected() {
    let scan =
        |list, scan| Plan::for_scan(&Query::new(), &list, scan, Some(SortKey::Id), None).unwrap();
    assert!(scan(appending(), ScanDirection::Forward).is_complete());
    assert!(!scan(appending(), ScanDirection::Backward).is_complete());
    assert!(scan(vanishing(), ScanDirection::Backward).is_complete());
    assert!(!scan(vanishing(), ScanDirection::Forward).is_complete());
}

#[test]
fn a_filter_is_pushed_down_as_far_as_no_match_is_lost() {
    let names = FilterCapability::for_names();
    let whole = FilterCapability {
        name_pattern: false,
        ..names.clone()
    };
    let pattern = FilterCapability {
        name_exact: false,
        ..names.clone()
    };
    let combined = names.clone().with_combinations();
    let (ci, cd) = (Filter::name("ci"), Filter::name("cd"));
    let active = Filter::State(TokenState::Active);
    let all = |filters: &[&Filter]| Filter::All(filters.iter().copied().cloned().collect());
    let any = |filters: &[&Filter]| Filter::Any(filters.iter().copied().cloned().collect());
    let both = any(&[&ci, &cd]);
    for (filter, offered, pushed) in [
        (&ci, &whole, Some(ci.clone())),
        (&ci, &pattern, Some(Filter::name_glob("ci"))),
        (&Filter::name("c*"), &pattern, None),
        (&Filter::name_prefix("c"), &whole, None),
        (&active, &names, None),
        (&all(&[&active, &ci]), &names, Some(ci.clone())),
        (&all(&[&active, &ci, &cd]), &names, Some(ci.clone())),
        (
            &all(&[&active, &ci, &cd]),
            &combined,
            Some(all(&[&ci, &cd])),
        ),
        (&all(&[&active, &active]), &combined, None),
        (&both, &combined, Some(both.clone())),
        (&both, &names, None),
        (&any(&[&ci, &active]), &combined, None),
        (
            &any(&[&ci, &all(&[&cd, &active])]),
            &combined,
            Some(any(&[&ci, &cd])),
        ),
        (&any(&[&ci, &all(&[&cd, &active])]), &names, None),
        (&any(&[]), &combined, None),
    ] {
        assert_eq!(
            push_down(filter, offered),
            pushed,
            "{filter:?}, {offered:?}"
        );
        // Matches may change between pages, so what is pushed down is only a first try.
        let query = Query::new().filter(filter.clone());
        let list = appending().with_filters(offered.clone());
        let tried = plan(&query, &list).fast_path == Some(FastPath::FilteredPage);
        assert_eq!(tried, pushed.is_some(), "{filter:?}, {offered:?}");
        let list = appending().with_filters(offered.clone().with_immutable_matches());
        assert_eq!(plan(&query, &list).fast_path, None, "{filter:?}");
    }
}
