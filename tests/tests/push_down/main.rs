//! Law 2: push-down changes nothing but cost.
//!
//! Random queries on random collections, on platforms in memory of random capabilities and through each adapter before
//! its simulator, held against the definition: `Query::evaluate` of the whole list.
//! `PROPTEST_CASES=100000 cargo test --release -p tokenfleet-tests --test push_down` tries each of these laws that often.

mod adapters;
mod draws;
mod explained;
mod memory;
mod resuming;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tokenfleet_core::{Completeness, Listing, Query, Result, Token, TokenId};

/// So many cases, unless `PROPTEST_CASES` says another number.
fn usually(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The tokens that a listing still yields, and what it claims.
async fn rest_of(listing: &mut Listing<'_>) -> Result<(Vec<Token>, Option<Completeness>)> {
    let mut tokens = Vec::new();
    while let Some(token) = listing.next().await {
        tokens.push(token?);
    }
    Ok((tokens, listing.completeness()))
}

fn ids(tokens: &[Token]) -> Vec<&str> {
    tokens.iter().map(|token| token.id.as_str()).collect()
}

fn set(tokens: &[Token]) -> BTreeSet<&TokenId> {
    tokens.iter().map(|token| &token.id).collect()
}

/// Demands what the query answers for the whole list. Where it asks for no order any may come, and so any window of it.
fn demand_definition(query: &Query, all: &[Token], found: &[Token]) -> TestCaseResult {
    let defined = query.evaluate(all.to_vec());
    if !query.sort.is_empty() {
        prop_assert_eq!(ids(found), ids(&defined));
        return Ok(());
    }
    let matching = without_bounds(query).evaluate(all.to_vec());
    let distinct = set(found);
    prop_assert_eq!(distinct.len(), found.len(), "repeated: {:?}", ids(found));
    prop_assert!(distinct.is_subset(&set(&matching)), "{:?}", ids(found));
    prop_assert_eq!(found.len(), defined.len());
    Ok(())
}

/// The same query without offset and limit.
fn without_bounds(query: &Query) -> Query {
    let mut query = query.clone();
    (query.offset, query.limit) = (0, None);
    query
}
