//! Law 2: the filters and orders that the platform itself applies.

use std::collections::BTreeSet;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::capability::OrderCapability;
use tokenfleet_core::query::{NamePattern, SortBy, TimePredicate};
use tokenfleet_core::{
    Capabilities, Direction, Filter, Query, SortKey, Token, TokenId, TokenProvider,
};

use super::preconditions::lists;
use super::queries::{PATTERNS, seed_varied_tokens};
use super::reading::ODD_NAMES;
use crate::case::case;
use crate::case_result::{CaseResult, ensure};
use crate::harness::{Harness, STATES, format_ids, ids_of};
use crate::refusal::expect_refused;
use crate::{Case, Decision};

const GROUP: &str = "push-down";

pub(super) const CASES: &[Case] = &[
    case! {
        law 2: "a filter applied by the platform loses no match",
        when: declares_filters,
        run: declared_filters,
        killed_by: [LosesMatches on retaining],
    },
    case! {
        law 2: "an order is as exact, stable and append-only as declared",
        when: declares_orders,
        run: declared_orders,
        killed_by: [IgnoresOrder on deleting, DeclaresLooseOrderExact on deleting],
    },
    case! {
        law 1: "an undeclared filter or order is refused before any request",
        when: lists,
        run: undeclared,
        killed_by: [DropsUndeclaredFilters on deleting],
    },
];

fn declares_filters(declared: &Capabilities) -> Decision {
    let some = declared.list.as_ref().is_some_and(|list| {
        let filters = &list.filters;
        filters.name_exact || filters.name_pattern || !filters.states.is_empty()
    });
    Decision::run_if(some, "it declares no filter")
}

fn declares_orders(declared: &Capabilities) -> Decision {
    let list = declared.list.as_ref();
    let some = list.is_some_and(|list| !list.orders.is_empty());
    Decision::run_if(some, "it declares no order")
}

async fn declared_filters(harness: &Harness) -> CaseResult {
    let all = seed_varied_tokens(harness).await?;
    let Some(list) = harness.capabilities().list.clone() else {
        return Ok(());
    };
    let mut filters = Vec::new();
    for name in ODD_NAMES {
        filters.push(Filter::name(name));
        filters.push(Filter::Name(NamePattern::Prefix(name.to_owned())));
    }
    filters.extend(PATTERNS.into_iter().map(Filter::name_glob));
    filters.extend(STATES.into_iter().map(Filter::State));
    filters.push(Filter::name_glob("*a*").and(Filter::name_glob("p*")));
    filters.push(Filter::Any(vec![Filter::name("not"), Filter::name("or")]));
    filters.retain(|filter| list.filters.covers(filter));
    for filter in filters {
        let request = PageRequest::first()
            .size(harness.page_size(10))
            .filter(filter.clone());
        let returned = ids_of(&harness.tokens_on_pages(request).await?);
        let returned: BTreeSet<TokenId> = returned.into_iter().collect();
        let matches = all.iter().filter(|token| filter.matches(token));
        let lost: Vec<_> = matches
            .map(|token| &token.id)
            .filter(|id| !returned.contains(*id))
            .collect();
        ensure(
            lost.is_empty(),
            "a filter applied by the platform loses no match",
            format!("{filter:?} loses {}", format_ids(lost)),
        )?;
    }
    Ok(())
}

async fn declared_orders(harness: &Harness) -> CaseResult {
    let all = seed_varied_tokens(harness).await?;
    let Some(list) = harness.capabilities().list.clone() else {
        return Ok(());
    };
    for order in &list.orders {
        for direction in directions(order) {
            let sort = SortBy::new(order.key, direction);
            let request = PageRequest::first()
                .size(harness.page_size(10))
                .sort_by(sort);
            let sorted = harness.tokens_on_pages(request).await?;
            expect_order(order, sort, &all, &sorted)?;
        }
    }
    let Some(append_only) = list.orders.iter().find(|order| order.appends) else {
        return Ok(());
    };
    let Some(newest) = harness.insert(harness.spec("newest")).await else {
        return Ok(());
    };
    let ascending = append_only.serves(Direction::Ascending);
    let direction = if ascending {
        Direction::Ascending
    } else {
        Direction::Descending
    };
    let request = PageRequest::first().size(harness.page_size(10));
    let request = request.sort_by(SortBy::new(append_only.key, direction));
    let sorted = harness.tokens_on_pages(request).await?;
    let end = if ascending {
        sorted.last()
    } else {
        sorted.first()
    };
    ensure(
        end.is_some_and(|end| end.id == newest.id),
        "in an append-only order a new token comes last, or first if descending",
        format!("sorted by {} it does not", append_only.key.as_str()),
    )
}

/// Returns the directions of an order that the platform serves.
fn directions(order: &OrderCapability) -> impl Iterator<Item = Direction> + use<> {
    let order = order.clone();
    let both = [Direction::Ascending, Direction::Descending].into_iter();
    both.filter(move |direction| order.serves(*direction))
}

fn expect_order(
    order: &OrderCapability,
    sort: SortBy,
    all: &[Token],
    sorted: &[Token],
) -> CaseResult {
    let key = order.key.as_str();
    let set = |tokens| ids_of(tokens).into_iter().collect::<BTreeSet<_>>();
    // In an order with ties, tokens may move between pages; the listing engine copes with that.
    ensure(
        !order.stable || (sorted.len() == all.len() && set(sorted) == set(all)),
        "pages in a stable order together hold every token once",
        format!(
            "sorted by {key} they hold {} of {} tokens",
            sorted.len(),
            all.len()
        ),
    )?;
    let compare = |pair: &[Token]| {
        let query = Query::new().sort_by(sort.key, sort.direction);
        let mut second = pair[1].clone();
        if sort.key != SortKey::Id {
            // Compares only the key, not the id that breaks ties.
            second.id = pair[0].id.clone();
        }
        query.compare(&pair[0], &second)
    };
    ensure(
        !order.exact || sorted.windows(2).all(|pair| compare(pair).is_le()),
        "an exact order is the one that its key defines",
        format!("sorted by {key}, {:?}, it is not", sort.direction),
    )?;
    ensure(
        !order.stable || !order.exact || sorted.windows(2).all(|pair| compare(pair).is_ne()),
        "in a stable order no two tokens have the same key",
        format!("sorted by {key} two have"),
    )
}

async fn undeclared(harness: &Harness) -> CaseResult {
    let Some(list) = harness.capabilities().list.clone() else {
        return Ok(());
    };
    let provider = harness.provider();
    for key in SortKey::ALL {
        let ascending = SortBy::new(key, Direction::Ascending);
        // A declared order includes the place of absent values, so another place is undeclared.
        let sort = match list.order(key) {
            Some(_) => ascending.nulls_first(),
            None => ascending,
        };
        let call = provider.list_page(PageRequest::first().sort_by(sort));
        expect_refused(harness, &format!("the order by {sort}"), call).await?;
        for direction in [Direction::Ascending, Direction::Descending] {
            if list
                .order(key)
                .is_some_and(|order| !order.serves(direction))
            {
                let sort = SortBy::new(key, direction);
                let call = provider.list_page(PageRequest::first().sort_by(sort));
                expect_refused(harness, &format!("the order by {sort}"), call).await?;
            }
        }
    }
    let mut filters = vec![
        Filter::name("x"),
        Filter::name_glob("x*"),
        Filter::Created(TimePredicate::Never),
        Filter::Expiry(TimePredicate::Never),
        Filter::owned_by("x"),
        Filter::Not(Box::new(Filter::name("x"))),
        Filter::name("x").and(Filter::name("y")),
        Filter::All(Vec::new()),
    ];
    filters.extend(STATES.into_iter().map(Filter::State));
    for filter in filters {
        if !list.filters.covers(&filter) {
            let what = format!("the filter {filter:?}");
            let call = provider.list_page(PageRequest::first().filter(filter));
            expect_refused(harness, &what, call).await?;
        }
    }
    Ok(())
}
