//! Law 2: push-down changes nothing but cost.
//!
//! Random queries on random tokens, on platforms in memory with random capabilities and through
//! each adapter in front of its simulator, compared with the definition: `Query::evaluate` of the
//! whole list. `PROPTEST_CASES=100000 cargo test --release -p tokenfleet-tests --test push_down`
//! tries each law that often.

mod adapters;
mod explained;
mod generators;
mod memory;
mod resuming;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tokenfleet_core::{Completeness, Listing, Query, Result, Token, TokenId};

/// Returns a configuration with this number of cases, unless `PROPTEST_CASES` sets another.
fn default_cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Returns the remaining tokens of a listing and its completeness.
async fn collect(listing: &mut Listing<'_>) -> Result<(Vec<Token>, Option<Completeness>)> {
    let mut tokens = Vec::new();
    while let Some(token) = listing.next().await {
        tokens.push(token?);
    }
    Ok((tokens, listing.completeness()))
}

fn ids(tokens: &[Token]) -> Vec<&str> {
    tokens.iter().map(|token| token.id.as_str()).collect()
}

fn id_set(tokens: &[Token]) -> BTreeSet<&TokenId> {
    tokens.iter().map(|token| &token.id).collect()
}

/// Asserts that the query found what it defines for the whole list; without a sort, any order is
/// right, and so is any range of the tokens.
fn assert_matches_definition(query: &Query, all: &[Token], found: &[Token]) -> TestCaseResult {
    let defined = query.evaluate(all.to_vec());
    if !query.sort.is_empty() {
        prop_assert_eq!(ids(found), ids(&defined));
        return Ok(());
    }
    let matching = without_bounds(query).evaluate(all.to_vec());
    let distinct = id_set(found);
    prop_assert_eq!(distinct.len(), found.len(), "repeated: {:?}", ids(found));
    prop_assert!(distinct.is_subset(&id_set(&matching)), "{:?}", ids(found));
    prop_assert_eq!(found.len(), defined.len());
    Ok(())
}

/// Returns the query without its offset and limit.
fn without_bounds(query: &Query) -> Query {
    let mut query = query.clone();
    (query.offset, query.limit) = (0, None);
    query
}
