//! Queries on platforms in memory of random capabilities.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tokenfleet_conformance::MemoryProvider;
use tokenfleet_core::capability::ListCapability;
use tokenfleet_core::{Completeness, Direction, Plan, Query, SortKey, Token, TokenProviderExt};

use crate::adapters::block_on;
use crate::draws::{Drawn, fitting, platform, query, sort_by};
use crate::explained::{Explained, FastPath};
use crate::{demand_definition, ids, rest_of, set, usually, without_bounds};

/// What a query found, how, and after how many requests.
struct Answer {
    plan: Plan,
    tokens: Vec<Token>,
    completeness: Option<Completeness>,
    requests: u64,
}

fn ask(drawn: &Drawn, query: &Query) -> Result<Answer, TestCaseError> {
    let provider = MemoryProvider::new(drawn.profile()).with_tokens(drawn.tokens.clone());
    let failed = |error: tokenfleet_core::Error| TestCaseError::fail(error.to_string());
    let mut listing = provider.list(query.clone()).map_err(failed)?;
    let (tokens, completeness) = block_on(rest_of(&mut listing)).map_err(failed)?;
    Ok(Answer {
        plan: listing.plan().clone(),
        tokens,
        completeness,
        requests: provider.request_count(),
    })
}

proptest! {
    #![proptest_config(usually(2000))]

    #[test]
    fn a_query_answers_its_definition_whatever_the_platform_can_do(drawn in platform(), query in query()) {
        let query = fitting(query, &drawn.list);
        let answer = ask(&drawn, &query)?;
        demand_definition(&query, &drawn.tokens, &answer.tokens)?;
        demand_honest_claim(&drawn, &answer)?;
        demand_cost(&drawn, &query, &answer)?;
    }

    #[test]
    fn a_window_of_a_numbered_platform_costs_the_fewest_pages(
        drawn in platform(), sort in prop::option::of(sort_by()), offset in 0u64..70, limit in 0u64..70,
        page_size in prop::option::of(1u32..80),
    ) {
        let mut query = Query::new().sort_by_keys(sort).offset(offset).limit(limit);
        query.page_size = page_size;
        let query = fitting(query, &drawn.list);
        let answer = ask(&drawn, &query)?;
        demand_definition(&query, &drawn.tokens, &answer.tokens)?;
        if Explained::new(&answer.plan).reads_page_range() {
            let fewest = if limit == 0 { 0 } else { fewest_pages(&query, &drawn.list) };
            prop_assert!(answer.requests <= fewest);
            prop_assert!(answer.requests == fewest || drawn.tokens.len() as u64 <= offset + limit);
        }
    }
}

proptest! {
    #![proptest_config(usually(500))]

    #[test]
    fn windows_side_by_side_hold_every_token_once(drawn in platform(), query in query(), step in 1u64..30) {
        let query = fitting(query, &drawn.list);
        let whole = without_bounds(&query);
        let matching = whole.evaluate(drawn.tokens.clone());
        let (mut found, mut orders) = (Vec::new(), Vec::new());
        for offset in (0..=matching.len() as u64).step_by(step as usize) {
            let window = whole.clone().offset(offset).limit(step);
            let answer = ask(&drawn, &window)?;
            orders.push(order_of(&answer.plan));
            found.extend(answer.tokens);
        }
        if !query.sort.is_empty() {
            prop_assert_eq!(ids(&found), ids(&matching));
        } else if orders.iter().all(|order| order.is_some() && *order == orders[0]) {
            prop_assert_eq!(found.len(), matching.len());
            prop_assert_eq!(set(&found), set(&matching));
        }
    }
}

/// The order in which a plan reads where the query asks for none; `None`: one that depends on the window.
fn order_of(plan: &Plan) -> Option<Option<(SortKey, Direction)>> {
    let explained = Explained::new(plan);
    match explained.fast_path {
        Some(FastPath::PageRange { order, .. }) => Some(order),
        _ => (!explained.backward).then_some(explained.order),
    }
}

/// Complete where the walk protects or one page held all that was asked for, and not where several may not fit together.
fn demand_honest_claim(drawn: &Drawn, answer: &Answer) -> TestCaseResult {
    let plan = &answer.plan;
    let claim = answer.completeness.clone();
    let whole_pages = size_of_pages(plan, &drawn.list) >= drawn.tokens.len() as u64;
    let one_page = answer.requests <= 1 && (whole_pages || Explained::new(plan).reads_page_range());
    if plan.is_complete() || one_page || answer.requests == 0 {
        prop_assert_eq!(claim, Some(Completeness::Complete), "{}", plan);
    } else if answer.requests > 1 {
        prop_assert!(matches!(claim, Some(Completeness::Partial(_))), "{}", plan);
    }
    Ok(())
}

fn size_of_pages(plan: &Plan, list: &ListCapability) -> u64 {
    let unsaid = list.max_page_size.unwrap_or(30).min(30);
    u64::from(Explained::new(plan).page_size.unwrap_or(unsaid))
}

/// No more requests than the plan says; beside them only a bounded number that make sure that nothing changed.
fn demand_cost(drawn: &Drawn, query: &Query, answer: &Answer) -> TestCaseResult {
    let plan = &answer.plan;
    let count = drawn.tokens.len() as u64;
    let Some(said) = plan.requests(count) else {
        return Ok(());
    };
    // At least three pages wait for each look at the end.
    let explained = Explained::new(plan);
    let looks = if explained.concurrent {
        1 + said / 3
    } else {
        0
    };
    let most = match explained.fast_path {
        Some(FastPath::PageRange { .. }) => said,
        Some(FastPath::FilteredPage) if count <= size_of_pages(plan, &drawn.list) => 1,
        _ => said + looks,
    };
    prop_assert!(
        answer.requests <= most,
        "{} instead of {most}: {plan}",
        answer.requests
    );
    let all_wanted = query.filter.is_none() && query.offset == 0 && query.limit.is_none();
    prop_assert!(
        !all_wanted || answer.requests >= said,
        "{} are too few: {plan}",
        answer.requests
    );
    Ok(())
}

/// How few pages of one size hold the window, as far as can be known before the first answer.
fn fewest_pages(query: &Query, list: &ListCapability) -> u64 {
    let largest = list
        .max_page_size
        .or(list.default_page_size)
        .unwrap_or(1000);
    let sizes = match query.page_size {
        Some(size) => size..=size,
        None => 1..=largest,
    };
    let (first, beyond) = (query.offset, query.offset + query.limit.unwrap_or(0));
    let pages = sizes
        .map(u64::from)
        .map(|size| (beyond - 1) / size - first / size + 1);
    pages.min().unwrap_or_default()
}
