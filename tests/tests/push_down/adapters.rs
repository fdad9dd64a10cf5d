//! Queries through each adapter in front of its simulator, whatever the unknown facts of its
//! platform.

use std::fmt::Display;
use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use tokenfleet_conformance::Fixture;
use tokenfleet_core::{Plan, Query, Token, TokenProvider, TokenProviderExt};
use tokenfleet_simulators::{NewToken, Simulator, State};
use tokenfleet_tests::{FOREMAN_RELEASES, SimulatedFixture, cloudsmith, foreman, losant};

use crate::explained::Explained;
use crate::generators::{at_day, name, query, query_about, with_valid_page_size};
use crate::{assert_matches_definition, collect, default_cases};

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Generates tokens as a platform may hold them, with names that its own search may misread.
fn new_tokens() -> impl Strategy<Value = Vec<NewToken>> {
    const STATES: [State; 5] = [
        State::Active,
        State::Suspended,
        State::Revoked,
        State::Expired,
        State::Unrecognized,
    ];
    let day = || (0i64..8).prop_map(|day| at_day(day).to_string().parse().unwrap());
    let token = (
        name(),
        select(&STATES[..]),
        day(),
        option::of(day()),
        option::of(day()),
    );
    let build = |(name, state, created, expires, last_used): (String, _, Timestamp, _, _)| {
        let mut token = NewToken::named(name).state(state).created(created);
        (token.expires, token.last_used) = (expires, last_used);
        token
    };
    vec(token.prop_map(build), 0..25)
}

/// Generates another setting of one switch of the simulator, or none.
fn switch(
    provider: &'static str,
    excluded: &'static [&'static str],
) -> impl Strategy<Value = Option<String>> {
    let switches = tokenfleet_simulators::switches(provider).unwrap();
    let settings: Vec<_> = switches
        .into_iter()
        .filter(|(switch, _)| !excluded.contains(switch))
        .flat_map(|(switch, settings)| settings[1..].iter().map(move |s| format!("{switch}={s}")))
        .collect();
    option::of(select(settings))
}

/// Inserts the tokens at a time in the middle of theirs; where names are unique, the first of each.
fn insert_all(simulator: &dyn Simulator, tokens: Vec<NewToken>) {
    let now: Timestamp = at_day(4).to_string().parse().unwrap();
    simulator
        .clock()
        .set(now.saturating_add(SignedDuration::from_mins(1)).unwrap());
    simulator.clock().freeze();
    let unique = simulator.provider() == "foreman";
    for token in tokens {
        let taken = |name: &str| {
            simulator
                .tokens()
                .iter()
                .any(|t| t.name.as_deref() == Some(name))
        };
        // Only Losant suspends tokens, and only Foreman keeps revoked ones.
        let is_impossible = match token.state {
            State::Suspended | State::Unrecognized => unique,
            State::Revoked => !unique,
            _ => false,
        };
        if !(is_impossible || unique && taken(&token.name)) {
            simulator.insert(token);
        }
    }
}

async fn list_all(provider: &dyn TokenProvider) -> Vec<Token> {
    // The first request may count as a use of the acting token.
    provider.list_all(Query::new()).await.unwrap();
    provider.list_all(Query::new()).await.unwrap().tokens
}

/// The plan of a query and the number of requests that it took.
type Execution = (Plan, u64);

/// Asserts that each query finds what it defines for the whole list.
async fn assert_all(
    fixture: &SimulatedFixture,
    queries: Vec<Query>,
) -> Result<Vec<Execution>, TestCaseError> {
    let provider = fixture.provider();
    let all = list_all(&*provider).await;
    prop_assert_eq!(all.len(), fixture.simulator().token_count());
    let mut executions = Vec::new();
    for query in queries {
        let query = with_valid_page_size(query, provider.capabilities().list.as_ref().unwrap());
        let before = fixture.request_count();
        let mut listing = provider.list(query.clone()).unwrap();
        let plan = listing.plan().clone();
        let failed = |error: &dyn Display| {
            TestCaseError::fail(format!("{error}\n{query:?}\n{plan}\n{all:?}"))
        };
        let (found, _) = collect(&mut listing)
            .await
            .map_err(|error| failed(&error))?;
        assert_matches_definition(&query, &all, &found).map_err(|error| failed(&error))?;
        if !found.iter().all(|token| all.contains(token)) {
            return Err(failed(&"a token differs from the one in the whole list"));
        }
        executions.push((plan, fixture.request_count() - before));
    }
    Ok(executions)
}

/// Asserts that page ranges cost what their plans say.
fn assert_cost(fixture: &SimulatedFixture, executions: &[Execution]) -> TestCaseResult {
    let count = fixture.simulator().token_count() as u64;
    for (plan, requests) in executions {
        // A limit of zero needs no request.
        if Explained::new(plan).reads_page_range() && *requests > 0 {
            prop_assert_eq!(Some(*requests), plan.requests(count), "{}", plan);
        }
    }
    Ok(())
}

fn queries() -> impl Strategy<Value = Vec<Query>> {
    vec(query(), 1..9)
}

/// Generates tokens, and queries that mostly name some of them.
fn tokens_and_queries() -> impl Strategy<Value = (Vec<NewToken>, Vec<Query>)> {
    new_tokens().prop_flat_map(|tokens| {
        let mut names: Vec<_> = tokens.iter().map(|token| token.name.clone()).collect();
        names.truncate(4);
        names.push("ci".to_owned());
        let names = prop_oneof![4 => select(names), 1 => name()].boxed();
        (Just(tokens), vec(query_about(names), 1..9))
    })
}

proptest! {
    #![proptest_config(default_cases(500))]

    #[test]
    fn losant_queries_match_their_definition(
        (tokens, queries) in tokens_and_queries(),
        switch in switch("losant", &["collection", "above_max"]),
    ) {
        let switch = switch.into_iter().collect::<Vec<_>>();
        let fixture = losant(&switch.iter().map(String::as_str).collect::<Vec<_>>());
        insert_all(&**fixture.simulator(), tokens);
        let executions = block_on(assert_all(&fixture, queries))?;
        assert_cost(&fixture, &executions)?;
    }

    #[test]
    fn foreman_queries_match_their_definition_in_every_release(
        (tokens, queries) in tokens_and_queries(),
        (version, release) in select(&FOREMAN_RELEASES[..]),
        detects in any::<bool>(),
        switch in switch("foreman", &[]),
    ) {
        let mut options = vec![version];
        options.extend(switch.as_deref());
        let fixture = foreman(&options, (!detects).then_some(release));
        insert_all(&**fixture.simulator(), tokens);
        let executions = block_on(assert_all(&fixture, queries))?;
        assert_cost(&fixture, &executions)?;
    }
}

proptest! {
    #![proptest_config(default_cases(100))]

    #[test]
    fn losant_queries_match_their_definition_with_smaller_pages_than_requested(
        (tokens, queries) in tokens_and_queries(), max_page_size in 1u32..12,
    ) {
        let fixture = losant(&[&format!("max_per_page={max_page_size}")]);
        insert_all(&**fixture.simulator(), tokens);
        block_on(assert_all(&fixture, queries))?;
    }

    #[test]
    fn cloudsmith_queries_match_their_definition(
        has_key in any::<bool>(),
        queries in queries(),
        switch in switch("cloudsmith", &["credential", "login", "collection"]),
    ) {
        let tokens = if has_key { "tokens=1" } else { "tokens=0" };
        let mut options = vec![tokens, "rate_limit=none"];
        options.extend(switch.as_deref());
        let fixture = cloudsmith(&options, false);
        fixture.simulator().clock().freeze();
        block_on(assert_all(&fixture, queries))?;
    }
}
