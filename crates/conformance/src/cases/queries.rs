//! Law 2: a query returns what its definition returns, whoever filters and sorts.

use std::collections::BTreeSet;

use tokenfleet_core::query::{NamePattern, TextPredicate, TimePredicate};
use tokenfleet_core::{
    Direction, ErrorKind, Filter, Query, RequestedExpiry, SortKey, Token, TokenId, TokenProvider,
    TokenProviderExt, TokenState,
};

use super::preconditions::lists;
use super::reading::ODD_NAMES;
use crate::Case;
use crate::case::case;
use crate::case_result::{CaseResult, describe, ensure, expect_err, not_applicable};
use crate::harness::{Harness, STATES, format_ids, ids_of};

const GROUP: &str = "queries";

pub(super) const CASES: &[Case] = &[
    case! {
        law 2: "a name filter agrees with its definition",
        when: lists,
        run: name_filter,
        killed_by: [LosesMatches on retaining],
    },
    case! {
        law 2: "a name pattern filter agrees with its definition",
        when: lists,
        run: pattern_filter,
        killed_by: [LosesMatches on retaining],
    },
    case! {
        law 2: "a state filter agrees with its definition",
        when: lists,
        run: state_filter,
        killed_by: [LosesMatches on deleting],
    },
    case! {
        law 2: "a time filter agrees with its definition",
        when: lists,
        run: time_filter,
        // Only core can break this, so no mutant does.
        killed_by: [],
    },
    case! {
        law 2: "combined filters agree with their definition",
        when: lists,
        run: combined_filters,
        killed_by: [LosesMatches on retaining],
    },
    case! {
        law 2: "every sort order agrees with its definition",
        when: lists,
        run: orders,
        killed_by: [SinglePage on full, DeclaresLooseOrderExact on deleting],
    },
    case! {
        law 2: "an offset and a limit agree with their definition",
        when: lists,
        run: offset_and_limit,
        killed_by: [SinglePage on full],
    },
    case! {
        law 2: "sorting more tokens than the scan limit is an error, not a shorter list",
        when: lists,
        run: scan_limit,
        // Only core can break this, so no mutant does.
        killed_by: [],
    },
];

/// Inserts tokens with odd names, in all states and with several expiries, and lists them all.
pub(super) async fn seed_varied_tokens(harness: &Harness) -> CaseResult<Vec<Token>> {
    for name in ODD_NAMES {
        harness.insert(harness.spec(name)).await;
    }
    for state in STATES {
        let name = format!("plain {}", state.as_str());
        harness.insert(harness.spec(&name).with_state(state)).await;
    }
    for days in [3, 2, 3] {
        let expiry = RequestedExpiry::At(harness.in_days(days));
        let name = format!("expiring {days} {}", harness.token_count().await);
        harness
            .insert(harness.spec(&name).with_expiry(expiry))
            .await;
    }
    // The first listing may itself count as the first use of the acting token.
    let expected = "all tokens are listed";
    harness.list(Query::new(), expected).await?;
    let all = harness.list(Query::new(), expected).await?.tokens;
    if all.is_empty() {
        return not_applicable("the fixture can insert no token");
    }
    Ok(all)
}

/// Expects a query to return what [`Query::evaluate`] returns for the whole list.
async fn expect_definition(harness: &Harness, all: &[Token], query: Query) -> CaseResult {
    let query = query.page_size(harness.page_size(10));
    let found = harness.list_ids(query.clone(), "a query succeeds").await?;
    let mut there = query.clone();
    there.filter = (there.filter).map(|filter| filter.for_account(harness.provider().account()));
    let defined = ids_of(&there.evaluate(all.to_vec()));
    let same = if query.sort.is_empty() {
        let set = |ids: &[TokenId]| ids.iter().cloned().collect::<BTreeSet<_>>();
        found.len() == defined.len() && set(&found) == set(&defined)
    } else {
        found == defined
    };
    ensure(
        same,
        "a query returns the tokens that its definition selects from the whole list, in its order",
        format!(
            "{:?} sorted by {:?} returned {} instead of {}",
            query.filter,
            query.sort,
            format_ids(&found),
            format_ids(&defined)
        ),
    )
}

async fn expect_filter(harness: &Harness, all: &[Token], filter: Filter) -> CaseResult {
    expect_definition(harness, all, Query::new().filter(filter)).await
}

async fn name_filter(harness: &Harness) -> CaseResult {
    let all = seed_varied_tokens(harness).await?;
    let others = ["PLAIN", "two", "missing", " plain", "plain "];
    for name in ODD_NAMES.into_iter().chain(others) {
        expect_filter(harness, &all, Filter::name(name)).await?;
    }
    for prefix in [
        "pl", "Pl", "quote\"", "100%", "u", "star*", "ключ", "not", "é", "",
    ] {
        let prefix = Filter::Name(NamePattern::Prefix(prefix.to_owned()));
        expect_filter(harness, &all, prefix).await?;
    }
    Ok(())
}

/// Name patterns that a platform's query language may interpret differently.
pub(super) const PATTERNS: [&str; 22] = [
    "*",
    "**",
    "plain",
    "PLAIN",
    "p*",
    "*n",
    "*a*",
    "a*b",
    "100%",
    "1*%",
    "under_score",
    "u*_*e",
    "star*name",
    "*\"*",
    "*'*",
    "*\\*",
    "*,*",
    "n*t",
    "*о*",
    "* *",
    "(*)",
    "",
];

async fn pattern_filter(harness: &Harness) -> CaseResult {
    let all = seed_varied_tokens(harness).await?;
    for pattern in PATTERNS {
        expect_filter(harness, &all, Filter::name_glob(pattern)).await?;
    }
    Ok(())
}

async fn state_filter(harness: &Harness) -> CaseResult {
    let all = seed_varied_tokens(harness).await?;
    for state in STATES.into_iter().chain([TokenState::Unknown]) {
        let filter = Filter::State(state);
        expect_filter(harness, &all, filter.clone()).await?;
        expect_filter(harness, &all, Filter::Not(Box::new(filter))).await?;
    }
    Ok(())
}

async fn time_filter(harness: &Harness) -> CaseResult {
    let all = seed_varied_tokens(harness).await?;
    let mut predicates = vec![TimePredicate::Never, TimePredicate::NotReported];
    for days in [0, 2, 3] {
        let at = harness.in_days(days);
        predicates.extend([TimePredicate::Before(at), TimePredicate::From(at)]);
    }
    for predicate in predicates {
        for filter in [
            Filter::Created(predicate),
            Filter::Updated(predicate),
            Filter::Expiry(predicate),
        ] {
            expect_filter(harness, &all, filter).await?;
        }
    }
    Ok(())
}

async fn combined_filters(harness: &Harness) -> CaseResult {
    let all = seed_varied_tokens(harness).await?;
    let account = harness.provider().account().clone();
    let glob = |pattern: &str| Filter::name_glob(pattern);
    let active = || Filter::State(TokenState::Active);
    let soon = Filter::Expiry(TimePredicate::Before(harness.in_days(3)));
    for filter in [
        glob("*a*").and(active()),
        active().and(glob("p*")).and(glob("*n")),
        glob("p*").and(Filter::Not(Box::new(active()))),
        Filter::Any(vec![
            Filter::name("not"),
            Filter::name("or"),
            Filter::name("a&b"),
        ]),
        Filter::Any(vec![glob("*\"*"), soon.clone()]),
        Filter::Any(vec![
            Filter::State(TokenState::Suspended),
            Filter::State(TokenState::Expired),
        ]),
        Filter::Not(Box::new(glob("*a*"))),
        glob("*").and(soon),
        Filter::Any(vec![glob("p*").and(active()), Filter::name("(paren)")]).and(glob("*")),
        Filter::All(Vec::new()),
        Filter::Any(Vec::new()),
        Filter::id(all[0].id.as_str()),
        !Filter::Description(TextPredicate::NotReported),
        Filter::Scopes(TextPredicate::Absent).and(glob("p*")),
        Filter::attribute("status", "hibernating"),
        Filter::of_account(account.name()).and(glob("*a*")),
        (!Filter::of_provider(account.provider())).or(active()),
    ] {
        expect_filter(harness, &all, filter).await?;
    }
    Ok(())
}

async fn orders(harness: &Harness) -> CaseResult {
    let all = seed_varied_tokens(harness).await?;
    for key in SortKey::ALL {
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = Query::new().sort_by(key, direction);
            expect_definition(harness, &all, query.clone()).await?;
            let filtered = query.filter(Filter::name_glob("*a*"));
            expect_definition(harness, &all, filtered).await?;
        }
    }
    let by_two_keys = Query::new()
        .sort_by(SortKey::State, Direction::Descending)
        .sort_by(SortKey::Name, Direction::Ascending);
    expect_definition(harness, &all, by_two_keys).await
}

async fn offset_and_limit(harness: &Harness) -> CaseResult {
    let all = seed_varied_tokens(harness).await?;
    let count = all.len() as u64;
    for key in [SortKey::Id, SortKey::Name] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = || Query::new().sort_by(key, direction);
            for query in [
                query().limit(1),
                query().limit(0),
                query().offset(2).limit(11),
                query().offset(count - 1),
                query().offset(count + 5),
            ] {
                expect_definition(harness, &all, query).await?;
            }
        }
    }
    for limit in [0, 1, 10, 11, count, count + 1] {
        let query = Query::new().limit(limit).page_size(harness.page_size(10));
        let found = harness
            .list_ids(query, "a limited listing succeeds")
            .await?;
        let distinct: BTreeSet<_> = found.iter().collect();
        ensure(
            distinct.len() as u64 == limit.min(count) && found.len() == distinct.len(),
            "a limit is the exact number of tokens",
            format!("{} of {count} tokens, limited to {limit}", found.len()),
        )?;
    }
    Ok(())
}

async fn scan_limit(harness: &Harness) -> CaseResult {
    if harness.seed_tokens(3).await?.len() < 3 {
        return not_applicable("the account cannot hold more tokens than a limit");
    }
    for key in SortKey::ALL {
        let query = Query::new()
            .sort_by(key, Direction::Ascending)
            .scan_limit(1);
        let listing = harness.start_listing(query.clone())?;
        if !listing.plan().sorts_in_memory() {
            continue;
        }
        let expected = "sorting more tokens than the scan limit fails";
        let error = expect_err(harness.provider().list_all(query).await, expected)?;
        ensure(
            error.kind() == ErrorKind::LimitExceeded,
            expected,
            describe(&error),
        )?;
    }
    Ok(())
}
