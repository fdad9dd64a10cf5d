//! Queries on platforms in memory with random capabilities.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tokenfleet_conformance::MemoryProvider;
use tokenfleet_core::capability::{ListCapability, Paging};
use tokenfleet_core::{Completeness, Direction, Plan, Query, SortKey, Token, TokenProviderExt};

use crate::adapters::block_on;
use crate::explained::{Explained, FastPath};
use crate::generators::{GeneratedPlatform, platform, query, sort_by, with_valid_page_size};
use crate::{assert_matches_definition, collect, default_cases, id_set, ids, without_bounds};

/// The result of a query, its plan and its number of requests.
struct Execution {
    plan: Plan,
    tokens: Vec<Token>,
    completeness: Option<Completeness>,
    requests: u64,
}

fn execute(platform: &GeneratedPlatform, query: &Query) -> Result<Execution, TestCaseError> {
    let provider = MemoryProvider::new(platform.profile()).with_tokens(platform.tokens.clone());
    let failed = |error: tokenfleet_core::Error| TestCaseError::fail(error.to_string());
    let mut listing = provider.list(query.clone()).map_err(failed)?;
    let (tokens, completeness) = block_on(collect(&mut listing)).map_err(failed)?;
    Ok(Execution {
        plan: listing.plan().clone(),
        tokens,
        completeness,
        requests: provider.request_count(),
    })
}

proptest! {
    #![proptest_config(default_cases(2000))]

    #[test]
    fn a_query_matches_its_definition_whatever_the_platform_supports(
        generated in platform(), query in query(),
    ) {
        let query = with_valid_page_size(query, &generated.list);
        let execution = execute(&generated, &query)?;
        assert_matches_definition(&query, &generated.tokens, &execution.tokens)?;
        assert_honest_completeness(&generated, &execution)?;
        assert_cost(&generated, &query, &execution)?;
    }

    #[test]
    fn a_page_range_of_a_numbered_platform_costs_the_fewest_pages(
        generated in platform(),
        sort in prop::option::of(sort_by()),
        offset in 0u64..70,
        limit in 0u64..70,
        page_size in prop::option::of(1u32..80),
    ) {
        let mut query = Query::new().sort_by_keys(sort).offset(offset).limit(limit);
        query.page_size = page_size;
        let query = with_valid_page_size(query, &generated.list);
        let execution = execute(&generated, &query)?;
        assert_matches_definition(&query, &generated.tokens, &execution.tokens)?;
        if Explained::new(&execution.plan).reads_page_range() {
            let fewest = if limit == 0 { 0 } else { fewest_pages(&query, &generated.list) };
            prop_assert!(execution.requests <= fewest);
            let count = generated.tokens.len() as u64;
            prop_assert!(execution.requests == fewest || count <= offset + limit);
        }
    }
}

proptest! {
    #![proptest_config(default_cases(500))]

    #[test]
    fn consecutive_ranges_hold_every_token_once(
        generated in platform(), query in query(), step in 1u64..30,
    ) {
        let query = with_valid_page_size(query, &generated.list);
        let whole = without_bounds(&query);
        let matching = whole.evaluate(generated.tokens.clone());
        let (mut found, mut orders) = (Vec::new(), Vec::new());
        for offset in (0..=matching.len() as u64).step_by(step as usize) {
            let range = whole.clone().offset(offset).limit(step);
            let execution = execute(&generated, &range)?;
            orders.push(read_order(&execution.plan));
            found.extend(execution.tokens);
        }
        if !query.sort.is_empty() {
            prop_assert_eq!(ids(&found), ids(&matching));
        } else if orders.iter().all(|order| order.is_some() && *order == orders[0]) {
            prop_assert_eq!(found.len(), matching.len());
            prop_assert_eq!(id_set(&found), id_set(&matching));
        }
    }
}

/// Returns the order in which a plan reads without a sort, or `None` if it depends on the range.
fn read_order(plan: &Plan) -> Option<Option<(SortKey, Direction)>> {
    let explained = Explained::new(plan);
    match explained.fast_path {
        Some(FastPath::PageRange { order, .. }) => Some(order),
        _ => (!explained.backward).then_some(explained.order),
    }
}

/// Asserts that a result is complete if the plan protects it or one page held it all, and partial
/// if several pages may not fit together.
fn assert_honest_completeness(
    platform: &GeneratedPlatform,
    execution: &Execution,
) -> TestCaseResult {
    let plan = &execution.plan;
    let completeness = execution.completeness.clone();
    let one_page_holds_all = page_size_of(plan, &platform.list) >= platform.tokens.len() as u64;
    let one_page =
        execution.requests <= 1 && (one_page_holds_all || Explained::new(plan).reads_page_range());
    if plan.is_complete() || one_page || execution.requests == 0 {
        prop_assert_eq!(completeness, Some(Completeness::Complete), "{}", plan);
    } else if execution.requests > 1 {
        prop_assert!(
            matches!(completeness, Some(Completeness::Partial(_))),
            "{}",
            plan
        );
    }
    Ok(())
}

fn page_size_of(plan: &Plan, list: &ListCapability) -> u64 {
    let default = list.max_page_size.unwrap_or(30).min(30);
    u64::from(Explained::new(plan).page_size.unwrap_or(default))
}

/// Asserts that a query sends no more requests than planned, except a bounded number that probe the
/// tail for changes.
fn assert_cost(
    platform: &GeneratedPlatform,
    query: &Query,
    execution: &Execution,
) -> TestCaseResult {
    let plan = &execution.plan;
    let count = platform.tokens.len() as u64;
    let Some(planned) = plan.requests(count) else {
        return Ok(());
    };
    // At least three pages are read for each probe of the tail.
    let explained = Explained::new(plan);
    let probes = if explained.concurrent {
        1 + planned / 3
    } else {
        0
    };
    let maximum = match explained.fast_path {
        Some(FastPath::PageRange { .. }) => planned,
        Some(FastPath::FilteredPage) if count <= page_size_of(plan, &platform.list) => 1,
        _ => planned + probes,
    };
    prop_assert!(
        execution.requests <= maximum,
        "{} instead of {maximum}: {plan}",
        execution.requests
    );
    let reads_all = query.filter.is_none() && query.offset == 0 && query.limit.is_none();
    // Planned for, and not always there: the page that a keyset names after its last one, and the
    // second look of a backward scan at its first page.
    let may_save_one = platform.list.paging == Paging::Keyset || explained.backward;
    let fewest = (planned - u64::from(may_save_one)).max(1);
    prop_assert!(
        !reads_all || execution.requests >= fewest,
        "{} are too few: {plan}",
        execution.requests
    );
    Ok(())
}

/// Returns the fewest pages of one size that hold the range, as far as is known before the first
/// response.
fn fewest_pages(query: &Query, list: &ListCapability) -> u64 {
    let max_size = list
        .max_page_size
        .or(list.default_page_size)
        .unwrap_or(1000);
    let sizes = match query.page_size {
        Some(size) => size..=size,
        None => 1..=max_size,
    };
    let (start, end) = (query.offset, query.offset + query.limit.unwrap_or(0));
    let pages = sizes
        .map(u64::from)
        .map(|size| (end - 1) / size - start / size + 1);
    pages.min().unwrap_or_default()
}
