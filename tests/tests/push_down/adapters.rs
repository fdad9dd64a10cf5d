//! Queries through each adapter before its simulator, whatever is unknown of its platform.

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

use crate::draws::{at_day, fitting, name, query, query_naming};
use crate::explained::Explained;
use crate::{demand_definition, rest_of, usually};

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Tokens as a platform may hold them, of names that its own search may read otherwise.
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
    let read = |(name, state, created, expires, last_used): (String, _, Timestamp, _, _)| {
        let mut token = NewToken::named(name).state(state).created(created);
        (token.expires, token.last_used) = (expires, last_used);
        token
    };
    vec(token.prop_map(read), 0..25)
}

/// Another setting of one switch of the simulator, or none.
fn switch(
    provider: &'static str,
    but: &'static [&'static str],
) -> impl Strategy<Value = Option<String>> {
    let switches = tokenfleet_simulators::switches(provider).unwrap();
    let settings: Vec<_> = switches
        .into_iter()
        .filter(|(switch, _)| !but.contains(switch))
        .flat_map(|(switch, settings)| settings[1..].iter().map(move |s| format!("{switch}={s}")))
        .collect();
    option::of(select(settings))
}

/// Puts the tokens there, in the middle of their time; where names are unique, the first of each.
fn fill(simulator: &dyn Simulator, tokens: Vec<NewToken>) {
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
        // Suspension is Losant's, revocation without a trace of deletion is Foreman's.
        let foreign = match token.state {
            State::Suspended | State::Unrecognized => unique,
            State::Revoked => !unique,
            _ => false,
        };
        if !(foreign || unique && taken(&token.name)) {
            simulator.insert(token);
        }
    }
}

async fn all_of(provider: &dyn TokenProvider) -> Vec<Token> {
    // The first request may count as a use of the token that is acted with.
    provider.list_all(Query::new()).await.unwrap();
    provider.list_all(Query::new()).await.unwrap().tokens
}

/// How a query was carried out, and after how many requests.
type Carried = (Plan, u64);

/// Demands that each query finds what its definition finds in the whole list.
async fn demand_all(
    fixture: &SimulatedFixture,
    queries: Vec<Query>,
) -> Result<Vec<Carried>, TestCaseError> {
    let provider = fixture.provider();
    let all = all_of(&*provider).await;
    prop_assert_eq!(all.len(), fixture.simulator().token_count());
    let mut carried = Vec::new();
    for query in queries {
        let query = fitting(query, provider.capabilities().list.as_ref().unwrap());
        let before = fixture.requests();
        let mut listing = provider.list(query.clone()).unwrap();
        let plan = listing.plan().clone();
        let failed = |error: &dyn Display| {
            TestCaseError::fail(format!("{error}\n{query:?}\n{plan}\n{all:?}"))
        };
        let (found, _) = rest_of(&mut listing)
            .await
            .map_err(|error| failed(&error))?;
        demand_definition(&query, &all, &found).map_err(|error| failed(&error))?;
        if !found.iter().all(|token| all.contains(token)) {
            return Err(failed(&"a token is shown otherwise than in the whole list"));
        }
        carried.push((plan, fixture.requests() - before));
    }
    Ok(carried)
}

/// Demands that windows cost what their plans say.
fn demand_cost(fixture: &SimulatedFixture, carried: &[Carried]) -> TestCaseResult {
    let count = fixture.simulator().token_count() as u64;
    for (plan, requests) in carried {
        // Where nothing is wanted, nothing is asked for.
        if Explained::new(plan).reads_page_range() && *requests > 0 {
            prop_assert_eq!(Some(*requests), plan.requests(count), "{}", plan);
        }
    }
    Ok(())
}

fn queries() -> impl Strategy<Value = Vec<Query>> {
    vec(query(), 1..9)
}

/// Tokens, and queries that mostly name some of them.
fn tokens_and_queries() -> impl Strategy<Value = (Vec<NewToken>, Vec<Query>)> {
    new_tokens().prop_flat_map(|tokens| {
        let mut names: Vec<_> = tokens.iter().map(|token| token.name.clone()).collect();
        names.truncate(4);
        names.push("ci".to_owned());
        let names = prop_oneof![4 => select(names), 1 => name()].boxed();
        (Just(tokens), vec(query_naming(names), 1..9))
    })
}

proptest! {
    #![proptest_config(usually(500))]

    #[test]
    fn losant_answers_the_definition(
        (tokens, queries) in tokens_and_queries(), switch in switch("losant", &["collection", "above_max"]),
    ) {
        let switch = switch.into_iter().collect::<Vec<_>>();
        let fixture = losant(&switch.iter().map(String::as_str).collect::<Vec<_>>());
        fill(&**fixture.simulator(), tokens);
        let carried = block_on(demand_all(&fixture, queries))?;
        demand_cost(&fixture, &carried)?;
    }

    #[test]
    fn foreman_answers_the_definition_in_every_release(
        (tokens, queries) in tokens_and_queries(), (version, release) in select(&FOREMAN_RELEASES[..]), learns in any::<bool>(),
        switch in switch("foreman", &[]),
    ) {
        let mut options = vec![version];
        options.extend(switch.as_deref());
        let fixture = foreman(&options, (!learns).then_some(release));
        fill(&**fixture.simulator(), tokens);
        let carried = block_on(demand_all(&fixture, queries))?;
        demand_cost(&fixture, &carried)?;
    }
}

proptest! {
    #![proptest_config(usually(100))]

    #[test]
    fn losant_with_smaller_pages_than_asked_for_answers_the_definition(
        (tokens, queries) in tokens_and_queries(), most in 1u32..12,
    ) {
        let fixture = losant(&[&format!("max_per_page={most}")]);
        fill(&**fixture.simulator(), tokens);
        block_on(demand_all(&fixture, queries))?;
    }

    #[test]
    fn cloudsmith_answers_the_definition(
        has_key in any::<bool>(), queries in queries(), switch in switch("cloudsmith", &["credential", "login"]),
    ) {
        let tokens = if has_key { "tokens=1" } else { "tokens=0" };
        let mut options = vec![tokens, "rate_limit=none"];
        options.extend(switch.as_deref());
        let fixture = cloudsmith(&options, false);
        fixture.simulator().clock().freeze();
        block_on(demand_all(&fixture, queries))?;
    }
}
